/** What the readers of HAProxy's and keepalived's files have in common: words, lines and statements with their places. */

/** A word as the file's grammar has it: quotes, escapes and variables are gone. */
export interface Word {
  readonly text: string;
  /** From 1, counted in characters of the line. */
  readonly column: number;
}

/** One line of a file. */
export interface Line {
  readonly file: string;
  /** From 1. */
  readonly number: number;
  /** As it stands in the file, without its line end. */
  readonly text: string;
}

/** A file by its name in messages. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A line that says something, with the comments that belong to it. */
export interface Statement {
  readonly line: Line;
  readonly words: readonly Word[];
  /** Lines of comments right before it. */
  readonly before: readonly Line[];
  /** The comment behind it, without its mark; "" when there is none. */
  readonly comment: string;
}

/** The words of a statement from `index` on, as text. */
export function texts(statement: Statement, index = 0): string[] {
  return statement.words.slice(index).map(({ text }) => text);
}

/** The word at `index` as text; "" when there is none. */
export function wordAt(statement: Statement, index: number): string {
  return statement.words[index]?.text ?? "";
}

/** Splits a text into lines; CRLF is taken as one line end. A last line without text is none. */
export function linesOf({ path, text }: SourceFile): Line[] {
  const lines = text.split("\n").map((raw, index) => ({
    file: path,
    number: index + 1,
    text: raw.endsWith("\r") ? raw.slice(0, -1) : raw,
  }));
  if (lines.at(-1)?.text === "") lines.pop();
  return lines;
}

/** Why a file cannot be read at all; the readers throw nothing else. */
export class ImportError extends Error {
  override readonly name = "ImportError";
  /**
   * @param line the place; null: the file as a whole
   * @param column from 1
   */
  constructor(
    message: string,
    readonly file: string,
    readonly line: number | null = null,
    readonly column = 1,
  ) {
    super(message);
  }
}

/** Largest file that is read, in characters: as large as a configuration of our own may be. */
export const MAX_SOURCE_CHARS = 1_048_576;

/** The entry of a table by a word of the file; undefined for words that only JavaScript's objects know. */
export function lookUp<T>(table: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
