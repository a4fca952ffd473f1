/** Events per second: over the last second, and the most that any second has had. */
export interface Rate {
  now: number;
  max: number;
}

const PERIOD_MS = 1000;
/** A tick that comes earlier is ignored: too short a period would be extrapolated into a false maximum. */
const SHORTEST_PERIOD_MS = 0.9 * PERIOD_MS;

/**
 * Rates of many counters, as HAProxy's freq_ctr makes them: the count of the present second, plus the share of the one
 * before that still lies within the last 1000 ms. A maximum is the highest count of one period. Pure: fed with counter
 * values and monotonic time. Between two ticks a counter costs nothing.
 */
export class RateMeters {
  /** Counter values at the last tick, events in the period before it, and the highest of those. */
  private readonly base: Float64Array;
  private readonly previous: Float64Array;
  private readonly highest: Float64Array;

  /** `size` counters that stand at 0 at `tickedMs`. */
  constructor(
    size: number,
    private tickedMs: number,
  ) {
    this.base = new Float64Array(size);
    this.previous = new Float64Array(size);
    this.highest = new Float64Array(size);
  }

  /** Call about once a second; a late one is averaged over the time it took. `counter` gives each counter's value. */
  tick(nowMs: number, counter: (meter: number) => number): void {
    const elapsedMs = nowMs - this.tickedMs;
    if (elapsedMs < SHORTEST_PERIOD_MS) return;
    this.tickedMs = nowMs;
    for (let meter = 0; meter < this.base.length; meter++) {
      const value = counter(meter);
      const rate = perSecond(value - (this.base[meter] as number), elapsedMs);
      this.base[meter] = value;
      this.previous[meter] = rate;
      if (rate > (this.highest[meter] as number)) this.highest[meter] = rate;
    }
  }

  /** The highest counts are 0 from now on. */
  clearMaxima(): void {
    this.highest.fill(0);
  }

  /** Call before counters are cleared, and what it returns after that: the rates are none the wiser. */
  clearing(counter: (meter: number) => number): () => void {
    const { tickedMs } = this;
    const before = this.base.map((_, meter) => counter(meter));
    return () => {
      // A tick in between has taken the new values for its base.
      if (this.tickedMs !== tickedMs) return;
      for (const [meter, value] of before.entries()) this.base[meter] = (this.base[meter] as number) - value;
    };
  }

  /** The rate of a counter that stands at `value` now. */
  read(meter: number, value: number, nowMs: number): Rate {
    const elapsedMs = Math.max(0, nowMs - this.tickedMs);
    const fresh = perSecond(value - (this.base[meter] as number), Math.max(elapsedMs, PERIOD_MS));
    const remains = Math.max(0, 1 - elapsedMs / PERIOD_MS);
    return {
      now: Math.round(fresh + (this.previous[meter] as number) * remains),
      max: Math.round(Math.max(fresh, this.highest[meter] as number)),
    };
  }
}

/** A counter that went back was cleared: no events, rather than negative ones. */
function perSecond(events: number, elapsedMs: number): number {
  return (Math.max(0, events) * PERIOD_MS) / elapsedMs;
}
