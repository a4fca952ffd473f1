import { humanBytes, humanCount } from "../../stats/humanise.ts";

const LEVELS = "▁▂▃▄▅▆▇█";
const PLAIN_LEVELS = "_.:-=+*#";
const EIGHTHS = " ▏▎▍▌▋▊▉█";

/** The last samples as columns of a tiny chart, the latest at its right; the highest of them is full height. */
export function sparkline(samples: readonly number[], width: number, unicode: boolean): string {
  const shown = samples.slice(-width);
  const highest = Math.max(...shown, 0);
  const levels = unicode ? LEVELS : PLAIN_LEVELS;
  const column = (value: number): string =>
    levels[highest === 0 ? 0 : Math.round((Math.max(0, value) / highest) * (levels.length - 1))] as string;
  return shown.map(column).join("").padStart(width);
}

/** How full something is, `width` columns between brackets; a little of it is never shown as nothing. */
export function gauge(value: number, limit: number, width: number, unicode: boolean): string {
  const share = limit <= 0 ? 0 : Math.max(0, Math.min(1, value / limit));
  if (!unicode) {
    const full = share === 0 ? 0 : Math.max(1, Math.floor(share * width));
    return `[${"#".repeat(full).padEnd(width, ".")}]`;
  }
  const eighths = share === 0 ? 0 : Math.max(1, Math.floor(share * width * 8));
  const full = Math.floor(eighths / 8);
  const part = eighths % 8 === 0 ? "" : (EIGHTHS[eighths % 8] as string);
  return `▕${("█".repeat(full) + part).padEnd(width)}▏`;
}

/** "12", "1.2M"; "-" for what is not known. */
export function rateText(perSecond: number | null): string {
  if (perSecond === null) return "-";
  return perSecond > 0 && perSecond < 9.95 && !Number.isInteger(perSecond)
    ? perSecond.toFixed(1)
    : humanCount(perSecond);
}

/** Bytes per second: "1.2M"; "-" for what is not known. */
export function bytesText(perSecond: number | null): string {
  return perSecond === null ? "-" : humanBytes(perSecond);
}
