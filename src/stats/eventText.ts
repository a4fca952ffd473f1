import { LEVELS, Level } from "../core/syslogCodes.ts";
import { type JournalEvent, subjectName } from "./event.ts";
import { printable } from "./printable.ts";
import { type Tone, toned, wrapped } from "./terminal.ts";
import { wallTime } from "./vrrpWording.ts";

/** Lines that one event may take on a terminal. */
const MOST_LINES = 8;

/**
 * An event on one line, for programs that read lines: `#12 2026-11-22T16:05:09.073 alert web/s1 down because=#11: Server
 * web/s1 is DOWN, … (cause: …)`. Times by the clock of whoever runs this.
 */
export function eventText({ id, wallMs, level, subject, change, text, cause, because }: JournalEvent): string {
  const head = [
    `#${id}`,
    time(wallMs).replace(" ", "T"),
    levelName(level),
    subjectName(subject),
    change,
    ...(because === null ? [] : [`because=#${because}`]),
  ];
  return printable(`${head.join(" ")}: ${text}${cause === null ? "" : ` (cause: ${cause})`}`);
}

/** Events for people, in their order: the sentence, and below it what led to it. */
export function renderEvents(
  events: readonly JournalEvent[],
  { colour, width }: { readonly colour: boolean; readonly width: number },
): string {
  const blocks = events.flatMap((event) => {
    const { id, wallMs, level, text, cause, because } = event;
    const head = `${time(wallMs)}  ${`#${id}`.padStart(5)}  `;
    const led = events.find((each) => each.id === because);
    const behind = [
      ...(cause === null ? [] : [`cause: ${cause}`]),
      ...(led === undefined ? [] : [`because of #${led.id}: ${led.text}`]),
    ];
    const room = Math.max(20, width - head.length);
    const body = [
      ...wrapped(text, room, MOST_LINES).map((line) => toned(line, levelTone(level), colour)),
      ...behind.flatMap((sentence) => wrapped(sentence, room - 2, MOST_LINES).map((line) => `  ${line}`)),
    ];
    return body.map((line, index) => `${index === 0 ? head : " ".repeat(head.length)}${line}`);
  });
  return blocks.length === 0 ? "nothing has happened yet\n" : `${blocks.join("\n")}\n`;
}

/** Red from err on, yellow for warnings. */
export function levelTone(level: Level): Tone {
  if (level <= Level.err) return "red";
  return level === Level.warning ? "yellow" : null;
}

function levelName(level: Level): string {
  return Object.keys(LEVELS).find((each) => LEVELS[each] === level) ?? String(level);
}

/** "2026-11-22 16:05:09.073" */
function time(wallMs: number): string {
  return `${wallTime(wallMs)}.${String(Math.floor(wallMs) % 1000).padStart(3, "0")}`;
}
