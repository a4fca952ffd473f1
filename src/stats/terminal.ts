import { printable } from "./printable.ts";

/** Text for a terminal of fixed width; widths are columns as it counts them. */

/** Of a state: well, not quite, bad; null: nothing to say. */
export type Tone = "green" | "yellow" | "red" | null;

const ANSI = { green: 32, yellow: 33, red: 31 };

/** Colours a text when `colour` says so; everything is also said in words. */
export function toned(text: string, tone: Tone, colour: boolean): string {
  return colour && tone !== null ? `\u001b[${ANSI[tone]}m${text}\u001b[0m` : text;
}

/** Cut with an ellipsis, or padded, to exactly `width` columns. */
export function aligned(text: string, width: number, left: boolean): string {
  const fits = Bun.stringWidth(text) <= width;
  const cut = fits ? text : width <= 0 ? "" : `${headOf(text, width - 1)}…`;
  const padding = " ".repeat(Math.max(0, width - Bun.stringWidth(cut)));
  return left ? cut + padding : padding + cut;
}

/** A paragraph broken between words into at most `lines` lines; what does not fit in these ends in an ellipsis. */
export function wrapped(text: string, width: number, lines: number): string[] {
  const broken: string[] = [];
  let rest = printable(text);
  while (Bun.stringWidth(rest) > width && broken.length < lines - 1) {
    const head = headOf(rest, width);
    const blank = rest.startsWith(" ", head.length) ? head.length : head.lastIndexOf(" ");
    const end = blank > 0 ? blank : head.length;
    broken.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  return [...broken, aligned(rest, width, true).trimEnd()];
}

/** As many whole characters as fit. */
function headOf(text: string, width: number): string {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.slice(0, width);
  let head = "";
  for (const character of text) {
    if (Bun.stringWidth(head + character) > width) break;
    head += character;
  }
  return head;
}
