import { formatDuration, MAX_DURATION_MS } from "../config/units.ts";

const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A time of HAProxy in milliseconds, rounded up; null when it is none. Bare numbers are milliseconds unless the keyword
 * says otherwise.
 * @param bare unit of a number without one
 */
export function readTimeMs(text: string, bare: "ms" | "s" = "ms"): number | null {
  const match = /^([0-9]{1,15})(us|ms|s|m|h|d)?$/.exec(text);
  if (match === null) return null;
  return Math.ceil(Number(match[1]) * (UNIT_MS[match[2] ?? bare] as number));
}

/** keepalived's seconds, fractions allowed, in milliseconds; null when it is none. */
export function readSecondsMs(text: string): number | null {
  if (!/^[0-9]{1,9}(\.[0-9]{1,6})?$/.test(text)) return null;
  return Math.round(Number(text) * 1000);
}

/** A duration as our file spells it, within the range that our keys have. */
export function durationText(ms: number, minMs = 1, maxMs = MAX_DURATION_MS): string {
  return formatDuration(Math.min(Math.max(ms, minMs), maxMs));
}

/** A whole number of at most 10 digits; null when it is none. */
export function readInt(text: string): number | null {
  return /^-?[0-9]{1,10}$/.test(text) ? Number(text) : null;
}
