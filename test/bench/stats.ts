/** Middle value, or the mean of the two middle ones. `values` must not be empty. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError("the median of nothing");
  return (lower + upper) / 2;
}

/** What the rounds of one measurement gave. */
export interface Summary {
  median: number;
  min: number;
  max: number;
}

/** A measurement's value in each round, by the round's number from 0; null where the round gave none. */
export type Rounds = readonly (number | null)[];

/** Median and extremes of the rounds that gave a value; null when none did. */
export function summarize(rounds: Rounds): Summary | null {
  const values = rounds.filter((value) => value !== null);
  if (values.length === 0) return null;
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * Ratio of two contenders, round by round, null where it cannot be told. A round is compared with the same round of
 * the other, measured seconds apart, so that a machine that grows slower during the run weighs on both alike.
 */
export function pairedRatios(ours: Rounds, theirs: Rounds): Rounds {
  return ours.map((our, round) => {
    const their = theirs[round] ?? null;
    return our === null || their === null || their <= 0 ? null : our / their;
  });
}

/**
 * The order of turns in a round: there and back, then with somebody else at the head. After twice as many rounds as there
 * are contenders each has begun twice, and nobody always followed the same one.
 */
export function turnOrder<T>(list: readonly T[], round: number): T[] {
  const start = list.length === 0 ? 0 : Math.floor(round / 2) % list.length;
  const turned = [...list.slice(start), ...list.slice(0, start)];
  return round % 2 === 0 ? turned : turned.reverse();
}
