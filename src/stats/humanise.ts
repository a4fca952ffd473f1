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
  return durationParts(durationMs).slice(0, 2).join(" ");
}

/** A duration to the minute: "3d 4h 12m", "4h 12m", "12m 3s", "59s". */
export function humanUptime(durationMs: number): string {
  return durationParts(durationMs).slice(0, 3).join(" ");
}

/** From the largest unit that is not zero; days leave the seconds out. */
function durationParts(durationMs: number): string[] {
  const seconds = Math.max(0, Math.floor(durationMs / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return (first < 0 ? parts.slice(-1) : parts.slice(first)).map(([count, unit]) => `${count}${unit}`);
}
