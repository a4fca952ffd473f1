/**
 * Text for a line of output. What a server answered to a check must not break a line or speak to the terminal, so each
 * control character (C0, DEL, C1, line separators) becomes a "?".
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, "?");
}
