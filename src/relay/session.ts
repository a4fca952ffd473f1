import { encodeProxyHeader } from "../net/proxyHeader.ts";
import { endsOf, type StreamSocket } from "../net/stream.ts";
import { serverCounter } from "../pool/board.ts";
import { ListenCounter, ServerCounter } from "../pool/layout.ts";
import type { ClientSide } from "./clientSide.ts";
import { add, count } from "./counting.ts";
import { type IdleDeadlines, idleDeadlines } from "./deadline.ts";
import { Timed } from "./deadlineWheel.ts";
import { Dialer } from "./dialer.ts";
import type { RelayEnvironment, RelayListen } from "./environment.ts";
import { Flow } from "./flow.ts";
import { applyKeepalive } from "./keepalive.ts";
import { settleCounters, toRecord } from "./record.ts";
import type { Registered } from "./registry.ts";

/** Seeking a server (see {@link Dialer}), relaying, or over: counted and logged. */
export type Phase = "dialling" | "established" | "finished";

/** As HAProxy logs clients of a unix socket: `unix:` and the number of the bind line. */
const UNIX_CLIENT = { host: "unix", port: 1 };

/** One client connection from accept to its log line. */
export class Session extends Timed implements ClientSide, Registered {
  place = -1;
  /** How many sessions this thread had before it. */
  readonly number: number;
  phase: Phase = "dialling";
  readonly acceptedMs: number;
  readonly acceptedWallMs: number;
  /** The client's address, if the log or the balancer wants it; else "" and 0. */
  readonly clientHost: string;
  readonly clientPort: number;
  /** HAProxy's two-letter termination state; set by the first cause. */
  termination = "";
  /** Monotonic ms when the server connection was up; -1: not reached. */
  connectedMs = -1;
  readonly dialer: Dialer;
  readonly up: Flow;
  down: Flow | null = null;

  private clientSocket: StreamSocket<ClientSide> | null;
  private serverSocket: StreamSocket<unknown> | null = null;
  private lastActivityMs: number;
  private clientEndedMs: number | null = null;
  private serverEndedMs: number | null = null;

  constructor(
    private readonly env: RelayEnvironment,
    readonly listen: RelayListen,
    client: StreamSocket<ClientSide>,
  ) {
    super();
    this.clientSocket = client;
    this.number = env.nextSession();
    this.acceptedMs = this.lastActivityMs = env.clock.nowMs();
    this.acceptedWallMs = env.clock.wallMs();
    // Gone once the socket is closed, so read now if anybody will ask; reading costs, so not otherwise.
    const wanted = listen.log !== null || listen.needsClientAddress;
    this.clientHost = wanted ? (client.remoteAddress ?? UNIX_CLIENT.host) : "";
    this.clientPort = wanted ? (client.remotePort ?? UNIX_CLIENT.port) : 0;
    this.dialer = new Dialer(env, listen, this);
    this.up = new Flow(client, null);
  }

  /** Begins: call once, right after accept. */
  start(): void {
    const { listen } = this;
    listen.sessions.add(this);
    if (listen.config.clientKeepalive !== null) applyKeepalive(this.clientSocket, listen.config.clientKeepalive);
    this.dialer.choose();
  }

  /** Ends it at once, for `termination` (`D-`, `U-`, `K-`). */
  kill(termination: string): void {
    this.blame(termination);
    this.close();
  }

  /** Ends a session that has not reached its server. */
  giveUp(termination: string): void {
    if (this.phase === "finished") return;
    if (termination[1] === "C" && termination[0] !== "C") count(this.listen.counters, ListenCounter.connectErrors);
    this.blame(this.clientTimedOut(termination) ? `c${termination[1]}` : termination);
    this.close();
  }

  // The client's socket.

  clientData(chunk: Uint8Array): void {
    const { counters } = this.listen;
    this.lastActivityMs = this.env.clock.nowMs();
    add(counters, ListenCounter.bytesIn, chunk.length);
    if (this.phase === "established") {
      add(counters, serverCounter(this.dialer.server, ServerCounter.bytesIn), chunk.length);
      if (this.serverSocket === null) {
        this.unheard();
        return;
      }
    }
    this.up.push(chunk);
    if (this.up.blocked) this.rearm();
  }

  clientDrain(): void {
    if (this.down?.flush()) this.moved();
    this.settle();
  }

  /** The client's FIN. Before the server is reached it means "gone" if nothing was said, else half-closed, as in HAProxy. */
  clientEnd(): void {
    if (this.phase === "finished") return;
    this.clientEndedMs ??= this.env.clock.nowMs();
    this.up.end();
    this.rearm();
    if (this.phase !== "dialling" || this.up.bytes > 0) return;
    // The server may have accepted in this very turn of the loop, and then the FIN is for it.
    setImmediate(() => {
      if (this.phase === "dialling") this.giveUp(this.dialer.phase === "queued" ? "CQ" : "CC");
    });
  }

  clientClosed(error: Error | undefined): void {
    if (this.phase === "finished") return;
    this.clientSocket = null;
    this.up.sourceClosed();
    this.down?.sinkClosed();
    if (this.phase === "dialling") {
      this.giveUp("CD");
      return;
    }
    if (error) {
      this.blame("CD");
      this.serverSocket?.terminate();
    } else {
      // After our own FIN Bun tells of the peer's by closing alone.
      this.clientEndedMs ??= this.env.clock.nowMs();
      this.up.end();
      this.rearm();
    }
    this.finishIfClosed();
  }

  // The server's socket.

  /** The dialer has reached a server. */
  connected(socket: StreamSocket<unknown>): void {
    const { listen } = this;
    const { config, counters } = listen;
    const { server } = this.dialer;
    this.phase = "established";
    this.serverSocket = socket;
    this.connectedMs = this.lastActivityMs = this.env.clock.nowMs();
    add(counters, serverCounter(server, ServerCounter.bytesIn), this.up.bytes);
    if (config.serverKeepalive !== null) applyKeepalive(socket, config.serverKeepalive);
    const sendProxy = listen.servers[server]?.sendProxy ?? null;
    this.down = new Flow(socket, this.clientSocket);
    this.down.opposite = this.up;
    this.up.opposite = this.down;
    this.up.connect(socket, sendProxy === null ? null : encodeProxyHeader(sendProxy, endsOf(this.clientSocket)));
    this.rearm();
  }

  serverData(chunk: Uint8Array): void {
    const { counters } = this.listen;
    this.lastActivityMs = this.env.clock.nowMs();
    add(counters, ListenCounter.bytesOut, chunk.length);
    add(counters, serverCounter(this.dialer.server, ServerCounter.bytesOut), chunk.length);
    this.down?.push(chunk);
    if (this.down?.blocked) this.rearm();
  }

  serverDrain(): void {
    if (this.up.flush()) this.moved();
    this.settle();
  }

  serverEnd(): void {
    this.serverEndedMs ??= this.env.clock.nowMs();
    this.down?.end();
    this.rearm();
  }

  serverClosed(error: Error | undefined): void {
    if (this.phase !== "established") return;
    // Who has said all may hang up on a client that says one thing more; HAProxy does not see that either.
    const saidAll = this.serverEndedMs !== null && this.down?.finished === true && !this.up.holding;
    this.serverSocket = null;
    this.up.sinkClosed();
    this.down?.sourceClosed();
    if (error && !saidAll) {
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

  /** The client goes on talking to a server that has closed: without us it would be reset. */
  private unheard(): void {
    const { clientSocket } = this;
    this.blame("SD");
    this.clientSocket = null;
    this.finish();
    clientSocket?.terminate();
  }

  // Time.

  /** A side has taken what was held for it: it is alive, and the other is read again. */
  private moved(): void {
    this.lastActivityMs = this.env.clock.nowMs();
    this.rearm();
  }

  /** The deadline in force may have come nearer. */
  rearm(): void {
    if (this.phase === "finished") return;
    const deadlineMs = this.phase === "established" ? this.idleDeadlineMs() : this.dialer.deadlineMs;
    // Called too early, onDeadline only looks and rearms: traffic that moves a deadline back costs nothing.
    if (deadlineMs < this.armedMs) this.env.deadlines.arm(this, deadlineMs);
  }

  onDeadline(): void {
    if (this.phase === "finished") return;
    const nowMs = this.env.clock.nowMs();
    if (this.phase === "established") this.checkIdle(nowMs);
    else if (nowMs >= this.dialer.deadlineMs) this.dialer.onDeadline();
    this.rearm();
  }

  /** Its sockets; null: it has none any more, or not yet. */
  get client(): StreamSocket<unknown> | null {
    return this.clientSocket;
  }

  get server(): StreamSocket<unknown> | null {
    return this.serverSocket;
  }

  /** When something is done about its silence, or about the phase it is in, monotonic ms; Infinity: never. */
  get deadlines(): IdleDeadlines {
    return this.phase === "established" ? this.idle() : { clientMs: Infinity, serverMs: this.dialer.deadlineMs };
  }

  private idle(): IdleDeadlines {
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

  private idleDeadlineMs(): number {
    const { clientMs, serverMs } = this.idle();
    return Math.min(clientMs, serverMs);
  }

  /** An idle side is taken as having ended: the other hears a FIN and may finish. Not reading at all ends both. */
  private checkIdle(nowMs: number): void {
    const { clientMs, serverMs } = this.idle();
    if (nowMs >= clientMs) {
      this.blame("cD");
      if (this.down?.blocked || this.serverEndedMs !== null) {
        this.close();
        return;
      }
      this.clientEndedMs = nowMs;
      this.up.deafen();
      this.up.end();
    }
    if (nowMs >= serverMs) {
      this.blame("sD");
      if (this.up.blocked || this.clientEndedMs !== null) {
        this.close();
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

  /** HAProxy blames the client when it, too, was silent beyond its own timeout. */
  private clientTimedOut(termination: string): boolean {
    const { clientMs } = this.listen.config.timeout;
    if (termination[0] !== "s" || clientMs === null || this.up.bytes > 0) return false;
    return this.env.clock.nowMs() - this.acceptedMs >= clientMs;
  }

  /** Both sides have ended although one that was given up on has not closed: nothing more to wait for. */
  private settle(): void {
    if (this.phase === "established" && this.up.ended && this.up.finished && this.down?.finished) this.close();
  }

  private close(): void {
    const { clientSocket, serverSocket } = this;
    this.clientSocket = null;
    this.serverSocket = null;
    this.finish();
    serverSocket?.end();
    clientSocket?.end();
  }

  private finishIfClosed(): void {
    if (this.clientSocket === null && this.serverSocket === null) this.finish();
  }

  private finish(): void {
    if (this.phase === "finished") return;
    const { env, listen } = this;
    this.phase = "finished";
    env.deadlines.disarm(this);
    if (this.termination === "") this.termination = "--";
    listen.sessions.remove(this);
    const counts = { actconn: env.process.current, feconn: listen.board.current };
    this.dialer.release();
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
}
