import { Level } from "../../core/syslogCodes.ts";
import { isoSecond } from "../../log/localTime.ts";
import type { JournalEvent } from "../../stats/event.ts";
import type { Tone } from "../../stats/terminal.ts";
import type { Line } from "./lines.ts";

/** "16:05:09", by the clock of who reads it. */
export function clockTime(wallMs: number): string {
  return isoSecond(wallMs).slice(11);
}

/** An event on one line. */
export function eventLine({ wallMs, level, text, cause }: JournalEvent): Line {
  const because = cause === null || text.includes(cause) ? "" : ` (${cause})`;
  return {
    spans: [
      { text: `${clockTime(wallMs)} `, dim: true },
      { text: text + because, tone: levelTone(level) },
    ],
  };
}

function levelTone(level: Level): Tone {
  if (level <= Level.err) return "red";
  return level === Level.warning ? "yellow" : null;
}
