/** What a health check did and saw before it ended, for whoever asks why it ended like that. Plain data. */
export interface CheckEvidence {
  /** Where it connected: "192.0.2.11:4900", "unix:/path". */
  readonly target: string;
  /** Where it ended: `number` counts from 1, 0 is the connect that nobody wrote; `of`: steps that were written. */
  readonly step: { readonly number: number; readonly of: number; readonly doing: string };
  /** "ECONNREFUSED" and "Connection refused"; null: no system call failed. */
  readonly errno: { readonly name: string; readonly text: string } | null;
  /** What it sent last; null: nothing. */
  readonly sent: Excerpt | null;
  /** What has come since; null: nothing. */
  readonly received: Excerpt | null;
}

/** The beginning of some bytes. */
export interface Excerpt {
  /** All of them. */
  readonly bytes: number;
  /** The first {@link EXCERPT_BYTES}, as {@link escapeBytes} writes them. */
  readonly text: string;
}

/** So much of what was sent and received is kept. */
export const EXCERPT_BYTES = 256;

const NAMED: Readonly<Record<number, string>> = { 9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\" };

/** An excerpt of `bytes`, of which there were `total`; null of none. */
export function excerpt(bytes: Uint8Array, total = bytes.length): Excerpt | null {
  return total === 0 ? null : { bytes: total, text: escapeBytes(bytes.subarray(0, EXCERPT_BYTES)) };
}

/** Bytes as a string literal without its quotes: printable ASCII as it is, `\r`, `\n`, `\t`, `\"`, `\\`, and `\x00` for the rest. */
export function escapeBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += NAMED[byte] ?? escapeOther(byte);
  return text;
}

function escapeOther(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
}
