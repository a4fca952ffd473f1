// C0 and C1 controls, DEL, and the two Unicode line ends: what could start a new line or drive a terminal.
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]/gu;

const encoder = new TextEncoder();

/**
 * Text that stays on its line whoever wrote it: each byte of a control character becomes `#` and two hex digits, HAProxy's
 * own way (`#0A` for a newline).
 */
export function printable(text: string): string {
  return CONTROL.test(text) ? text.replace(CONTROLS, escapeControl) : text;
}

function escapeControl(character: string): string {
  return [...encoder.encode(character)].map((byte) => `#${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

/** The longest beginning of `text` whose UTF-8 form has at most `maxBytes`, cut between characters. */
export function cutToBytes(text: string, maxBytes: number): string {
  // No UTF-16 unit takes more than three bytes.
  if (text.length * 3 <= maxBytes) return text;
  return text.slice(0, encoder.encodeInto(text, new Uint8Array(maxBytes)).read);
}
