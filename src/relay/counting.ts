/** Adds one to a counter; returns what was there before. */
export function count(counters: Float64Array, at: number): number {
  const before = counters[at] as number;
  counters[at] = before + 1;
  return before;
}

/** Adds to a counter. */
export function add(counters: Float64Array, at: number, amount: number): void {
  counters[at] = (counters[at] as number) + amount;
}

/** Keeps a counter at the highest value seen. */
export function raise(counters: Float64Array, at: number, value: number): void {
  if (value > (counters[at] as number)) counters[at] = value;
}
