import type { Clock } from "../core/clock.ts";
import type { Pool } from "../pool/pool.ts";
import type { ProcessBoard } from "../pool/processBoard.ts";
import { Heartbeats } from "./heartbeats.ts";
import { HEALTH_MS, type HealthReport, type ListenHealth } from "./protocol.ts";

/** Looks, one every HEALTH_MS, at a heartbeat that stands still until its thread is late: 2 s. */
const LATE_AFTER = 10;

/**
 * Tells the supervisor how the proxy stands, who decides by that whether this host may own the virtual addresses. That
 * the reports come is itself the news that control's event loop turns.
 */
export class HealthReports {
  private readonly heartbeats: Heartbeats;
  private available: ReadonlyMap<string, boolean> = new Map();
  private late: number | null = null;
  private cancel: (() => void) | null = null;

  constructor(
    private readonly board: ProcessBoard,
    /** The listens as they are now: reloads add and remove some. */
    private readonly pools: () => readonly Pool[],
    private readonly clock: Clock,
    private readonly send: (report: HealthReport) => void,
  ) {
    this.heartbeats = new Heartbeats(board, LATE_AFTER);
  }

  /** Reports now and from now on; call it once all relay threads serve. */
  start(): void {
    this.cancel = this.clock.after(HEALTH_MS, () => this.start());
    this.late = this.heartbeats.look();
    this.report();
  }

  /** Servers have changed: reports at once if that made a listen usable, or left nobody to serve it. */
  changed(): void {
    if (this.cancel === null) return;
    const listens = this.listens();
    const isNews = ({ name, usable }: ListenHealth) => usable > 0 !== this.available.get(name);
    if (listens.some(isNews) || listens.length !== this.available.size) this.report(listens);
  }

  /** A relay thread whose event loop has not turned for 2 s; null: none. */
  get lateThread(): number | null {
    return this.late;
  }

  /** Reports no more. */
  stop(): void {
    this.cancel?.();
    this.cancel = null;
  }

  private report(listens = this.listens()): void {
    this.available = new Map(listens.map(({ name, usable }) => [name, usable > 0]));
    this.send({ kind: "health", lateThread: this.lateThread, connections: this.board.current, listens });
  }

  private listens(): ListenHealth[] {
    return this.pools().map(({ config, counts, servers }) => ({
      name: config.name,
      usable: counts.active + counts.backups,
      servers: servers.filter(({ leavingUntilMs }) => leavingUntilMs === null).length,
    }));
  }
}
