import type { Clock } from "../core/clock.ts";
import { Level } from "../core/syslogCodes.ts";
import { type LogEvent, proxyHardStopped, proxyStopped } from "../log/events.ts";
import { ListenCounter } from "../pool/layout.ts";
import type { Pool } from "../pool/pool.ts";
import type { PoolServer } from "../pool/server.ts";

/** What becomes of what leaves. */
export interface LeavingObserver {
  /** It is time to end the sessions of a listen's server (slot), or of all of them (null). */
  endSessions(pool: Pool, slot: number | null): void;
  /** A listen has no session left. */
  onListenGone(pool: Pool): void;
  /** Something has gone, or is ended, of this listen. */
  log(event: LogEvent, listen: string): void;
}

/** How often one looks whether the last session has gone. */
const LOOK_MS = 100;

interface LeavingListen {
  readonly untilMs: number;
  /** Binds whose listening sockets have yet to be closed: somebody may still come from their queues. */
  readonly open: Set<number>;
  ended: boolean;
}

/**
 * Listens and servers that were removed from the configuration and still have sessions: nobody new comes to them, and
 * those who are there may finish until a deadline.
 */
export class Leaving {
  private readonly servers = new Map<PoolServer, { pool: Pool; ended: boolean }>();
  private readonly byPool = new Map<Pool, LeavingListen>();
  private looking = false;
  private held = false;

  constructor(
    private readonly clock: Clock,
    private readonly observer: LeavingObserver,
  ) {}

  /** Listens that leave, in the order of their removal. */
  get listens(): Pool[] {
    return [...this.byPool.keys()];
  }

  /** When the sessions of a listen are ended, monotonic ms; null: it does not leave. */
  untilMs(pool: Pool): number | null {
    return this.byPool.get(pool)?.untilMs ?? null;
  }

  /** A server leaves; by now no thread can be about to choose it. */
  addServer(pool: Pool, server: PoolServer): void {
    this.servers.set(server, { pool, ended: false });
    this.lookLater();
  }

  /** A listen leaves; `binds` are its binds that are still to be closed. */
  addListen(pool: Pool, untilMs: number, binds: readonly number[]): void {
    this.byPool.set(pool, { untilMs, open: new Set(binds), ended: false });
    this.lookLater();
  }

  /** Nobody is forgotten until {@link release}: a reload that is under way may count on a server that leaves coming back. */
  hold(): void {
    this.held = true;
  }

  /** Ends {@link hold}: whoever has no session is gone at once. */
  release(): void {
    this.held = false;
    this.look();
  }

  /** The listening sockets of a bind are closed. */
  bindClosed(bind: number): void {
    for (const { open } of this.byPool.values()) open.delete(bind);
  }

  private lookLater(): void {
    if (this.looking) return;
    this.looking = true;
    this.clock.after(LOOK_MS, () => {
      this.looking = false;
      if (this.held) this.lookLater();
      else this.look();
    });
  }

  private look(): void {
    const nowMs = this.clock.nowMs();
    for (const [server, leaving] of this.servers) this.lookAtServer(server, leaving, nowMs);
    for (const [pool, leaving] of this.byPool) this.lookAtListen(pool, leaving, nowMs);
    if (this.servers.size + this.byPool.size > 0) this.lookLater();
  }

  private lookAtServer(server: PoolServer, leaving: { pool: Pool; ended: boolean }, nowMs: number): void {
    const { slot, leavingUntilMs, config } = server;
    const { pool } = leaving;
    const name = `${pool.config.name}/${config.name}`;
    const sessions = pool.board.served(slot);
    if (leavingUntilMs === null) {
      this.servers.delete(server); // it has come back
    } else if (sessions === 0 && pool.board.queuedOn(slot) === 0) {
      this.servers.delete(server);
      pool.forgetServer(slot);
      this.observer.log(
        { level: Level.notice, text: `Server ${name} is gone: its last session has ended.` },
        pool.config.name,
      );
    } else if (nowMs >= leavingUntilMs) {
      const text = `Server ${name} hard-stopped (${sessions} remaining sessions will be closed).`;
      if (!leaving.ended) this.observer.log({ level: Level.warning, text }, pool.config.name);
      leaving.ended = true;
      this.observer.endSessions(pool, slot);
    }
  }

  private lookAtListen(pool: Pool, leaving: LeavingListen, nowMs: number): void {
    const { board, config } = pool;
    if (board.current === 0 && leaving.open.size === 0) {
      this.byPool.delete(pool);
      const [accepted, connected] = [board.sum(ListenCounter.connections), board.sum(ListenCounter.established)];
      this.observer.log(proxyStopped(config.name, accepted, connected), config.name);
      this.observer.onListenGone(pool);
    } else if (nowMs >= leaving.untilMs) {
      if (!leaving.ended) this.observer.log(proxyHardStopped(config.name, board.current), config.name);
      leaving.ended = true;
      this.observer.endSessions(pool, null);
    }
  }
}
