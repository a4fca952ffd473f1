import { Level } from "../../core/syslogCodes.ts";
import { isoSecond } from "../../log/localTime.ts";
import type { JournalEvent } from "../../stats/event.ts";
import { type Tone, wrapped } from "../../stats/terminal.ts";
import type { Line } from "./lines.ts";

/** "16:05:09 " */
const TIME_COLUMNS = 9;
const MOST_LINES = 5;

/** "16:05:09", by the clock of who reads it. */
export function clockTime(wallMs: number): string {
  return isoSecond(wallMs).slice(11);
}

/** An event on one line. */
export function eventLine(event: JournalEvent): Line {
  return lineOf(event.wallMs, sentence(event), levelTone(event.level));
}

/** An event on as many lines as it takes, or nearly. */
export function eventLines(event: JournalEvent, columns: number): Line[] {
  const lines = wrapped(sentence(event), Math.max(10, columns - TIME_COLUMNS), MOST_LINES);
  return lines.map((text, index) => lineOf(index === 0 ? event.wallMs : null, text, levelTone(event.level)));
}

function sentence({ text, cause }: JournalEvent): string {
  return cause === null || text.includes(cause) ? text : `${text} (${cause})`;
}

function lineOf(wallMs: number | null, text: string, tone: Tone): Line {
  const time = wallMs === null ? "" : clockTime(wallMs);
  return {
    spans: [
      { text: time.padEnd(TIME_COLUMNS), dim: true },
      { text, tone },
    ],
  };
}

function levelTone(level: Level): Tone {
  if (level <= Level.err) return "red";
  return level === Level.warning ? "yellow" : null;
}
