import { parse, TomlError } from "smol-toml";
import { fileIssue, type Issue, printable } from "./issue.ts";
import { Lines, locate, MAX_DEPTH } from "./locate.ts";
import { formatPath, Places } from "./places.ts";

/** Largest configuration file accepted, in bytes. */
export const MAX_CONFIG_BYTES = 1_048_576;

/** A configuration file as bytes, and the name it has in messages. */
export interface Source {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A TOML document with the places of its keys; `document` null: it could not be read, and `issues` says why. */
export interface Parsed {
  readonly document: Readonly<Record<string, unknown>> | null;
  readonly places: Places;
  readonly lines: Lines;
  readonly issues: readonly Issue[];
}

/** Reads bytes as TOML. Never throws; the first syntax error ends it. */
export function parseSource(source: Source): Parsed {
  const { bytes } = source;
  if (bytes.length > MAX_CONFIG_BYTES) return unread(fileIssue(...tooLarge(bytes.length)));
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return unread(notUtf8(bytes));
  }
  const lines = new Lines(text);
  try {
    const document = parse(text, { maxDepth: MAX_DEPTH, unsafeKeyBehaviour: "throw", integersAsBigInt: "asNeeded" });
    // The parser bounds brackets, not dots; whoever walks the document may rely on its depth.
    if (depthExceeds(document, MAX_DEPTH))
      return unread(fileIssue("a key has too many dots: nothing is nested this deep", ""));
    return { document, places: locate(text).places, lines, issues: [] };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    return { document: null, places: new Places(), lines, issues: [syntaxIssue(error, text, lines)] };
  }
}

function depthExceeds(document: object, limit: number): boolean {
  let level: object[] = [document];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    level = level
      .flatMap((table) => Object.values(table))
      .filter((value) => typeof value === "object" && value !== null);
  }
  return false;
}

/** Message and hint for a file over the limit. */
export function tooLarge(sizeBytes: number): [message: string, hint: string] {
  const size = sizeBytes >= 10_485_760 ? `${Math.round(sizeBytes / 1_048_576)} MiB` : `${sizeBytes} bytes`;
  return [`the file has ${size}; a configuration has at most 1 MiB`, "is this the right file?"];
}

function unread(issue: Issue): Parsed {
  return { document: null, places: new Places(), lines: new Lines(""), issues: [issue] };
}

/** The first byte that is not UTF-8, by offset and line, with the usual cause. */
function notUtf8(bytes: Uint8Array): Issue {
  const offset = firstBadByte(bytes);
  let line = 1;
  for (let at = 0; at < offset; at++) if (bytes[at] === 0x0a) line++;
  const byte = `0x${(bytes[offset] ?? 0).toString(16).padStart(2, "0")}`;
  const wide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const hint = wide
    ? "this looks like UTF-16: save it as UTF-8"
    : "save the file as UTF-8 (iconv -f LATIN1 -t UTF-8 converts an old one)";
  return fileIssue(`the file is not UTF-8: byte ${byte} at offset ${offset}, line ${line}`, hint);
}

/** Lead bytes of UTF-8 with the length of their character and the range of its second byte (RFC 3629 §4). */
const LEADS: readonly (readonly [from: number, to: number, length: number, low: number, high: number])[] = [
  [0x00, 0x7f, 1, 0, 0],
  [0xc2, 0xdf, 2, 0x80, 0xbf],
  [0xe0, 0xe0, 3, 0xa0, 0xbf],
  [0xe1, 0xec, 3, 0x80, 0xbf],
  [0xed, 0xed, 3, 0x80, 0x9f],
  [0xee, 0xef, 3, 0x80, 0xbf],
  [0xf0, 0xf0, 4, 0x90, 0xbf],
  [0xf1, 0xf3, 4, 0x80, 0xbf],
  [0xf4, 0xf4, 4, 0x80, 0x8f],
];

/** Offset of the first byte that begins no character; the length when there is none. */
function firstBadByte(bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] as number;
    const lead = LEADS.find(([from, to]) => byte >= from && byte <= to);
    if (lead === undefined) return at;
    const [, , length, low, high] = lead;
    for (let index = 1; index < length; index++) {
      const next = bytes[at + index] ?? 0;
      if (next < (index === 1 ? low : 0x80) || next > (index === 1 ? high : 0xbf)) return at;
    }
    at += length;
  }
  return bytes.length;
}

/** smol-toml's reasons in words that say what to do; others are passed on as they are. */
function syntaxIssue(error: TomlError, text: string, lines: Lines): Issue {
  const offset = lines.offset(error.line, error.column);
  const { line, column } = lines.position(Math.min(offset, text.length));
  const reason = (/^Invalid TOML document: ([^\n]*)/.exec(error.message)?.[1] ?? error.message).trim();
  const unquoted = unquotedValue(lines.line(line), line);
  if (unquoted !== null && !reason.includes("redefine")) return unquoted;
  const [message, hint] = syntaxSaying(reason, text, offset, lines);
  return { severity: "error", line, column, length: 1, path: "", found: null, message, hint };
}

function syntaxSaying(reason: string, text: string, offset: number, lines: Lines): [message: string, hint: string] {
  if (reason.includes("redefine")) return twice(text, offset, lines);
  if (reason.includes("unsafe property")) {
    return ['"__proto__" and "constructor" cannot be names', "choose another name"];
  }
  if (reason.includes("control characters") && /[\r\n]/.test(text[offset] ?? "")) {
    return [
      "the text in quotes does not end in its line",
      'is the closing quote missing? Text over several lines stands between """ and """',
    ];
  }
  const { line } = lines.position(Math.min(offset, text.length));
  if (/^\s*(global|defaults|listen|frontend|backend|global_defs|vrrp_\w+)\b[^=]*$/.test(lines.line(line))) {
    return [
      "this is not TOML: it looks like a file of HAProxy or keepalived",
      "write a TOML file, as haproxy-lite.toml shows",
    ];
  }
  return [`not valid TOML: ${reason}`, ""];
}

const SWITCH_WORDS: Readonly<Record<string, string>> = { yes: "true", on: "true", no: "false", off: "false" };

/** The commonest slip of somebody who comes from haproxy.cfg: a value without quotes. Null when the line is not one. */
function unquotedValue(source: string, line: number): Issue | null {
  const match = /^(\s*([A-Za-z0-9_.-]+)\s*=\s*)([A-Za-z0-9.:*/@+-][^#"'[\]{}]*?)\s*(#.*)?$/.exec(source.slice(0, 1000));
  const [, before = "", key = "", value = ""] = match ?? [];
  if (match === null || isBareValue(value)) return null;
  const boolean = SWITCH_WORDS[value.toLowerCase()] ?? (/^(true|false)$/i.test(value) ? value.toLowerCase() : null);
  const right = boolean ?? JSON.stringify(value);
  const [column, length] = [[...before].length + 1, [...value].length];
  const [message, hint] = [
    `${printable(value)} is not a TOML value: text needs quotes`,
    `write ${key} = ${printable(right)}`,
  ];
  return { severity: "error", line, column, length, path: "", found: printable(value), message, hint };
}

function isBareValue(value: string): boolean {
  try {
    parse(`value = ${value}`);
    return true;
  } catch {
    return false;
  }
}

function twice(text: string, offset: number, lines: Lines): [message: string, hint: string] {
  const { places, unfinished } = locate(text, offset);
  const first = unfinished === null ? null : places.find(unfinished);
  const span = first?.key ?? first?.value ?? null;
  if (unfinished === null || span === null) return ["this is set a second time", "remove one of them"];
  const header = first?.value === null;
  const what = header ? `[${formatPath(unfinished)}]` : formatPath(unfinished);
  const hint = header ? "merge the two tables, or give one another name" : "remove one of the two";
  return [`${what} is set a second time; the first is in line ${lines.position(span.offset).line}`, hint];
}
