import { LEVELS } from "../core/syslogCodes.ts";

const LEVEL_NAMES = Object.keys(LEVELS);

/** `notice` for 5; the number itself when it is none of 0..7. */
export function levelName(level: number): string {
  return LEVEL_NAMES[level] ?? String(level);
}

/** The number between `<` and `>` (RFC 5424 §6.2.1): facility 0..23, level 0..7. */
export function priority(facility: number, level: number): number {
  return facility * 8 + level;
}
