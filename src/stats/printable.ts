/**
 * Text for a line of output. What a server answered to a check must not break a line, speak to the terminal or turn the
 * direction of what stands beside it, so each control character (C0, DEL, C1, line separators, directional overrides and
 * isolates) becomes a "?".
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, "?");
}
