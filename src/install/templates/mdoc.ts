/** Text for a line of mdoc(7): no backslash of it is an escape, and no line of it a macro. */
export function plain(text: string): string {
  const escaped = text.replaceAll("\\", "\\e").replaceAll("–", "-").replaceAll("…", "...");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** An argument of a macro line: quoted, so that no word of it is taken for a macro. */
export function argument(text: string): string {
  return `"${plain(text).replaceAll('"', "\\(dq")}"`;
}

/** Sentences on lines of their own, as mdoc wants them. */
export function sentences(text: string): string {
  return text
    .split(/(?<=[.!?])\s+(?=[A-Z])/)
    .map(plain)
    .join("\n");
}

/** Date of a manual page. */
export const MANUAL_DATE = "November 22, 2026";
