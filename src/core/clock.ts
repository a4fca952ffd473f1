/** Time as a parameter: rooms take a clock, tests give a fake one and never sleep. */
export interface Clock {
  /** Monotonic milliseconds (fractions allowed); only differences mean anything. Deadlines come from here. */
  nowMs(): number;
  /** Wall time in milliseconds since the epoch; for logs and people, never for deadlines. */
  wallMs(): number;
  /** Runs `fn` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, fn: () => void): () => void;
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, fn) {
    const timer = setTimeout(fn, delayMs);
    return () => clearTimeout(timer);
  },
};
