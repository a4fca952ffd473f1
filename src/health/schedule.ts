import type { CheckConfig } from "../config/schema.ts";
import { fullyUp } from "./counter.ts";

/** Intervals that are at least this long say how far apart the first checks start (HAProxy's SRV_CHK_INTER_THRES). */
const SPREAD_THRESHOLD_MS = 1000;

/** Longer timers fire at once (2^31 ms, about 24.8 days). */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** The intervals and counters of a check. */
export type Rhythm = Pick<
  CheckConfig,
  "intervalMs" | "fastIntervalMs" | "downIntervalMs" | "rise" | "fall" | "initState"
>;

/**
 * Milliseconds from the end of one check to the start of the next: the fast interval in transition and while no check has
 * said anything yet, the down interval when fully down, else the plain one.
 */
export function intervalMs(rhythm: Rhythm, health: number, checked: boolean): number {
  if (!checked) return rhythm.fastIntervalMs;
  if (health === 0) return rhythm.downIntervalMs;
  return health === fullyUp(rhythm.rise, rhythm.fall) ? rhythm.intervalMs : rhythm.fastIntervalMs;
}

/** `interval` made up to `percent` (0..50) shorter or longer; `random` is uniform in [0, 1). */
export function spreadMs(interval: number, percent: number, random: () => number): number {
  const most = (interval * percent) / 100;
  return Math.min(interval + most * (1 - 2 * random()), LONGEST_DELAY_MS);
}

/**
 * Milliseconds after which each of the checks first runs, in their order, so that they do not all fire at once: check i of
 * n after i/n of the larger of its own interval and the smallest interval that is at least a second (HAProxy's rule; "own"
 * is the interval of a server that is still unchecked). Servers that start down are checked at once: they wait for it.
 */
export function startOffsetsMs(rhythms: readonly Rhythm[]): number[] {
  const first = rhythms.map((rhythm) => intervalMs(rhythm, rhythm.rise, false));
  const long = first.filter((interval) => interval >= SPREAD_THRESHOLD_MS);
  const pace = long.reduce((least, interval) => Math.min(least, interval), long[0] ?? 0);
  return rhythms.map(({ initState }, i) =>
    initState === "down" || initState === "fully-down"
      ? 0
      : Math.floor((Math.max(first[i] as number, pace) * i) / rhythms.length),
  );
}
