import { startConnect } from "../net/connect.ts";
import { errnoName } from "../net/libc.ts";
import { encodeProxyHeader } from "../net/proxyHeader.ts";
import { parseIp } from "../net/sockaddr.ts";
import { adoptStream, endsOf, type StreamHandler, type StreamSocket } from "../net/stream.ts";
import { serverCounter } from "../pool/board.ts";
import { ListenCounter, ServerCounter } from "../pool/layout.ts";
import { idleDeadlines, queueTimeout } from "./deadline.ts";
import type { RelayEnvironment, RelayListen } from "./environment.ts";
import { Flow } from "./flow.ts";
import { applyKeepalive } from "./keepalive.ts";
import { settleCounters, toRecord } from "./record.ts";
import type { ClientSide } from "./clientSide.ts";
import { type ConnectFailure, classifyConnectError, decideRetry } from "./retry.ts";
import type { Waiting } from "./waitingLine.ts";

/**
 * One client connection from accept to its log line.
 *
 * ```
 *              no room on any server            slot freed
 *   accept ──▶ choosing ───────────▶ queued ─────────────┐
 *                 │  ▲◀───────────────────────────────────┘
 *          picked │  │ another server, or the same after a pause
 *                 ▼  │
 *              connecting ──failed──▶ pausing ──▶ choosing
 *                 │ connected
 *                 ▼
 *              established: two flows ──▶ both sockets closed ──▶ finished: counters, one log line
 * ```
 */
export type Phase = "choosing" | "queued" | "connecting" | "pausing" | "established" | "finished";

const NOBODY: readonly number[] = Object.freeze([]);
const NO_ADDRESS = new Uint8Array(0);
/** As HAProxy logs clients of a unix socket: `unix:` and the number of the bind line. */
const UNIX_CLIENT = { host: "unix", port: 1 };

export class Session implements ClientSide, Waiting {
  phase: Phase = "choosing";
  readonly acceptedMs: number;
  readonly acceptedWallMs: number;
  readonly clientHost: string;
  readonly clientPort: number;
  /** Slot of the server in use, or last tried; -1: none yet. */
  server = -1;
  /** HAProxy's two-letter termination state; set by the first cause. */
  termination = "";
  /** Monotonic ms: when the server in use was chosen, and when its connection was up; -1: not reached. */
  assignedMs = -1;
  connectedMs = -1;
  queuedMs = -1;
  boundTo = -1;
  queueAhead = { onServer: 0, onListen: 0 };
  retries = 0;
  redispatched = false;
  readonly up: Flow;
  down: Flow | null = null;

  private clientSocket: StreamSocket<ClientSide> | null;
  private serverSocket: StreamSocket<Session> | null = null;
  private tried: readonly number[] = NOBODY;
  private holdsSlot = false;
  private retriesLeft: number;
  private lastActivityMs: number;
  private clientEndedMs: number | null = null;
  private serverEndedMs: number | null = null;
  /** When the phase in hand must end; Infinity: no limit. */
  private phaseDeadlineMs = Infinity;
  private timer: Timer | null = null;
  private timerMs = Infinity;

  constructor(
    readonly env: RelayEnvironment,
    readonly listen: RelayListen,
    client: StreamSocket<ClientSide>,
  ) {
    this.clientSocket = client;
    this.acceptedMs = this.lastActivityMs = env.clock.nowMs();
    this.acceptedWallMs = env.clock.wallMs();
    // Gone once the socket is closed, so read now if anybody will ask; reading costs, so not otherwise.
    const wanted = listen.log !== null || listen.needsClientAddress;
    this.clientHost = wanted ? (client.remoteAddress ?? UNIX_CLIENT.host) : "";
    this.clientPort = wanted ? (client.remotePort ?? UNIX_CLIENT.port) : 0;
    this.retriesLeft = listen.config.retries;
    this.up = new Flow(client, null);
  }

  /** Begins: call once, right after accept. */
  start(): void {
    const { listen } = this;
    listen.sessions.add(this);
    if (listen.config.clientKeepalive !== null) applyKeepalive(this.clientSocket, listen.config.clientKeepalive);
    this.choose();
  }

  /** A slot may be free: tries to leave the queue. False when it still has to wait. */
  tryLeaveQueue(): boolean {
    this.choose();
    return this.phase !== "queued";
  }

  /** Ends it at once, for `termination` (`D-`, `U-`, `K-`). */
  kill(termination: string): void {
    this.blame(termination);
    if (this.phase === "established") this.closeBoth();
    else this.giveUp(termination);
  }

  // The client's socket.

  clientData(chunk: Uint8Array): void {
    const { counters } = this.listen;
    this.lastActivityMs = this.env.clock.nowMs();
    counters[ListenCounter.bytesIn] = (counters[ListenCounter.bytesIn] as number) + chunk.length;
    if (this.phase === "established") {
      const at = serverCounter(this.server, ServerCounter.bytesIn);
      counters[at] = (counters[at] as number) + chunk.length;
    }
    this.up.push(chunk);
  }

  clientDrain(): void {
    this.down?.flush();
    this.settle();
  }

  /** The client's FIN. Before the server is reached it means "gone" if nothing was said, else half-closed, as in HAProxy. */
  clientEnd(): void {
    if (this.phase !== "established" && this.up.bytes === 0) {
      this.giveUp(this.phase === "queued" ? "CQ" : "CC");
      return;
    }
    this.clientEndedMs ??= this.env.clock.nowMs();
    this.up.end();
    this.rearm();
  }

  clientClosed(error: Error | undefined): void {
    if (this.phase === "finished") return;
    this.clientSocket = null;
    this.up.sourceClosed();
    this.down?.sinkClosed();
    if (this.phase !== "established") {
      this.giveUp("CD");
      return;
    }
    if (error) {
      this.blame("CD");
      this.serverSocket?.terminate();
    } else {
      // After our own FIN Bun tells of the peer's by closing alone.
      this.up.end();
      if (this.down !== null && !this.down.ended) this.serverSocket?.end();
    }
    this.finishIfClosed();
  }

  // The server's socket.

  serverOpened(socket: StreamSocket<Session>): void {
    this.serverSocket = socket;
  }

  serverWritable(socket: StreamSocket<Session>): void {
    if (socket !== this.serverSocket) return;
    if (this.phase === "connecting") this.connected(socket);
    else this.up.flush();
    this.settle();
  }

  serverData(socket: StreamSocket<Session>, chunk: Uint8Array): void {
    if (socket !== this.serverSocket) return;
    if (this.phase === "connecting") this.connected(socket);
    const { counters } = this.listen;
    this.lastActivityMs = this.env.clock.nowMs();
    counters[ListenCounter.bytesOut] = (counters[ListenCounter.bytesOut] as number) + chunk.length;
    const at = serverCounter(this.server, ServerCounter.bytesOut);
    counters[at] = (counters[at] as number) + chunk.length;
    this.down?.push(chunk);
  }

  serverEnd(socket: StreamSocket<Session>): void {
    if (socket !== this.serverSocket) return;
    if (this.phase === "connecting") this.connected(socket);
    this.serverEndedMs ??= this.env.clock.nowMs();
    this.down?.end();
    this.rearm();
  }

  serverClosed(socket: StreamSocket<Session>, error: (Error & { code?: string }) | undefined): void {
    if (socket !== this.serverSocket) return;
    this.serverSocket = null;
    if (this.phase === "connecting") {
      this.attemptFailed(classifyConnectError(error?.code ?? "ECONNRESET"));
      return;
    }
    if (this.phase !== "established") return;
    this.up.sinkClosed();
    this.down?.sourceClosed();
    if (error) {
      this.blame("SD");
      this.clientSocket?.terminate();
    } else {
      this.serverEndedMs ??= this.env.clock.nowMs();
      this.down?.end();
      this.rearm();
      this.settle();
    }
    this.finishIfClosed();
  }

  // Choosing and connecting.

  private choose(): void {
    const { board, balancer } = this.listen;
    const client = this.listen.needsClientAddress ? parseIp(this.clientHost) : NO_ADDRESS;
    // Another thread can take the last slot between pick and reserve; each time at least one server has filled up.
    for (let round = 0; round <= board.slots; round++) {
      const server = balancer.pick(board, client, this.tried);
      if (server < 0) break;
      const served = board.reserve(server);
      if (served > 0) {
        this.dial(server, served);
        return;
      }
      if (balancer.bound) {
        this.wait(server);
        return;
      }
    }
    // Who already waits goes on waiting when the last server fails: one may return before the queue's timeout.
    if (this.phase === "queued" || this.untriedUsable()) this.wait(-1);
    else this.giveUp("SC");
  }

  private untriedUsable(): boolean {
    const { board } = this.listen;
    for (let server = 0; server < board.slots; server++) {
      if (board.weight(server) > 0 && !this.tried.includes(server)) return true;
    }
    return false;
  }

  private wait(boundTo: number): void {
    if (this.phase === "queued" && this.boundTo === boundTo) return;
    this.leaveQueue();
    this.phase = "queued";
    if (this.queuedMs < 0) this.queuedMs = this.env.clock.nowMs();
    this.phaseDeadlineMs = this.queuedMs + queueTimeout(this.listen.config.timeout);
    this.boundTo = boundTo;
    this.queueAhead = this.listen.line.join(this);
    this.rearm();
    // A slot freed by another thread before we stood in line rang for nobody.
    this.choose();
  }

  private leaveQueue(): void {
    this.listen.line.leave(this);
  }

  private dial(server: number, served: number): void {
    const { listen, env } = this;
    const { board, counters, config } = listen;
    this.leaveQueue();
    this.holdsSlot = true;
    this.server = server;
    this.phase = "connecting";
    this.assignedMs = env.clock.nowMs();
    count(counters, serverCounter(server, ServerCounter.selected));
    raise(counters, serverCounter(server, ServerCounter.maxCurrent), served);
    this.attempt(board.address(server), board.addressLength(server), config.timeout.connectMs);
  }

  private attempt(address: Uint8Array, addressLength: number, connectMs: number | null): void {
    const { listen, server } = this;
    const sources = listen.sources[server] ?? [];
    const connects = count(listen.counters, serverCounter(server, ServerCounter.connects));
    const source = sources.length > 0 ? (sources[connects % sources.length] as Uint8Array) : null;
    const fd = startConnect(address, addressLength, source);
    if (fd < 0) {
      this.attemptFailed(classifyConnectError(errnoName(-fd)));
      return;
    }
    this.phaseDeadlineMs = connectMs === null ? Infinity : this.env.clock.nowMs() + connectMs;
    adoptStream(fd, this, serverHandler);
    this.rearm();
  }

  private connected(socket: StreamSocket<Session>): void {
    const { listen, server } = this;
    const { config, counters } = listen;
    this.phase = "established";
    this.connectedMs = this.lastActivityMs = this.env.clock.nowMs();
    this.phaseDeadlineMs = Infinity;
    listen.board.clearConsecutiveErrors(server);
    count(counters, ListenCounter.established);
    count(counters, serverCounter(server, ServerCounter.sessions));
    counters[serverCounter(server, ServerCounter.lastSession)] = this.acceptedWallMs;
    const bytesInAt = serverCounter(server, ServerCounter.bytesIn);
    counters[bytesInAt] = (counters[bytesInAt] as number) + this.up.bytes;
    if (config.serverKeepalive !== null) applyKeepalive(socket, config.serverKeepalive);
    const sendProxy = config.servers[server]?.sendProxy ?? null;
    this.down = new Flow(socket, this.clientSocket);
    this.up.connect(socket, sendProxy === null ? null : encodeProxyHeader(sendProxy, endsOf(this.clientSocket)));
    this.rearm();
  }

  private attemptFailed(failure: ConnectFailure): void {
    const { listen, server, env } = this;
    const { config, counters } = listen;
    const failed = this.serverSocket;
    this.serverSocket = null; // before ending it: its close must not be taken for another failure
    failed?.end();
    if (failure.kind === "shortage") {
      env.report({ kind: "shortage", listen: config.name, server, errno: failure.errno });
    } else this.observe(server);
    if (!this.tried.includes(server)) this.tried = [...this.tried, server];
    const decision = decideRetry(failure, {
      retriesLeft: this.retriesLeft--,
      redispatch: config.redispatch,
      untriedUsable: this.untriedUsable(),
      connectTimeoutMs: config.timeout.connectMs,
    });
    if (decision.kind === "fail") {
      count(counters, serverCounter(server, ServerCounter.connectErrors));
      this.giveUp(failure.kind === "timeout" ? "sC" : failure.kind === "shortage" ? "RC" : "SC");
      return;
    }
    this.retries++;
    if (decision.kind === "redispatch") {
      count(counters, serverCounter(server, ServerCounter.redispatches));
      count(counters, ListenCounter.redispatches);
      this.redispatched = true;
      this.releaseSlot();
      this.phase = "choosing";
      this.choose();
      return;
    }
    count(counters, serverCounter(server, ServerCounter.retries));
    count(counters, ListenCounter.retries);
    if (decision.anyServer) this.tried = NOBODY;
    this.phase = "pausing";
    this.phaseDeadlineMs = env.clock.nowMs() + decision.delayMs;
    this.rearm();
  }

  /** The pause between two attempts is over: the same server again, while it is usable and the only one, else whoever is. */
  private resumeAttempts(): void {
    const { board, config } = this.listen;
    if (board.weight(this.server) > 0 && (!config.redispatch || board.usable <= 1)) {
      this.phase = "connecting";
      this.attempt(board.address(this.server), board.addressLength(this.server), config.timeout.connectMs);
      return;
    }
    this.releaseSlot();
    this.phase = "choosing";
    this.choose();
  }

  private observe(server: number): void {
    const { board, config } = this.listen;
    const observed = config.servers[server];
    if (observed?.observe !== "layer4") return;
    const errors = board.addConsecutiveError(server);
    if (errors >= observed.errorLimit) {
      this.env.report({ kind: "trafficErrors", listen: config.name, server, count: errors });
    }
  }

  // Time.

  private rearm(): void {
    const deadlineMs = this.phase === "established" ? this.idleDeadlineMs() : this.phaseDeadlineMs;
    // A timer that fires early only looks and rearms, so traffic that moves a deadline back costs nothing.
    if (deadlineMs >= this.timerMs || deadlineMs === Infinity) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timerMs = deadlineMs;
    this.timer = setTimeout(onTimer, Math.max(1, Math.ceil(deadlineMs - this.env.clock.nowMs())), this);
  }

  private idleDeadlineMs(): number {
    const { clientMs, serverMs } = this.idle();
    return Math.min(clientMs, serverMs);
  }

  private idle() {
    return idleDeadlines(
      {
        lastActivityMs: this.lastActivityMs,
        clientEndedMs: this.clientEndedMs,
        serverEndedMs: this.serverEndedMs,
        clientBlocked: this.down?.blocked ?? false,
        serverBlocked: this.up.blocked,
      },
      this.listen.config.timeout,
    );
  }

  onTimer(): void {
    this.timer = null;
    this.timerMs = Infinity;
    const nowMs = this.env.clock.nowMs();
    if (this.phase === "established") this.checkIdle(nowMs);
    else if (nowMs >= this.phaseDeadlineMs) this.phaseTimedOut();
    if (this.phase !== "finished") this.rearm();
  }

  private phaseTimedOut(): void {
    if (this.phase === "queued") this.giveUp("sQ");
    else if (this.phase === "connecting") this.attemptFailed({ kind: "timeout" });
    else if (this.phase === "pausing") this.resumeAttempts();
  }

  /** An idle side is taken as having ended: the other hears a FIN and may finish. Not reading at all ends both. */
  private checkIdle(nowMs: number): void {
    const { clientMs, serverMs } = this.idle();
    if (nowMs >= clientMs) {
      this.blame("cD");
      if (this.down?.blocked || this.serverEndedMs !== null) {
        this.closeBoth();
        return;
      }
      this.clientEndedMs = nowMs;
      this.up.deafen();
      this.up.end();
    }
    if (nowMs >= serverMs) {
      this.blame("sD");
      if (this.up.blocked || this.clientEndedMs !== null) {
        this.closeBoth();
        return;
      }
      this.serverEndedMs = nowMs;
      this.down?.deafen();
      this.down?.end();
    }
    this.settle();
  }

  // Ending.

  private blame(termination: string): void {
    if (this.termination === "") this.termination = termination;
  }

  /** Both directions are done although a side that was given up on has not closed: nothing more to wait for. */
  private settle(): void {
    if (this.phase === "established" && this.up.finished && this.down?.finished) this.closeBoth();
  }

  private closeBoth(): void {
    const { clientSocket, serverSocket } = this;
    this.clientSocket = null;
    this.serverSocket = null;
    this.finish();
    serverSocket?.end();
    clientSocket?.end();
  }

  /** Ends a session that never reached its server. */
  private giveUp(termination: string): void {
    if (this.phase === "finished") return;
    if (termination === "SC" || termination === "sC") count(this.listen.counters, ListenCounter.connectErrors);
    this.blame(this.clientTimedOut(termination) ? `c${termination[1]}` : termination);
    this.closeBoth();
  }

  /** HAProxy blames the client when it, too, was silent beyond its own timeout. */
  private clientTimedOut(termination: string): boolean {
    const { clientMs } = this.listen.config.timeout;
    if (termination[0] !== "s" || clientMs === null || this.up.bytes > 0) return false;
    return this.env.clock.nowMs() - this.acceptedMs >= clientMs;
  }

  private finishIfClosed(): void {
    if (this.clientSocket === null && this.serverSocket === null) this.finish();
  }

  private finish(): void {
    if (this.phase === "finished") return;
    const { env, listen } = this;
    this.leaveQueue();
    this.phase = "finished";
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.termination === "") this.termination = "--";
    listen.sessions.delete(this);
    const counts = { actconn: env.process.current, feconn: listen.board.current };
    this.releaseSlot();
    env.process.addCurrent(-1);
    listen.board.addCurrent(-1);
    const endedMs = env.clock.nowMs();
    settleCounters(this, endedMs);
    if (listen.log !== null) {
      const record = toRecord(this, endedMs, counts);
      if (record !== null) listen.log(record);
    }
    env.roomMade();
  }

  private releaseSlot(): void {
    if (!this.holdsSlot) return;
    this.holdsSlot = false;
    this.listen.board.release(this.server);
    this.env.slotFreed(this.listen);
  }
}

/** Adds one; returns what was there before. */
function count(counters: Float64Array, at: number): number {
  const before = counters[at] as number;
  counters[at] = before + 1;
  return before;
}

function raise(counters: Float64Array, at: number, value: number): void {
  if (value > (counters[at] as number)) counters[at] = value;
}

function onTimer(session: Session): void {
  session.onTimer();
}

const serverHandler: StreamHandler<Session> = {
  open: (socket) => socket.data.serverOpened(socket),
  data: (socket, chunk) => socket.data.serverData(socket, chunk),
  drain: (socket) => socket.data.serverWritable(socket),
  end: (socket) => socket.data.serverEnd(socket),
  close: (socket, error) => socket.data.serverClosed(socket, error),
};
