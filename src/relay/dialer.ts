import { constants } from "node:os";
import { errnoName } from "../core/errno.ts";
import { startConnect } from "../net/connect.ts";
import { libc } from "../net/libc.ts";
import { parseIp } from "../net/sockaddr.ts";
import { type AdoptedHandler, adoptStream, type StreamSocket } from "../net/stream.ts";
import { serverCounter } from "../pool/board.ts";
import { ListenCounter, ServerCounter } from "../pool/layout.ts";
import { count, raise } from "./counting.ts";
import { queueTimeout } from "./deadline.ts";
import type { RelayEnvironment, RelayListen } from "./environment.ts";
import { type ConnectFailure, classifyConnectError, decideRetry } from "./retry.ts";
import { ANY_SERVER, type Waiting } from "./waitingLine.ts";

/** The session that a dialer works for. */
export interface DialOwner {
  readonly clientHost: string;
  readonly acceptedMs: number;
  readonly acceptedWallMs: number;
  /** What the client has sent so far. */
  readonly up: { readonly bytes: number };
  /** The server is reached; what its socket says from now on comes to the `server…` methods. */
  connected(socket: StreamSocket<unknown>): void;
  /** No server could be reached; `termination` says why, in HAProxy's two letters. */
  giveUp(termination: string): void;
  /** The dialer's deadline has changed. */
  rearm(): void;
  serverData(chunk: Uint8Array): void;
  serverDrain(): void;
  serverEnd(): void;
  serverClosed(error: Error | undefined): void;
}

/**
 * Gets one session its server connection.
 *
 * ```
 *              no room on any server            slot freed
 *   start ───▶ choosing ───────────▶ queued ─────────────┐
 *                 │  ▲◀───────────────────────────────────┘
 *          picked │  │ another server, or the same after a pause
 *                 ▼  │
 *              connecting ──failed──▶ pausing ──▶ choosing
 *                 │ connected
 *                 ▼
 *               done: the session has its server, and the slot until it ends
 * ```
 */
export type DialPhase = "choosing" | "queued" | "connecting" | "pausing" | "done";

const { EADDRNOTAVAIL } = constants.errno;
const NOBODY: readonly number[] = Object.freeze([]);
const NO_ADDRESS = new Uint8Array(0);

export class Dialer implements Waiting {
  phase: DialPhase = "choosing";
  /** Slot of the server in use, or last tried; -1: none yet. */
  server = -1;
  /** Monotonic ms when the server in use was chosen, and when the queue was joined; -1: not reached. */
  assignedMs = -1;
  queuedMs = -1;
  boundTo = ANY_SERVER;
  /** Its place when it joined a server's queue and the listen's, 1 being the next to be served; 0: it did not. */
  placeOnServer = 0;
  placeOnListen = 0;
  retries = 0;
  redispatched = false;
  /** When the phase in hand must end, monotonic ms; Infinity: no limit. */
  deadlineMs = Infinity;
  private socket: StreamSocket<Dialer> | null = null;
  private connectingFd = -1;
  private tried: readonly number[] = NOBODY;
  private holdsSlot = false;
  private retriesLeft: number;

  constructor(
    private readonly env: RelayEnvironment,
    private readonly listen: RelayListen,
    /** The session that is being served. */
    readonly owner: DialOwner,
  ) {
    this.retriesLeft = listen.config.retries;
  }

  /** Chooses a server and dials it, waits in a queue, or gives up. */
  choose(): void {
    const { board, balancer } = this.listen;
    // Nobody overtakes those who wait; a retry has waited enough.
    const overtaking = board.queued > 0 && this.phase === "choosing" && !balancer.bound && this.tried === NOBODY;
    if (!overtaking && this.pick()) return;
    const untried = this.leastLoadedUntried();
    // Who already waits goes on waiting when the last server fails: one may return before the queue's timeout.
    if (untried < 0 && this.phase !== "queued") this.owner.giveUp("SC");
    else this.wait(this.tried === NOBODY || untried < 0 ? ANY_SERVER : untried);
  }

  /** Takes a slot where the balancer says, or waits for it there; false when no server has room. */
  private pick(): boolean {
    const { board, balancer, needsClientAddress } = this.listen;
    const client = needsClientAddress ? parseIp(this.owner.clientHost) : NO_ADDRESS;
    // Another thread can take the last slot between pick and reserve; each time at least one server has filled up.
    for (let round = 0; round <= board.slots; round++) {
      const server = balancer.pick(board, client, this.tried);
      if (server < 0) return false;
      const mustWait = balancer.bound && board.queuedOn(server) > 0;
      const served = mustWait ? 0 : board.reserve(server);
      if (served > 0) this.dial(server, served);
      else if (balancer.bound) this.wait(server);
      else continue;
      return true;
    }
    return false;
  }

  /** A slot may be free in the queue it waits in: takes it. False when it stays where it is. */
  leaveQueue(): boolean {
    const { boundTo } = this;
    if (boundTo === ANY_SERVER) this.choose();
    else {
      const served = this.listen.board.reserve(boundTo);
      if (served > 0) this.dial(boundTo, served);
    }
    return this.phase !== "queued" || this.boundTo !== boundTo;
  }

  /** Call when `deadlineMs` has passed. */
  onDeadline(): void {
    if (this.phase === "queued") this.waitedEnough();
    else if (this.phase === "connecting") this.failed({ kind: "timeout" });
    else if (this.phase === "pausing") this.resume();
  }

  private waitedEnough(): void {
    const deadlineMs = this.queueDeadlineMs();
    if (this.env.clock.nowMs() < deadlineMs) this.deadlineMs = deadlineMs;
    else this.owner.giveUp("sQ");
  }

  /** `timeout queue` ends the waiting, and so does `timeout client` while the client has not said a word, as in HAProxy. */
  private queueDeadlineMs(): number {
    const { timeout } = this.listen.config;
    const queueMs = this.queuedMs + queueTimeout(timeout);
    return this.owner.up.bytes > 0
      ? queueMs
      : Math.min(queueMs, this.owner.acceptedMs + (timeout.clientMs ?? Infinity));
  }

  /** The session ends: leaves the queue, drops an attempt in flight, gives the slot back. */
  release(): void {
    this.listen.line.leave(this);
    const { socket } = this;
    this.socket = null;
    this.phase = "done";
    socket?.end();
    this.releaseSlot();
  }

  /** The server to wait for after a failure elsewhere; -1: every usable one has been tried. */
  private leastLoadedUntried(): number {
    const { board } = this.listen;
    let best = -1;
    for (let server = 0; server < board.slots; server++) {
      if (board.weight(server) === 0 || this.tried.includes(server)) continue;
      if (best < 0 || board.load(server) < board.load(best)) best = server;
    }
    return best;
  }

  private wait(boundTo: number): void {
    const { listen, env } = this;
    if (this.phase === "queued" && this.boundTo === boundTo) return;
    listen.line.leave(this);
    if (this.phase !== "queued") this.queuedMs = env.clock.nowMs();
    this.phase = "queued";
    this.boundTo = boundTo;
    // Nobody in this queue may be choosy: what its oldest cannot use would be lost to those behind.
    if (boundTo === ANY_SERVER) this.tried = NOBODY;
    this.deadlineMs = this.queueDeadlineMs();
    const place = listen.line.join(this);
    if (boundTo === ANY_SERVER) this.placeOnListen = place;
    else this.placeOnServer = place;
    this.owner.rearm();
    // A slot freed by another thread before we stood in line was offered to nobody.
    env.slotFreed(listen, boundTo);
  }

  private dial(server: number, served: number): void {
    const { counters } = this.listen;
    this.listen.line.leave(this);
    this.holdsSlot = true;
    this.server = server;
    this.assignedMs = this.env.clock.nowMs();
    count(counters, serverCounter(server, ServerCounter.selected));
    raise(counters, serverCounter(server, ServerCounter.maxCurrent), served);
    this.attempt();
  }

  private attempt(): void {
    const { listen, server } = this;
    const turn = count(listen.counters, serverCounter(server, ServerCounter.connects));
    this.phase = "connecting";
    const fd = this.dialFromAny(listen.sources[server] ?? [], turn);
    if (fd < 0) {
      const failure = classifyConnectError(errnoName(-fd));
      this.deadlineMs = Infinity;
      // Not from within: whoever gave us the slot may have more to give, and a thousand may wait for it.
      queueMicrotask(() => {
        if (this.phase === "connecting") this.failed(failure);
      });
      return;
    }
    const { connectMs } = listen.config.timeout;
    this.deadlineMs = connectMs === null ? Infinity : this.env.clock.nowMs() + connectMs;
    this.connectingFd = fd;
    adoptStream<Dialer>(fd, this, dialHandler);
    this.owner.rearm();
  }

  /** Starts the connect from whose turn it is of the source addresses, or from the next that has a free port; see startConnect. */
  private dialFromAny(sources: readonly Uint8Array[], turn: number): number {
    const { board } = this.listen;
    const [address, length] = [board.address(this.server), board.addressLength(this.server)];
    if (sources.length === 0) return startConnect(address, length);
    let fd = -EADDRNOTAVAIL;
    for (let i = 0; i < sources.length && fd === -EADDRNOTAVAIL; i++) {
      fd = startConnect(address, length, sources[(turn + i) % sources.length]);
    }
    return fd;
  }

  /** What the attempt's socket says; once connected, all of it is the session's. */
  opened(socket: StreamSocket<Dialer>): void {
    this.socket = socket;
  }

  /** The loop did not take the attempt's fd, which the kernel refuses only for lack of memory or epoll watches. */
  refused(): void {
    libc.close(this.connectingFd);
    this.failed({ kind: "shortage", errno: "ENOMEM" });
  }

  /** Whether the socket is the one in use: those of earlier attempts still close. */
  owns(socket: StreamSocket<Dialer>): boolean {
    return socket === this.socket;
  }

  connected(socket: StreamSocket<Dialer>): void {
    const { listen, server } = this;
    this.phase = "done";
    this.deadlineMs = Infinity;
    listen.board.clearConsecutiveErrors(server);
    count(listen.counters, ListenCounter.established);
    count(listen.counters, serverCounter(server, ServerCounter.sessions));
    listen.counters[serverCounter(server, ServerCounter.lastSession)] = this.owner.acceptedWallMs;
    this.owner.connected(socket);
  }

  failed(failure: ConnectFailure): void {
    const { listen, server, env } = this;
    const { config, counters } = listen;
    const { socket } = this;
    this.socket = null; // before ending it: its close must not be taken for another failure
    socket?.end();
    if (failure.kind === "shortage") env.report({ kind: "shortage", listen: listen.id, server, errno: failure.errno });
    else this.observe(server);
    if (!this.tried.includes(server)) this.tried = [...this.tried, server];
    const decision = decideRetry(failure, {
      retriesLeft: this.retriesLeft--,
      redispatch: config.redispatch,
      untriedUsable: this.leastLoadedUntried() >= 0,
      connectTimeoutMs: config.timeout.connectMs,
    });
    if (decision.kind === "fail") {
      count(counters, serverCounter(server, ServerCounter.connectErrors));
      this.owner.giveUp(failure.kind === "timeout" ? "sC" : failure.kind === "shortage" ? "RC" : "SC");
      return;
    }
    this.retries++;
    if (decision.kind === "redispatch") {
      count(counters, serverCounter(server, ServerCounter.redispatches));
      count(counters, ListenCounter.redispatches);
      this.redispatched = true;
      this.chooseAnew();
      return;
    }
    count(counters, serverCounter(server, ServerCounter.retries));
    count(counters, ListenCounter.retries);
    if (decision.anyServer) this.tried = NOBODY;
    this.phase = "pausing";
    this.deadlineMs = env.clock.nowMs() + decision.delayMs;
    this.owner.rearm();
  }

  /** The pause between two attempts is over: the same server again, while it is usable and the only one, else whoever is. */
  private resume(): void {
    const { board, config } = this.listen;
    if (board.weight(this.server) > 0 && (!config.redispatch || board.usable <= 1)) this.attempt();
    else this.chooseAnew();
  }

  private chooseAnew(): void {
    this.releaseSlot();
    this.phase = "choosing";
    this.choose();
  }

  private observe(server: number): void {
    const { board, servers } = this.listen;
    const observed = servers[server];
    if (observed?.observe !== "layer4") return;
    const errors = board.addConsecutiveError(server);
    if (errors >= observed.errorLimit) {
      board.clearConsecutiveErrors(server); // as HAProxy: the next row of errors counts from nought
      this.env.report({ kind: "trafficErrors", listen: this.listen.id, server, count: errors });
    }
  }

  private releaseSlot(): void {
    if (!this.holdsSlot) return;
    this.holdsSlot = false;
    this.listen.board.release(this.server);
    this.env.slotFreed(this.listen, this.server);
  }

  /** The server on which this session has a slot; -1: none. */
  get attachedTo(): number {
    return this.holdsSlot ? this.server : -1;
  }
}

const dialHandler: AdoptedHandler<Dialer> = {
  connectError: (socket) => socket.data.refused(),
  open: (socket) => socket.data.opened(socket),
  data(socket, chunk) {
    if (begun(socket)) socket.data.owner.serverData(chunk);
  },
  drain(socket) {
    const dialer = socket.data;
    if (dialer.phase === "done") dialer.owner.serverDrain();
    else begun(socket);
  },
  end(socket) {
    if (begun(socket)) socket.data.owner.serverEnd();
  },
  close(socket, error) {
    const dialer = socket.data;
    if (!dialer.owns(socket)) return;
    if (dialer.phase === "done") dialer.owner.serverClosed(error);
    else dialer.failed(classifyConnectError((error as NodeJS.ErrnoException | undefined)?.code ?? "ECONNRESET"));
  },
};

/** Whether the socket's words are for the session; the first thing heard of a connecting socket means that it is connected. */
function begun(socket: StreamSocket<Dialer>): boolean {
  const dialer = socket.data;
  if (!dialer.owns(socket)) return false;
  if (dialer.phase === "connecting") dialer.connected(socket);
  return true;
}
