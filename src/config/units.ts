/** Longest duration taken anywhere: a timer of 2^31 ms (24.8 days) or more fires at once in JavaScript. */
export const MAX_DURATION_MS = 24 * 86_400_000;

/** A value read, or what is wrong with it ("5 PROBLEM") and what to write instead. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string; readonly hint: string };

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** How JSON Schema describes a duration's spelling. */
export const DURATION_PATTERN = "^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$";

/** What people write for a unit that we spell otherwise. */
const UNIT_WORDS: Readonly<Record<string, string>> = {
  msec: "ms",
  msecs: "ms",
  millisecond: "ms",
  milliseconds: "ms",
  sec: "s",
  secs: "s",
  second: "s",
  seconds: "s",
  min: "m",
  mins: "m",
  minute: "m",
  minutes: "m",
  hr: "h",
  hour: "h",
  hours: "h",
  day: "d",
  days: "d",
};

/** The shortest spelling of a number of milliseconds: 2000 → "2s", 1500 → "1500ms", 90000 → "90s". */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  for (const unit of ["d", "h", "m", "s"]) {
    const size = UNIT_MS[unit] as number;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}

/**
 * Reads a duration: a string of digits (a decimal point is allowed) and a unit, ms, s, m, h or d. Anything else is
 * refused with the spelling that would be right; a bare number is ambiguous (HAProxy takes milliseconds, keepalived
 * seconds), so both spellings are named.
 * @param raw the TOML value
 * @param minMs shortest duration accepted
 * @param maxMs longest duration accepted
 */
export function readDuration(raw: unknown, minMs: number, maxMs: number): Reading<number> {
  if (typeof raw === "number" || typeof raw === "bigint") return bareNumber(String(raw), minMs, maxMs);
  const range = `a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}, as in "${example(minMs, maxMs)}"`;
  if (typeof raw !== "string") return { ok: false, problem: "is not a duration", hint: `write ${range}` };
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)$/.exec(raw);
  if (!match) return misspelled(raw, range, minMs, maxMs);
  // Rounded before it is judged: 0.07 × 1000 is 70.00000000000001.
  const ms = Math.round(Number(match[1]) * (UNIT_MS[match[2] as string] as number) * 1000) / 1000;
  if (!Number.isInteger(ms) && ms < MAX_DURATION_MS) {
    return { ok: false, problem: "is finer than a millisecond", hint: "write a whole number of milliseconds" };
  }
  if (ms < minMs) return { ok: false, problem: "is too short", hint: `write ${range}` };
  if (ms > maxMs) return { ok: false, problem: "is too long", hint: `write ${range}` };
  return { ok: true, value: ms };
}

function example(minMs: number, maxMs: number): string {
  return formatDuration(Math.min(Math.max(2000, minMs), maxMs));
}

function bareNumber(text: string, minMs: number, maxMs: number): Reading<number> {
  const plain = /^[0-9]+(\.[0-9]+)?$/.test(text);
  const seconds = readDuration(`${text}s`, minMs, maxMs);
  const milliseconds = readDuration(`${text}ms`, minMs, maxMs);
  const range = `from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  if (!plain || !(seconds.ok || milliseconds.ok)) {
    return { ok: false, problem: "is not a duration", hint: `write a number with its unit in quotes, ${range}` };
  }
  // Both readings are named even when only one is possible: the reader knows which one was meant, we do not.
  const say = (reading: Reading<number>, unit: string, name: string) =>
    reading.ok ? `"${text}${unit}" for ${name}` : `("${text}${unit}", ${name}, ${reading.problem})`;
  const [first, second] = [say(seconds, "s", "seconds"), say(milliseconds, "ms", "milliseconds")];
  const hint =
    seconds.ok && milliseconds.ok
      ? `write ${first} or ${second}`
      : `write ${seconds.ok ? `${first} ${second}` : `${second} ${first}`}`;
  return { ok: false, problem: "is not a duration: it has no unit", hint };
}

function misspelled(raw: string, range: string, minMs: number, maxMs: number): Reading<number> {
  const spaced = /^\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*$/.exec(raw);
  const [number, word] = [spaced?.[1], spaced?.[2]?.toLowerCase()];
  if (number !== undefined && word === "") return bareNumber(number, minMs, maxMs);
  if (word === "us") {
    return { ok: false, problem: "is in microseconds", hint: "the finest unit is the millisecond, ms" };
  }
  const unit = word === undefined ? undefined : word in UNIT_MS ? word : UNIT_WORDS[word];
  const hint = unit === undefined ? `write ${range}` : `write "${number}${unit}"`;
  return { ok: false, problem: "is not a duration", hint };
}
