import { printable } from "../printable.ts";
import { toned } from "../terminal.ts";
import { moment } from "./times.ts";
import type { Reason, Why } from "./why.ts";

const INDENT = "  ";

/** The answer as people read it: a sentence, the reasons with what is behind them, what would change it, what has happened. */
export function renderWhy(why: Why, nowMs: number, colour = false): string {
  const lines = [
    toned(printable(why.summary), why.healthy ? "green" : "red", colour),
    ...why.reasons.flatMap((each) => reasonLines(each, 1)),
    ...section(why.healthy ? "what would change it" : "what would help", why.remedies),
    ...section(
      "what has happened",
      why.events.map(({ wallMs, text, cause }) => {
        const because = cause === null ? "" : ` (${cause})`;
        return `${moment(wallMs, nowMs)}  ${text}${because}`;
      }),
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function reasonLines({ text, because }: Reason, depth: number): string[] {
  return [`${INDENT.repeat(depth)}${printable(text)}`, ...because.flatMap((each) => reasonLines(each, depth + 1))];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", `${title}:`, ...lines.map((line) => `${INDENT}${printable(line)}`)];
}
