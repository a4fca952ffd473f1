import { printable } from "../../stats/printable.ts";
import { aligned, type Tone } from "../../stats/terminal.ts";

/** How a piece of text looks. All that it tells stands in the words too. */
export interface Look {
  readonly tone?: Tone;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly reverse?: boolean;
}

/** A piece of a line. */
export interface Span extends Look {
  readonly text: string;
}

/** A line of the screen; `whole` is laid over all of it, to its right edge. */
export interface Line {
  readonly spans: readonly Span[];
  readonly whole?: Look;
}

/** What a terminal can show. */
export interface Ability {
  readonly colour: boolean;
  /** Characters beyond ASCII. */
  readonly unicode: boolean;
}

const SGR = { green: "32", yellow: "33", red: "31" } as const;
const ASCII_FOR: Readonly<Record<string, string>> = { "…": "~", "─": "-", "│": "|", "·": ".", "→": ">", "▾": "v" };

/** A line of one span. */
export function plainLine(text: string, look: Look = {}): Line {
  return { spans: [{ text, ...look }] };
}

/** A line's text without its looks. */
export function textOf(line: Line): string {
  return line.spans.map(({ text }) => text).join("");
}

/**
 * The line for the terminal, cut to `columns`; a look over the whole line reaches to the right edge. No character gets
 * through that moves the cursor, changes colours or turns the direction of writing.
 */
export function paint(line: Line, columns: number, ability: Ability): string {
  let left = columns;
  let painted = "";
  for (const span of line.spans) {
    if (left <= 0) break;
    const text = cut(printable(span.text), left);
    left -= Bun.stringWidth(text);
    painted += styled(ability.unicode ? text : asciiOf(text), { ...line.whole, ...definedOf(span) }, ability);
  }
  return line.whole === undefined ? painted.trimEnd() : painted + styled(" ".repeat(left), line.whole, ability);
}

function definedOf({ text: _text, ...look }: Span): Look {
  return look;
}

/** As wide, in characters that every terminal has. */
function asciiOf(text: string): string {
  return text.replace(
    /[^\u0020-\u007e]/gu,
    (character) => ASCII_FOR[character] ?? "?".repeat(Bun.stringWidth(character)),
  );
}

function cut(text: string, width: number): string {
  return Bun.stringWidth(text) <= width ? text : aligned(text, width, true);
}

function styled(text: string, { tone, bold, dim, reverse }: Look, { colour }: Ability): string {
  const codes = [
    ...(bold ? ["1"] : []),
    ...(dim ? ["2"] : []),
    ...(reverse ? ["7"] : []),
    ...(colour && tone ? [SGR[tone]] : []),
  ];
  return codes.length === 0 || text === "" ? text : `\u001b[${codes.join(";")}m${text}\u001b[0m`;
}
