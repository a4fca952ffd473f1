/** What the gap measurement can do, and what one measurement gave. */

export const FAULTS = [
  "clean stop",
  "SIGKILL of the proxy process",
  "SIGKILL of everything",
  "SIGSTOP of everything",
  "link down",
  "last server down",
] as const;
export type Fault = (typeof FAULTS)[number];

export const TIMERS = ["v2 1 s", "v3 1 s", "v3 100 ms"] as const;
export type Timers = (typeof TIMERS)[number];

/** Two of ours, or two with keepalived and haproxy. */
export const PAIRS = ["haproxy-lite", "keepalived"] as const;
export type Pair = (typeof PAIRS)[number];

/** One run of the measurement. */
export interface Plan {
  readonly rounds: number;
  readonly pairs: readonly Pair[];
  readonly timers: readonly Timers[];
  readonly faults: readonly Fault[];
}

/** One fault. */
export interface Gap {
  readonly pair: Pair;
  readonly timers: Timers;
  readonly fault: Fault;
  readonly round: number;
  /** Longest time between two answers that the client had; null: the other host never took over. */
  readonly gapMs: number | null;
}
