import { serverCounter } from "../pool/board.ts";
import { ListenCounter, ServerCounter } from "../pool/layout.ts";
import type { Pool } from "../pool/pool.ts";
import { type ProcessBoard, ThreadCounter } from "../pool/processBoard.ts";
import { Availability } from "./availability.ts";
import { HistoryRecord, historyOf, type Reading } from "./history.ts";
import type { History } from "./page/model.ts";
import { type Rate, RateMeters } from "./rates.ts";

/** The process's meters. */
const Meter = { connections: 0, bytesOut: 1, cpu: 2 } as const;

/** What is watched of one listen: meter 0 is its connections, meter 1 + slot the sessions of a server. */
interface Watched {
  meters: RateMeters;
  availability: Availability;
  /** null: it begins with the next sample, after what was inherited has been counted. */
  history: HistoryRecord | null;
}

/**
 * What has to be watched over time, because no counter keeps it: rates, the last minutes, and since when a listen has been
 * available.
 */
export class Sampler {
  private readonly process: RateMeters;
  private processHistory: HistoryRecord | null = null;
  private readonly listens = new Map<Pool, Watched>();
  /** Bytes of listens that are gone. */
  private readonly gone = { bytesIn: 0, bytesOut: 0 };

  /** `cpuMs` gives the CPU time the process has used. */
  constructor(
    private readonly board: ProcessBoard,
    pools: readonly Pool[],
    private readonly cpuMs: () => number,
    nowMs: number,
  ) {
    this.process = new RateMeters(Object.keys(Meter).length, nowMs);
    for (const pool of pools) this.add(pool, nowMs);
  }

  /** Watches another listen from now on. */
  add(pool: Pool, nowMs: number): void {
    const meters = new RateMeters(1 + pool.board.capacity, nowMs);
    this.listens.set(pool, { meters, availability: new Availability(isAvailable(pool), nowMs), history: null });
  }

  /** A listen is gone. */
  remove(pool: Pool): void {
    if (!this.listens.delete(pool)) return;
    const { bytesIn, bytesOut } = readingOf(pool);
    this.gone.bytesIn += bytesIn;
    this.gone.bytesOut += bytesOut;
  }

  /** Whether a listen is there. */
  watches(pool: Pool): boolean {
    return this.listens.has(pool);
  }

  /** Call once a second. */
  sample(nowMs: number): void {
    this.process.tick(nowMs, (meter) => this.processCounter(meter));
    const all = { sessions: this.board.current, ...this.gone };
    for (const [pool, watched] of this.listens) {
      watched.meters.tick(nowMs, (meter) => listenCounter(pool, meter));
      watched.availability.note(isAvailable(pool), nowMs);
      const reading = readingOf(pool);
      watched.history = noted(watched.history, reading, nowMs);
      all.bytesIn += reading.bytesIn;
      all.bytesOut += reading.bytesOut;
    }
    this.processHistory = noted(this.processHistory, all, nowMs);
  }

  /** The last minutes; listens without a sample yet are not in it. */
  history(): History {
    const records = [...this.listens].flatMap(([pool, { history }]): [string, HistoryRecord][] =>
      history === null ? [] : [[pool.config.name, history]],
    );
    return historyOf(this.processHistory, records);
  }

  /** Highest rates are 0 from now on. */
  clearMaxima(): void {
    this.process.clearMaxima();
    for (const { meters } of this.listens.values()) meters.clearMaxima();
  }

  /** Call before all counters are cleared, and what it returns after that: rates and the process's totals go on. */
  clearing(): () => void {
    const cleared = [...this.listens].map(([pool, { meters, availability }]) => {
      const { bytesIn, bytesOut } = readingOf(pool);
      const rebase = meters.clearing((meter) => listenCounter(pool, meter));
      return (): void => {
        rebase();
        this.gone.bytesIn += bytesIn;
        this.gone.bytesOut += bytesOut;
        availability.downs = 0;
      };
    });
    return () => {
      for (const each of cleared) each();
    };
  }

  /** Call when the states of a pool's servers have changed, so that an outage shorter than a sample is noticed too. */
  poolChanged(pool: Pool, nowMs: number): void {
    this.listens.get(pool)?.availability.note(isAvailable(pool), nowMs);
  }

  /** Throws RangeError for a listen that is not watched; so do the rates of a listen and its servers. */
  availability(pool: Pool): Availability {
    return this.watched(pool).availability;
  }

  /** Connections of the process per second. */
  connectionRate(nowMs: number): Rate {
    return this.read(Meter.connections, nowMs);
  }

  /** Bytes to clients per second, over all listens. */
  bytesOutRate(nowMs: number): Rate {
    return this.read(Meter.bytesOut, nowMs);
  }

  /** Share of their time that control and the relay threads have not been running in the last second, 0..100. */
  idlePercent(nowMs: number): number {
    const busyMs = this.read(Meter.cpu, nowMs).now;
    return Math.max(0, Math.min(100, Math.round(100 - busyMs / (10 * (this.board.threads + 1)))));
  }

  /** Connections of a listen per second. */
  listenRate(pool: Pool, nowMs: number): Rate {
    return this.watched(pool).meters.read(0, listenCounter(pool, 0), nowMs);
  }

  /** Sessions given to a server per second. */
  serverRate(pool: Pool, slot: number, nowMs: number): Rate {
    return this.watched(pool).meters.read(1 + slot, listenCounter(pool, 1 + slot), nowMs);
  }

  private watched(pool: Pool): Watched {
    const watched = this.listens.get(pool);
    if (watched === undefined) throw new RangeError(`listen ${pool.config.name} is not watched`);
    return watched;
  }

  private read(meter: number, nowMs: number): Rate {
    return this.process.read(meter, this.processCounter(meter), nowMs);
  }

  private processCounter(meter: number): number {
    if (meter === Meter.connections) return this.board.sum(ThreadCounter.connections);
    if (meter === Meter.cpu) return this.cpuMs();
    let bytes = this.gone.bytesOut;
    for (const { board } of this.listens.keys()) bytes += board.sum(ListenCounter.bytesOut);
    return bytes;
  }
}

function listenCounter({ board }: Pool, meter: number): number {
  if (meter === 0) return board.sum(ListenCounter.connections);
  return meter <= board.slots ? board.sum(serverCounter(meter - 1, ServerCounter.sessions)) : 0;
}

function readingOf({ board }: Pool): Reading {
  return {
    sessions: board.current,
    bytesIn: board.sum(ListenCounter.bytesIn),
    bytesOut: board.sum(ListenCounter.bytesOut),
  };
}

function noted(record: HistoryRecord | null, reading: Reading, nowMs: number): HistoryRecord {
  if (record === null) return new HistoryRecord(reading, nowMs);
  record.note(reading, nowMs);
  return record;
}

function isAvailable({ counts }: Pool): boolean {
  return counts.active + counts.backups > 0;
}
