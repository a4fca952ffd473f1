/** Large answers go out in pieces of about this size: nobody holds the whole, and others have their turn in between. */
export const CHUNK_BYTES = 64 * 1024;
const ZERO = 0x30;
const encoder = new TextEncoder();

/**
 * Text that grows at its end, as UTF-8. Large answers are put together in one of these: built from strings, the hundred
 * thousand small ones of a full `show stat` would cost several times more, most of it in collecting the garbage.
 */
export class TextBuffer {
  /** Bytes so far. */
  length = 0;
  private bytes = new Uint8Array(CHUNK_BYTES + CHUNK_BYTES / 2);

  /** Appends text that has been encoded already. */
  raw(encoded: Uint8Array): void {
    const { length } = encoded;
    this.reserve(length);
    const { bytes } = this;
    let at = this.length;
    // Most are a few bytes long, and a call of set() costs more than copying those.
    if (length > 32) bytes.set(encoded, at);
    else for (let i = 0; i < length; i++) bytes[at++] = encoded[i] as number;
    this.length += length;
  }

  text(text: string): void {
    const { length } = text;
    this.reserve(3 * length); // UTF-16 to UTF-8: no unit takes more
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.length += encoder.encodeInto(text, bytes.subarray(this.length)).written;
        return;
      }
      bytes[at++] = code;
    }
    this.length = at;
  }

  number(value: number): void {
    // Beyond this, and with decimals or a sign, nothing comes often enough to be worth the effort.
    if (value < 0 || value > 0x7fff_ffff || value !== Math.trunc(value)) {
      this.text(String(value));
      return;
    }
    this.reserve(10);
    const { bytes } = this;
    let digits = 1;
    for (let limit = 10; limit <= value; limit *= 10) digits++;
    let rest = value | 0;
    for (let at = this.length + digits - 1; at >= this.length; at--) {
      const tenth = (rest / 10) | 0;
      bytes[at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.length += digits;
  }

  /** A copy of what there is; the buffer begins anew. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
