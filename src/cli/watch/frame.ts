/** What is written to a terminal: escape sequences of ECMA-48 and xterm's private modes, which every terminal today knows. */

/** Alternate screen, no cursor, and no wrapping: a character that is wider than we think then costs its own line only. */
export const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J";
/** Takes all of that back. */
export const LEAVE = "\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l";

/** What brings a screen that shows `before` to `after`; null: nothing is known of it, all is drawn. "" when they are equal. */
export function difference(before: readonly string[] | null, after: readonly string[]): string {
  const rows = after.map((line, row) => (before?.[row] === line ? "" : `\u001b[${row + 1};1H\u001b[2K${line}`));
  const rest = before !== null && before.length > after.length ? `\u001b[${after.length + 1};1H\u001b[J` : "";
  return (before === null ? "\u001b[0m\u001b[2J" : "") + rows.join("") + rest;
}
