import type { History, HistorySeries } from "./page/model.ts";

/** A sample of the history spans so much, and so many of them are kept: ten minutes. */
export const HISTORY_STEP_MS = 5000;
export const HISTORY_STEPS = 120;

/** What one listen, or the process, stands at: sessions now, bytes since it began. */
export interface Reading {
  readonly sessions: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/**
 * The last {@link HISTORY_STEPS} steps of sessions and throughput, in fixed memory. Pure: fed with readings and monotonic time.
 * Steps begin at multiples of {@link HISTORY_STEP_MS}, so that those of several records lie side by side.
 */
export class HistoryRecord {
  private readonly sessions = new Float64Array(HISTORY_STEPS);
  private readonly bytesIn = new Float64Array(HISTORY_STEPS);
  private readonly bytesOut = new Float64Array(HISTORY_STEPS);
  /** Steps so far, the present one included; they lie in the arrays modulo their length. */
  private count = 0;
  /** Number of the present step, and when and at what it began. */
  private step: number;
  private sinceMs: number;
  private base: Reading;
  private last: Reading;

  /** Begins at this reading; what was counted before it is nobody's throughput. */
  constructor(reading: Reading, nowMs: number) {
    this.step = Math.floor(nowMs / HISTORY_STEP_MS);
    this.sinceMs = nowMs;
    this.base = reading;
    this.last = reading;
    this.begin(reading.sessions);
  }

  /** Call about once a second. After a gap, what was counted meanwhile is spread evenly over the steps it lasted. */
  note(reading: Reading, nowMs: number): void {
    const { base, last } = this;
    // Counters that went back were cleared: what they had counted before belongs to this step all the same.
    if (reading.bytesIn < last.bytesIn || reading.bytesOut < last.bytesOut)
      this.base = { ...base, bytesIn: base.bytesIn - last.bytesIn, bytesOut: base.bytesOut - last.bytesOut };
    const step = Math.floor(nowMs / HISTORY_STEP_MS);
    const begun = Math.min(step - this.step, HISTORY_STEPS);
    if (begun <= 0) {
      this.write(reading, nowMs);
    } else {
      this.close(reading, nowMs, begun);
      this.step = step;
      this.sinceMs = nowMs;
      this.base = reading;
    }
    this.last = reading;
  }

  /** Oldest first. */
  series(): HistorySeries {
    const kept = Math.min(this.count, HISTORY_STEPS);
    const first = this.count - kept;
    const read = (ring: Float64Array) =>
      Array.from({ length: kept }, (_, index) => ring[(first + index) % HISTORY_STEPS] as number);
    return { sessions: read(this.sessions), bytesIn: read(this.bytesIn), bytesOut: read(this.bytesOut) };
  }

  /** The present step so far. */
  private write(reading: Reading, nowMs: number): void {
    const at = (this.count - 1) % HISTORY_STEPS;
    this.sessions[at] = Math.max(this.sessions[at] as number, reading.sessions);
    const elapsedMs = nowMs - this.sinceMs;
    if (elapsedMs <= 0) return;
    this.bytesIn[at] = perSecond(reading.bytesIn - this.base.bytesIn, elapsedMs);
    this.bytesOut[at] = perSecond(reading.bytesOut - this.base.bytesOut, elapsedMs);
  }

  /** The present step is over, and so are all but the last of `begun` new ones: they share the throughput since it began. */
  private close(reading: Reading, nowMs: number, begun: number): void {
    this.write({ ...reading, sessions: this.last.sessions }, nowMs);
    const before = (this.count - 1) % HISTORY_STEPS;
    const [bytesIn, bytesOut] = [this.bytesIn[before] as number, this.bytesOut[before] as number];
    for (let each = 1; each <= begun; each++) {
      this.begin(each < begun ? this.last.sessions : reading.sessions);
      const at = (this.count - 1) % HISTORY_STEPS;
      this.bytesIn[at] = bytesIn;
      this.bytesOut[at] = bytesOut;
    }
  }

  private begin(sessions: number): void {
    const at = this.count % HISTORY_STEPS;
    this.count++;
    this.sessions[at] = sessions;
    this.bytesIn[at] = 0;
    this.bytesOut[at] = 0;
  }
}

/** What the page shows of several records; of listens of one name the last, which is the one that is not leaving. */
export function historyOf(
  process: HistoryRecord | null,
  listens: Iterable<readonly [name: string, HistoryRecord]>,
): History {
  return {
    stepMs: HISTORY_STEP_MS,
    process: process?.series() ?? { sessions: [], bytesIn: [], bytesOut: [] },
    listens: Object.fromEntries([...listens].map(([name, record]) => [name, record.series()])),
  };
}

function perSecond(bytes: number, elapsedMs: number): number {
  return (bytes * 1000) / elapsedMs;
}
