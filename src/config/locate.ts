import { parse } from "smol-toml";
import { type KeyPart, type Path, Places, type Span } from "./places.ts";

/**
 * Finds where each key and value of a TOML text is written (TOML 1.0: dotted keys, headers, lists of tables, inline
 * tables, lists and strings over several lines). smol-toml says what the text means, this says where; it never throws.
 * On a text that is not TOML it notes what it could follow and stops.
 */

/** Nesting beyond this is not followed; the parser refuses it as well. */
export const MAX_DEPTH = 32;

/** What was found. `unfinished` is the path of the statement that begins at `stopAt`. */
export interface Located {
  readonly places: Places;
  readonly unfinished: Path | null;
}

/** @param stopAt offset of a statement that the parser refused: it is read as a key, but not noted */
export function locate(text: string, stopAt = text.length): Located {
  const scan = new Scan(text);
  const places = new Places();
  let table: Path = [];
  scan.at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  for (;;) {
    scan.skipVoid();
    const header = scan.peek() === "[" ? (text.startsWith("[[", scan.at) ? "[[" : "[") : "";
    const keyAt = scan.at + header.length;
    if (scan.at >= text.length) return { places, unfinished: null };
    scan.at = keyAt;
    const parts = scan.dottedKey();
    if (parts === null || parts.length > MAX_DEPTH) return { places, unfinished: null };
    if (keyAt >= stopAt || scan.at > stopAt) {
      const base = header === "" ? table : [];
      return { places, unfinished: [...base, ...parts.map((part) => part.name)] };
    }
    if (header !== "") {
      table = places.define([], parts, header === "[[" ? "element" : "table");
      scan.at += header.length;
    } else {
      const path = places.define(table, parts, "value");
      if (!scan.skip("=") || !scan.value(path, places, 0)) return { places, unfinished: null };
    }
  }
}

class Scan {
  at = 0;

  constructor(readonly text: string) {}

  peek(): string {
    return this.text[this.at] ?? "";
  }

  /** Blanks, and with them newlines and comments. */
  skipVoid(): void {
    for (;;) {
      const char = this.peek();
      if (char === "#") this.#skipLine();
      else if (char === " " || char === "\t" || char === "\r" || char === "\n") this.at++;
      else return;
    }
  }

  #skipLine(): void {
    const end = this.text.indexOf("\n", this.at);
    this.at = end < 0 ? this.text.length : end;
  }

  #skipBlanks(): void {
    while (this.peek() === " " || this.peek() === "\t") this.at++;
  }

  /** Steps over one character with blanks around it; false when another stands there. */
  skip(char: string): boolean {
    this.#skipBlanks();
    if (this.peek() !== char) return false;
    this.at++;
    this.#skipBlanks();
    return true;
  }

  /** `a."b c".d`; null when no key stands here. */
  dottedKey(): KeyPart[] | null {
    const parts: KeyPart[] = [];
    do {
      this.#skipBlanks();
      const offset = this.at;
      const quote = this.peek();
      if (quote === '"' || quote === "'") {
        if (!this.#skipString(quote)) return null;
      } else {
        while (/[A-Za-z0-9_-]/.test(this.peek())) this.at++;
      }
      if (this.at === offset) return null;
      const raw = this.text.slice(offset, this.at);
      parts.push({ name: unquote(raw), span: { offset, length: raw.length } });
    } while (this.skip("."));
    return parts;
  }

  /** Any value; notes it and what it contains under `path`. */
  value(path: Path, places: Places, depth: number): boolean {
    if (depth > MAX_DEPTH) return false;
    const offset = this.at;
    const first = this.peek();
    if (first === '"' || first === "'") {
      if (!this.#skipString(first)) return false;
    } else if (first === "[") {
      if (!this.#list(path, places, depth)) return false;
    } else if (first === "{") {
      if (!this.#inlineTable(path, places, depth)) return false;
    } else {
      while (this.at < this.text.length && !/[,\]}#\r\n]/.test(this.peek())) this.at++;
      this.at = offset + this.text.slice(offset, this.at).trimEnd().length;
      if (this.at === offset) return false;
    }
    places.value(path, { offset, length: this.at - offset });
    return true;
  }

  #list(path: Path, places: Places, depth: number): boolean {
    this.at++;
    for (;;) {
      this.skipVoid();
      if (this.peek() === "]") break;
      if (!this.value(places.element(path), places, depth + 1)) return false;
      this.skipVoid();
      if (this.peek() === ",") this.at++;
      else if (this.peek() !== "]") return false;
    }
    this.at++;
    return true;
  }

  #inlineTable(path: Path, places: Places, depth: number): boolean {
    this.at++;
    for (;;) {
      this.skipVoid();
      if (this.peek() === "}") break;
      const parts = this.dottedKey();
      if (parts === null || parts.length > MAX_DEPTH || !this.skip("=")) return false;
      if (!this.value(places.define(path, parts, "value"), places, depth + 1)) return false;
      this.skipVoid();
      if (this.peek() === ",") this.at++;
      else if (this.peek() !== "}") return false;
    }
    this.at++;
    return true;
  }

  /** Steps over a string of any of the four kinds; false when it does not end. */
  #skipString(quote: string): boolean {
    const long = this.text.startsWith(quote.repeat(3), this.at);
    const close = long ? quote.repeat(3) : quote;
    this.at += close.length;
    while (this.at < this.text.length) {
      if (quote === '"' && this.peek() === "\\") this.at += 2;
      else if (this.text.startsWith(close, this.at)) {
        this.at += close.length;
        // """…""""" ends with up to two quotes that belong to the string.
        for (let extra = 0; long && extra < 2 && this.peek() === quote; extra++) this.at++;
        return true;
      } else if (!long && this.peek() === "\n") return false;
      else this.at++;
    }
    return false;
  }
}

function unquote(raw: string): string {
  if (raw.startsWith("'")) return raw.slice(1, -1);
  if (!raw.startsWith('"')) return raw;
  if (!raw.includes("\\")) return raw.slice(1, -1);
  try {
    return String(parse(`key = ${raw}`).key);
  } catch {
    return raw;
  }
}

/** Turns offsets into lines and columns, both from 1; a column counts characters, not bytes or UTF-16 units. */
export class Lines {
  readonly #starts: number[] = [0];

  constructor(readonly text: string) {
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#starts.push(at + 1);
  }

  /** Line and column of an offset. */
  position(offset: number): { readonly line: number; readonly column: number } {
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: characters(this.text.slice(this.#starts[low], offset)) + 1 };
  }

  /** Position of a span and its length in characters, cut at the end of its first line. */
  locate(span: Span): { readonly line: number; readonly column: number; readonly length: number } {
    const firstLine = /^[^\r\n]*/.exec(this.text.slice(span.offset, span.offset + span.length))?.[0] ?? "";
    return { ...this.position(span.offset), length: Math.max(1, characters(firstLine)) };
  }

  /** Offset of a line and a column that counts UTF-16 units, as smol-toml's errors do. */
  offset(line: number, utf16Column: number): number {
    return (this.#starts[line - 1] ?? this.text.length) + utf16Column - 1;
  }

  /** The text of a line without its line end; "" beyond the last. */
  line(number: number): string {
    const start = this.#starts[number - 1];
    if (start === undefined) return "";
    const end = (this.#starts[number] ?? this.text.length + 1) - 1;
    return this.text.slice(start, end).replace(/\r$/, "");
  }
}

function characters(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0xdc00 || unit > 0xdfff) count++;
  }
  return count;
}
