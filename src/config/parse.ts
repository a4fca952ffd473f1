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
    if (depthExceeds(document, MAX_DEPTH)) return unread(fileIssue("a key has too many dots: nothing is nested this deep", ""));
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
    level = level.flatMap((table) => Object.values(table)).filter((value) => typeof value === "object" && value !== null);
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

function firstBadByte(bytes: Uint8Array): number {
  // The longest prefix that decodes, by halving: a prefix that ends inside a character is still fine when streaming.
  let [good, bad] = [0, bytes.length];
  while (good < bad) {
    const middle = (good + bad + 1) >> 1;
    if (decodes(bytes.subarray(0, middle))) good = middle;
    else bad = middle - 1;
  }
  // A character that is cut off at the end of the file begins before it.
  let start = good;
  if (good === bytes.length) while (start > 0 && ((bytes[start - 1] ?? 0) & 0xc0) === 0x80) start--;
  return good === bytes.length ? Math.max(0, start - 1) : good;
}

function decodes(prefix: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(prefix, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** smol-toml's reasons in words that say what to do; others are passed on as they are. */
function syntaxIssue(error: TomlError, text: string, lines: Lines): Issue {
  const offset = lines.offset(error.line, error.column);
  const { line, column } = lines.position(Math.min(offset, text.length));
  const reason = (/^Invalid TOML document: ([^\n]*)/.exec(error.message)?.[1] ?? error.message).trim();
  const unquoted = unquotedValue(lines.line(line), line);
  if (unquoted !== null && !reason.includes("redefine")) return unquoted;
  const said: [string, string] = reason.includes("redefine")
    ? twice(text, offset, lines)
    : reason.includes("unsafe property")
      ? ['"__proto__" and "constructor" cannot be names', "choose another name"]
      : [`not valid TOML: ${reason}`, ""];
  return { severity: "error", line, column, length: 1, path: "", found: null, message: said[0], hint: said[1] };
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
