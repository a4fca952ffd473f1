import { serverCounter } from "../pool/board.ts";
import { ListenCounter, ServerCounter } from "../pool/layout.ts";
import type { Pool } from "../pool/pool.ts";
import { type ProcessBoard, ThreadCounter } from "../pool/processBoard.ts";
import { Availability } from "./availability.ts";
import { type Rate, RateMeters } from "./rates.ts";

/** What has to be watched over time, because no counter keeps it: rates, and since when a listen has been available. */
export class Sampler {
  private readonly readers: (() => number)[] = [];
  /** First meter of each listen: its connections; those of its servers follow. */
  private readonly listenMeters: number[] = [];
  private readonly meters: RateMeters;
  private readonly availabilities: Availability[];

  /** `cpuMs` gives the CPU time the process has used. */
  constructor(
    private readonly process: ProcessBoard,
    private readonly pools: readonly Pool[],
    cpuMs: () => number,
    nowMs: number,
  ) {
    this.readers.push(
      () => process.sum(ThreadCounter.connections),
      () => pools.reduce((bytes, { board }) => bytes + board.sum(ListenCounter.bytesOut), 0),
      cpuMs,
    );
    for (const { board, servers } of pools) {
      this.listenMeters.push(this.readers.length);
      this.readers.push(() => board.sum(ListenCounter.connections));
      for (const { slot } of servers) {
        const sessions = serverCounter(slot, ServerCounter.sessions);
        this.readers.push(() => board.sum(sessions));
      }
    }
    this.meters = new RateMeters(this.readers.length, nowMs);
    this.availabilities = pools.map((pool) => new Availability(isAvailable(pool), nowMs));
  }

  /** Call once a second. */
  sample(nowMs: number): void {
    this.meters.tick(nowMs, (meter) => (this.readers[meter] as () => number)());
    for (const listen of this.pools.keys()) this.poolChanged(listen, nowMs);
  }

  /** Call when the states of a pool's servers have changed, so that an outage shorter than a sample is noticed too. */
  poolChanged(listen: number, nowMs: number): void {
    this.availability(listen).note(isAvailable(this.pools[listen] as Pool), nowMs);
  }

  availability(listen: number): Availability {
    return this.availabilities[listen] as Availability;
  }

  /** Connections of the process per second. */
  connectionRate(nowMs: number): Rate {
    return this.read(0, nowMs);
  }

  /** Bytes to clients per second, over all listens. */
  bytesOutRate(nowMs: number): Rate {
    return this.read(1, nowMs);
  }

  /** Share of their time that control and the relay threads have not been running in the last second, 0..100. */
  idlePercent(nowMs: number): number {
    const busyMs = this.read(2, nowMs).now;
    return Math.max(0, Math.min(100, Math.round(100 - busyMs / (10 * (this.process.threads + 1)))));
  }

  /** Connections of a listen per second. */
  listenRate(listen: number, nowMs: number): Rate {
    return this.read(this.listenMeters[listen] as number, nowMs);
  }

  /** Sessions given to a server per second. */
  serverRate(listen: number, slot: number, nowMs: number): Rate {
    return this.read((this.listenMeters[listen] as number) + 1 + slot, nowMs);
  }

  private read(meter: number, nowMs: number): Rate {
    return this.meters.read(meter, (this.readers[meter] as () => number)(), nowMs);
  }
}

function isAvailable({ counts }: Pool): boolean {
  return counts.active + counts.backups > 0;
}
