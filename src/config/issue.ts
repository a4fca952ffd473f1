import type { Lines } from "./locate.ts";
import { formatPath, type Path, type Places } from "./places.ts";

/** One thing that is wrong (error) or dangerous (warning) in a configuration file. */
export interface Issue {
  readonly severity: "error" | "warning";
  /** Line and column from 1; a column counts characters. 0: the file as a whole. */
  readonly line: number;
  readonly column: number;
  /** Characters to underline, at least 1; 0: the file as a whole. */
  readonly length: number;
  /** Key path as "listen.a.server[0].weight"; "" for the file as a whole. */
  readonly path: string;
  /** What was read, as people see it in the file; null: nothing was. */
  readonly found: string | null;
  /** What is wrong. */
  readonly message: string;
  /** What to do about it; "" when the message says it all. */
  readonly hint: string;
}

/** What a rule says; where it is written is found by path. */
export interface Finding {
  readonly severity: "error" | "warning";
  readonly path: Path;
  /** The value; undefined: absent, or of no interest. */
  readonly found?: unknown;
  readonly message: string;
  readonly hint: string;
  /** Point at the key and not at its value. */
  readonly atKey?: boolean;
}

/** More than this nobody reads, and a hostile file could have a hundred thousand. */
export const MAX_ISSUES = 200;

/** Issues of one file in the order of its lines, each once; after MAX_ISSUES one line says how many more there are. */
export function placeFindings(findings: readonly Finding[], places: Places, lines: Lines): Issue[] {
  const seen = new Set<string>();
  const distinct = findings.filter(({ path, message }) => {
    const key = `${formatPath(path)}\n${message}`;
    return !seen.has(key) && seen.add(key);
  });
  // Errors first, so that a flood of warnings hides none of them.
  const kept = [...distinct].sort((a, b) => rank(a) - rank(b)).slice(0, MAX_ISSUES);
  const issues = kept.map((finding) => placed(finding, places, lines));
  issues.sort((a, b) => a.line - b.line || a.column - b.column);
  const more = distinct.length - kept.length;
  return more === 0 ? issues : [...issues, tail(more, distinct)];
}

function rank({ severity }: Finding): number {
  return severity === "error" ? 0 : 1;
}

function tail(more: number, all: readonly Finding[]): Issue {
  const severity = all.some((finding) => finding.severity === "error") ? "error" : "warning";
  return fileIssue(`${more} more problems are not shown`, "mend these first", severity);
}

function placed({ severity, path: asked, found, message, hint, atKey }: Finding, places: Places, lines: Lines): Issue {
  // `bind = ":0"` is read as a list of one; its path in the file has no index.
  const single = asked.at(-1) === 0 && places.find(asked) === null && places.find(asked.slice(0, -1)) !== null;
  const path = single ? asked.slice(0, -1) : asked;
  const span = places.nearest(path, atKey ? "key" : "value");
  const where = span === null ? { line: 0, column: 0, length: 0 } : lines.locate(span);
  const shown = found === undefined ? null : showValue(found);
  return { severity, ...where, path: formatPath(path.map(shortStep)), found: shown, message, hint };
}

/** An issue with the file as a whole. */
export function fileIssue(message: string, hint: string, severity: "error" | "warning" = "error"): Issue {
  return { severity, line: 0, column: 0, length: 0, path: "", found: null, message, hint };
}

const MAX_SHOWN = 60;

/** A TOML value as people know it from the file, shortened, without control characters. */
export function showValue(value: unknown): string {
  if (typeof value === "string") return shorten(JSON.stringify(value));
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  if (typeof value === "object" && value !== null) return "a table";
  if (value === Infinity || value === -Infinity) return value > 0 ? "inf" : "-inf";
  return shorten(Number.isNaN(value) ? "nan" : String(value));
}

function shortStep(step: string | number): string | number {
  return typeof step === "string" && step.length > MAX_SHOWN ? `${step.slice(0, MAX_SHOWN - 1)}…` : step;
}

function shorten(text: string): string {
  const characters = [...text.slice(0, 4 * MAX_SHOWN)];
  const whole = characters.length <= MAX_SHOWN && text.length <= 4 * MAX_SHOWN;
  const cut = whole ? text : `${characters.slice(0, MAX_SHOWN - 1).join("")}…`;
  return printable(cut);
}

/** Control characters, and the ones that turn the direction of writing, made visible: a file must not drive a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}
