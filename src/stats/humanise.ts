const UNITS = ["", "K", "M", "G", "T", "P"];

/** A count of bytes in at most five characters: "0", "1023", "1.0K", "12K", "1.5G" (K is 1024). */
export function humanBytes(bytes: number): string {
  return scaled(bytes, 1024, 1024);
}

/** A count in at most six characters: exact to 99999, then "100k", "1.2M" (k is 1000). */
export function humanCount(count: number): string {
  return scaled(count, 1000, 100_000).replace("K", "k");
}

function scaled(value: number, step: number, from: number): string {
  if (value < from) return String(Math.round(value));
  let unit = 0;
  let rest = value;
  // 999.6 would be shown as "1000", which is one of the next unit.
  while (rest >= step - 0.5 && unit < UNITS.length - 1) {
    rest /= step;
    unit++;
  }
  return `${rest < 9.95 ? rest.toFixed(1) : Math.round(rest)}${UNITS[unit]}`;
}

/** A duration by its two largest units: "0s", "59s", "12m 3s", "4h 12m", "3d 4h". */
export function humanDuration(durationMs: number): string {
  return largestUnits(durationMs, 2);
}

/** A duration to the minute: "3d 4h 12m", "4h 12m", "12m 3s", "59s". */
export function humanUptime(durationMs: number): string {
  return largestUnits(durationMs, 3);
}

const DURATION_UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
  ["s", 1],
] as const;

/** So many units, from the largest that is not zero. A large page has some thousand durations. */
function largestUnits(durationMs: number, most: number): string {
  let seconds = Math.max(0, Math.floor(durationMs / 1000));
  let text = "";
  let left = most;
  for (const [unit, unitS] of DURATION_UNITS) {
    const count = Math.floor(seconds / unitS);
    if (left === 0 || (text === "" && count === 0 && unitS > 1)) continue;
    text += text === "" ? `${count}${unit}` : ` ${count}${unit}`;
    seconds -= count * unitS;
    left--;
  }
  return text;
}
