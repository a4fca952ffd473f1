import { type Issue, printable } from "./issue.ts";

/** A file as the messages show it. */
export interface Shown {
  /** Its name in front of each message. */
  readonly path: string;
  /** Its text; "" when there was none to read. */
  readonly text: string;
}

/** How to write the messages. */
export interface ExplainOptions {
  /** ANSI colours, for a terminal. */
  readonly colour: boolean;
}

/** Columns of a source line that are shown; more are cut on the side away from the place. */
const SHOWN_COLUMNS = 110;

const RESET = "\u001b[0m";
const COLOURS = { error: "\u001b[31m", warning: "\u001b[33m", caret: "\u001b[32m", bold: "\u001b[1m" } as const;

/**
 * The issues as people read them: `file:line:col: error: path: what; what to do`, the line of the file, and a caret
 * under the place. Ends with a newline unless there is nothing to say.
 */
export function explain(issues: readonly Issue[], shown: Shown, options: ExplainOptions): string {
  const lines = shown.text.split("\n");
  // Kept by line: a hostile file has one line of a megabyte and all of its mistakes in it.
  const characters = new Map<number, readonly string[]>();
  const lineOf = (number: number): readonly string[] => {
    const known = characters.get(number);
    if (known !== undefined) return known;
    const split = [...(lines[number - 1] ?? "").replace(/\r$/, "")];
    characters.set(number, split);
    return split;
  };
  return issues.map((issue) => explainOne(issue, shown.path, lineOf, options)).join("");
}

type Paint = (text: string, code: keyof typeof COLOURS) => string;

/** One issue in one line without its excerpt, as a log wants it: `file:line:col: error: path: what; what to do`. */
export function issueLine(issue: Issue, file: string, paint: Paint = (text) => text): string {
  const at = issue.line === 0 ? "" : `${issue.line}:${issue.column}:`;
  const where = paint(`${printable(file)}:${at}`, "bold");
  const path = issue.path === "" ? "" : `${printable(issue.path)}: `;
  const hint = issue.hint === "" ? "" : `; ${printable(issue.hint)}`;
  return `${where} ${paint(issue.severity, issue.severity)}: ${path}${printable(issue.message)}${hint}`;
}

function explainOne(
  issue: Issue,
  file: string,
  lineOf: (line: number) => readonly string[],
  { colour }: ExplainOptions,
): string {
  const paint: Paint = (text, code) => (colour ? `${COLOURS[code]}${text}${RESET}` : text);
  const first = `${issueLine(issue, file, paint)}\n`;
  if (issue.line === 0) return first;
  const { line, before, length } = excerpt(lineOf(issue.line), issue.column, issue.length);
  const gutter = String(issue.line).padStart(5);
  const caret = paint("^".repeat(length), "caret");
  return `${first}${gutter} | ${line}\n${" ".repeat(gutter.length)} | ${before}${caret}\n`;
}

/** The part of a line around a place, the blanks that put the caret under it, and the caret's width. */
function excerpt(
  all: readonly string[],
  column: number,
  length: number,
): { line: string; before: string; length: number } {
  const start = column - 1 < SHOWN_COLUMNS - 20 ? 0 : column - 40;
  const characters = all.slice(start, start + SHOWN_COLUMNS);
  const head = start > 0 ? "…" : "";
  const tail = all.length > start + SHOWN_COLUMNS ? "…" : "";
  const prefix = `${head}${characters.slice(0, column - 1 - start).join("")}`;
  const marked = characters.slice(column - 1 - start, column - 1 - start + length).join("");
  // A tab stays a tab, so that the caret stands under its place whatever the terminal makes of tabs.
  const before = [...prefix]
    .map((char) => (char === "\t" ? "\t" : " ".repeat(Bun.stringWidth(printable(char)))))
    .join("");
  const shownLine = characters.map((char) => (char === "\t" ? char : printable(char))).join("");
  return { line: `${head}${shownLine}${tail}`, before, length: Math.max(1, Bun.stringWidth(printable(marked))) };
}

/** "2 errors, 1 warning", what is none is left out; "" for no issue at all. */
export function countIssues(issues: readonly Issue[]): string {
  const errors = issues.filter((issue) => issue.severity === "error").length;
  const warnings = issues.length - errors;
  return [count(errors, "error"), count(warnings, "warning")].filter((part) => part !== "").join(", ");
}

function count(number: number, noun: string): string {
  return number === 0 ? "" : `${number} ${noun}${number === 1 ? "" : "s"}`;
}
