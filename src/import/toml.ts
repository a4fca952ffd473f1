import { formatPath, type Path } from "../config/places.ts";
import type { Ledger } from "./ledger.ts";
import type { Line, Statement } from "./source.ts";

/** A value that can be written. */
export type TomlValue = string | number | boolean | readonly TomlValue[] | { readonly [key: string]: TomlValue };

/** Columns that a list may take before it is written one value a line. */
const LINE_WIDTH = 100;

interface Entry {
  readonly key: string;
  readonly value: TomlValue;
  readonly before: readonly string[];
  readonly comment: string;
}

/** A TOML table being put together; keys stay in the order in which they are set. */
export class TomlTable {
  readonly #entries: Entry[] = [];
  readonly #before: string[] = [];
  readonly #head: string[] = [];
  #comment = "";

  constructor(
    private readonly document: TomlDocument,
    /** Header, as ["listen", "web", "server"]. */
    readonly path: readonly string[],
    readonly isArray: boolean,
    /** Path of the table with its place in its list. */
    readonly place: Path,
  ) {}

  /** True when there is nothing to write but the header. */
  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** The statement that this table comes from: its comments stand over the header. */
  from(statement: Statement): this {
    const { before, comment } = this.document.take(statement);
    this.#before.push(...before);
    if (this.#comment === "") this.#comment = comment;
    else if (comment !== "") this.#before.push(comment);
    this.document.place(this.place, statement.line);
    this.document.own(statement, this);
    return this;
  }

  /** Lines of comment over the header. */
  say(...lines: string[]): this {
    this.#before.push(...lines);
    return this;
  }

  /** Lines of comment between the header and the first key. */
  sayInside(...lines: string[]): this {
    this.#head.push(...lines);
    return this;
  }

  /**
   * Sets a key.
   * @param from the statement that it comes from, whose comments are carried along
   * @param notes lines of comment of ours, over the key
   */
  set(key: string, value: TomlValue, from: Statement | null = null, notes: readonly string[] = []): this {
    const taken = from === null ? { before: [], comment: "" } : this.document.take(from);
    if (from !== null) this.document.place([...this.place, ...key.split(".")], from.line);
    this.#entries.push({ key, value, before: [...notes, ...taken.before], comment: taken.comment });
    return this;
  }

  /** Another statement that the last key comes from: its comments stand over that key. */
  adopt(statement: Statement): this {
    const { before, comment } = this.document.take(statement);
    const last = this.#entries.pop();
    const said = [...before, ...(comment === "" ? [] : [comment])];
    if (last === undefined) this.#head.push(...said);
    else this.#entries.push({ ...last, before: [...last.before, ...said] });
    return this;
  }

  /** The lines of the table. */
  render(): string[] {
    const name = this.path.map(keyText).join(".");
    const header = this.isArray ? `[[${name}]]` : `[${name}]`;
    return [
      ...this.#before.map(commentText),
      withComment(header, this.#comment),
      ...this.#head.map(commentText),
      ...this.#entries.flatMap(({ key, value, before, comment }) => [
        ...before.map(commentText),
        withComment(`${key.split(".").map(keyText).join(".")} = ${valueText(value, key.length + 3)}`, comment),
      ]),
    ];
  }
}

/** A TOML file being put together, and where in the sources its keys come from. */
export class TomlDocument {
  readonly #tables: TomlTable[] = [];
  readonly #origins = new Map<string, Line>();
  readonly #taken = new Set<Statement>();
  readonly #owners = new Map<Statement, TomlTable>();
  readonly #head: string[] = [];
  readonly #foot: string[] = [];

  constructor(private readonly ledger: Ledger) {}

  /** A new table, written after those that are there. */
  table(path: readonly string[], isArray = false): TomlTable {
    const name = path.join("\n");
    const index = this.#tables.filter((table) => table.isArray && table.path.join("\n") === name).length;
    const table = new TomlTable(this, path, isArray, this.#placeOf(path, isArray ? index : null));
    this.#tables.push(table);
    return table;
  }

  /** Comments of a statement, the first time that they are asked for; the statement is carried over. */
  take(statement: Statement): { before: readonly string[]; comment: string } {
    this.ledger.mark(statement.line, "carried");
    if (this.#taken.has(statement)) return { before: [], comment: "" };
    this.#taken.add(statement);
    for (const line of statement.before) this.ledger.mark(line, "carried");
    return { before: statement.before.map(commentOf), comment: statement.comment };
  }

  /** Notes that a statement is what a table comes from. */
  own(statement: Statement, table: TomlTable): void {
    this.#owners.set(statement, table);
  }

  /** The table that a statement begins; null: none. */
  tableOf(statement: Statement): TomlTable | null {
    return this.#owners.get(statement) ?? null;
  }

  /** True when a statement's comments are written already. */
  has(statement: Statement): boolean {
    return this.#taken.has(statement);
  }

  /** Comments at the top of the file. */
  sayFirst(...lines: string[]): void {
    this.#head.push(...lines);
  }

  /** Comments at the end of the file. */
  sayLast(...lines: string[]): void {
    this.#foot.push(...lines);
  }

  /** Notes that what is at `path` comes from a source line. */
  place(path: Path, line: Line): void {
    const key = formatPath(path);
    if (!this.#origins.has(key)) this.#origins.set(key, line);
  }

  /** Source line of the key at `path`, or of the nearest table around it; null: it is none's. */
  originOf(path: string): Line | null {
    for (let rest = path; rest !== ""; rest = rest.replace(/(\[[0-9]+\]|\.?"[^"]*"|\.?[^.[]*)$/, "")) {
      const line = this.#origins.get(rest);
      if (line !== undefined) return line;
      if (rest.replace(/(\[[0-9]+\]|\.?"[^"]*"|\.?[^.[]*)$/, "") === rest) return null;
    }
    return null;
  }

  /** The file. */
  text(): string {
    const groups = this.#tables.map((table) => table.render().join("\n"));
    const head = this.#head.length === 0 ? [] : [this.#head.map(commentText).join("\n")];
    const foot = this.#foot.length === 0 ? [] : [this.#foot.map(commentText).join("\n")];
    return `${[...head, ...groups, ...foot].join("\n\n")}\n`;
  }

  /** A table below a list belongs to the list's last entry. */
  #placeOf(path: readonly string[], index: number | null): Path {
    return index === null ? path : [...path, index];
  }
}

/** The text of a line of comment, without its mark. */
export function commentOf(line: Line): string {
  return line.text.trim().replace(/^[#!]\s?/, "");
}

function withComment(line: string, comment: string): string {
  return comment === "" ? line : `${line} ${commentText(comment)}`;
}

/** TOML comments may hold no control character but the tab. */
function commentText(text: string): string {
  return `# ${text}`.trimEnd().replace(/[\p{Cc}]/gu, (char) => (char === "\t" ? char : "?"));
}

function keyText(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : stringText(key);
}

function valueText(value: TomlValue, indent = 0): string {
  if (typeof value === "string") return stringText(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (isList(value)) {
    const items = value.map((item) => valueText(item));
    const inline = `[${items.join(", ")}]`;
    return indent + inline.length <= LINE_WIDTH ? inline : `[\n${items.map((item) => `  ${item},\n`).join("")}]`;
  }
  const pairs = Object.entries(value).map(([key, item]) => `${keyText(key)} = ${valueText(item)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

function isList(value: TomlValue): value is readonly TomlValue[] {
  return Array.isArray(value);
}

/** '…' where that saves backslashes, "…" else. */
function stringText(text: string): string {
  if (text.includes("\\") && !/['\p{Cc}]/u.test(text)) return `'${text}'`;
  const escaped = JSON.stringify(text.toWellFormed());
  return escaped.replace(/[\u007f-\u009f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
