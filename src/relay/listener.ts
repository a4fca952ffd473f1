import { queuedConnections, refuseClients, refuseNewcomers } from "../net/acceptQueue.ts";
import { libc, SystemError } from "../net/libc.ts";
import { type Acceptor, acceptStreams, type StreamHandler, type StreamSocket } from "../net/stream.ts";
import { ListenCounter } from "../pool/layout.ts";
import { ThreadCounter } from "../pool/processBoard.ts";
import { type ClientSide, clientEvents } from "./clientSide.ts";
import { count, raise } from "./counting.ts";
import type { RelayEnvironment, RelayListen } from "./environment.ts";
import { Session } from "./session.ts";

/** Accepting could not go on for lack of a file descriptor: looks again after this time, as HAProxy does. */
const RETRY_MS = 100;
/** A listener that closes looks this often whether its queue is empty, and closes when it was so for a while: handshakes end. */
const LOOK_MS = 20;
const QUIET_LOOKS = 10;

/**
 * Accepts a listen's clients on one fd, within the listen's and the process's `maxconn`. At a limit nobody is refused and
 * nothing spins: accepting stops, clients wait in the kernel's queue, and it starts again when a connection leaves.
 */
export class Listener {
  private acceptor: Acceptor | null = null;
  private stopped = false;
  /** It has accepted at some time, and stopped at a limit. */
  private reachedLimit = false;
  /** Clients are refused: an operator's word. */
  private suspended = false;
  /** It closes as soon as nobody is left in its queue. */
  closing = false;
  /** Accepted by two threads in the same instant, one too many: kept unread until there is room. */
  private parked: ParkedClient | null = null;

  constructor(
    private readonly env: RelayEnvironment,
    private listen: RelayListen,
    /** See {@link RelaySocket}. */
    readonly bind: number,
    private readonly fd: number,
  ) {}

  /** Clients that come from now on belong to this listen, or to this configuration of the same. */
  serve(listen: RelayListen): void {
    const { backlog } = this.listen.config;
    this.listen = listen;
    if (backlog !== listen.config.backlog) libc.listen(this.fd, listen.config.backlog);
  }

  /** Whether its clients belong to this listen. */
  serves(listen: number): boolean {
    return this.listen.id === listen;
  }

  /** Starts accepting; throws SystemError when the fd cannot be used. */
  start(): void {
    if (this.acceptor !== null) return;
    this.acceptor = acceptStreams<ClientSide>(
      this.fd,
      this.listen.config.backlog,
      this as unknown as ClientSide,
      acceptHandler,
    );
  }

  /** Refuses clients until {@link resume}; connections that live go on. */
  suspend(): void {
    if (this.suspended || this.closing || this.stopped) return;
    this.suspended = true;
    this.acceptor?.stop();
    this.acceptor = null;
    refuseClients(this.fd);
    // Who waits in the queue is refused, too; so is who waits here.
    this.parked?.socket.terminate();
    this.parked = null;
  }

  /** Ends {@link suspend}. */
  resume(): void {
    if (!this.suspended || this.closing || this.stopped) return;
    this.suspended = false;
    // Whoever comes while there is no room waits in the queue, as always.
    libc.listen(this.fd, this.listen.config.backlog);
    this.lookForRoom();
    if (!this.paused) return;
    this.reachedLimit = true;
    this.env.pausedAccepting();
  }

  /**
   * Takes no newcomers any more and stops when nobody is left in the queue, or after `graceMs`; calls back then. Closing a
   * socket resets those who wait in its queue.
   */
  close(graceMs: number, onClosed: () => void): void {
    this.closing = true;
    try {
      refuseNewcomers(this.fd);
    } catch (error) {
      // The supervisor sees to it, too, with more privilege. A unix socket knows no such thing: its file goes.
      if (!(error instanceof SystemError)) throw error;
    }
    const { clock } = this.env;
    const deadlineMs = clock.nowMs() + graceMs;
    let quiet = 0;
    const look = (): void => {
      quiet = queuedConnections(this.fd) === 0 && this.parked === null ? quiet + 1 : 0;
      if (quiet < QUIET_LOOKS && clock.nowMs() < deadlineMs && !this.stopped) {
        clock.after(LOOK_MS, look);
        return;
      }
      if (!this.stopped) this.stop();
      onClosed();
    };
    look();
  }

  /** Stops for good and closes the fd; connections that live go on. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.acceptor?.stop();
    this.acceptor = null;
    libc.close(this.fd);
    this.parked?.socket.end();
    this.parked = null;
  }

  private get ownLimit(): number {
    return this.listen.board.maxconn ?? Infinity;
  }

  get waitsForRoom(): boolean {
    return this.paused && this.reachedLimit;
  }

  get paused(): boolean {
    return !this.stopped && !this.suspended && this.acceptor === null;
  }

  /** A connection has left somewhere: goes on accepting if there is room now. */
  lookForRoom(): void {
    if (!this.paused || !this.hasRoom()) return;
    const { parked } = this;
    this.parked = null;
    if (parked !== null && !parked.gone) {
      parked.socket.resume();
      this.admit(parked.socket);
      if (this.parked !== null || !this.hasRoom()) return;
    }
    try {
      this.start();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.env.report({ kind: "acceptShortage", listen: this.listen.id, errno: error.code });
      this.env.clock.after(RETRY_MS, () => this.lookForRoom());
    }
  }

  /** A client has been accepted. */
  admit(socket: StreamSocket<ClientSide>): void {
    const { env, listen } = this;
    const inProcess = env.process.addCurrent(1);
    const inListen = listen.board.addCurrent(1);
    if (inProcess > env.process.maxconn || inListen > this.ownLimit) {
      env.process.addCurrent(-1);
      listen.board.addCurrent(-1);
      socket.pause();
      this.parked = new ParkedClient(socket);
      socket.data = this.parked;
      this.pause();
      return;
    }
    const { counters } = listen;
    count(counters, ListenCounter.connections);
    raise(counters, ListenCounter.maxCurrent, inListen);
    count(env.counters, ThreadCounter.connections);
    raise(env.counters, ThreadCounter.maxCurrent, inProcess);
    if (inProcess >= env.process.maxconn || inListen >= this.ownLimit) this.pause();
    const session = new Session(env, listen, socket);
    socket.data = session;
    session.start();
  }

  private hasRoom(): boolean {
    const { process } = this.env;
    return process.current < process.maxconn && this.listen.board.current < this.ownLimit;
  }

  private pause(): void {
    if (this.acceptor !== null) {
      this.acceptor.stop();
      this.acceptor = null;
      const { counters } = this.listen;
      count(counters, ListenCounter.acceptPauses);
      if (this.listen.board.current >= this.ownLimit) count(counters, ListenCounter.ownLimitPauses);
    }
    this.reachedLimit = true;
    this.env.pausedAccepting();
  }
}

class ParkedClient implements ClientSide {
  gone = false;
  constructor(readonly socket: StreamSocket<ClientSide>) {}
  clientData(): void {}
  clientDrain(): void {}
  clientEnd(): void {}
  clientClosed(): void {
    this.gone = true;
  }
}

const acceptHandler: StreamHandler<ClientSide> = {
  ...clientEvents,
  // Until now the socket carries what its acceptor was given: the listener.
  open: (socket) => (socket.data as unknown as Listener).admit(socket),
};
