import type { Line, Statement, Word } from "./source.ts";

/** What became of a source line. "default": what it says holds without being written, or nobody is affected by it. */
export type Fate = "carried" | "default" | "left out";

/** Something that a reader of the result must know. */
export interface ImportFinding {
  /** left out: it is not in the result; differs: it is, and behaves otherwise; note: good to know. */
  readonly kind: "left out" | "differs" | "note";
  /** True when clients, a virtual IP or a rule about who may connect depend on what was left out. */
  readonly carriesTraffic: boolean;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Characters of the source that are meant, at least 1. */
  readonly length: number;
  /** What the source says there. */
  readonly text: string;
  readonly why: string;
  /** The nearest thing that we have; "" when there is none. */
  readonly nearest: string;
}

/** A place in the source: a statement, and a word of it where one is meant. */
export interface Place {
  readonly line: Line;
  readonly word?: Word | undefined;
}

const RANK: Readonly<Record<Fate, number>> = { default: 1, "left out": 2, carried: 3 };

/** Keeps account of every source line, so that none is dropped in silence. */
export class Ledger {
  readonly #fates = new Map<string, Fate>();
  readonly #findings = new Map<string, ImportFinding>();

  /** Sets the fate of a line; carried wins over left out, and that over default. */
  mark(line: Line, fate: Fate): void {
    const key = `${line.file}\n${line.number}`;
    const before = this.#fates.get(key);
    if (before === undefined || RANK[fate] > RANK[before]) this.#fates.set(key, fate);
  }

  /** The fate of a line; null: nobody has said what became of it. */
  fateOf(line: Line): Fate | null {
    return this.#fates.get(`${line.file}\n${line.number}`) ?? null;
  }

  /** A whole statement that is not carried over. */
  leftOut(statement: Statement, why: string, nearest = "", carriesTraffic = false): void {
    this.mark(statement.line, "left out");
    this.#add("left out", { line: statement.line }, why, nearest, carriesTraffic);
  }

  /** A part of a statement that is not carried over; the rest may be. */
  partLeftOut(place: Place, why: string, nearest = "", carriesTraffic = false): void {
    this.mark(place.line, "left out");
    this.#add("left out", place, why, nearest, carriesTraffic);
  }

  /** Carried over, but it behaves otherwise here. */
  differs(place: Place, why: string, nearest = ""): void {
    this.#add("differs", place, why, nearest, false);
  }

  /** Carried over; there is something to know about it. */
  note(place: Place, why: string, nearest = ""): void {
    this.#add("note", place, why, nearest, false);
  }

  /** In the order of the files and lines. */
  findings(files: readonly string[]): ImportFinding[] {
    const rank = new Map(files.map((file, index) => [file, index]));
    const order = (finding: ImportFinding) => rank.get(finding.file) ?? files.length;
    return [...this.#findings.values()].sort((a, b) => order(a) - order(b) || a.line - b.line || a.column - b.column);
  }

  #add(kind: ImportFinding["kind"], { line, word }: Place, why: string, nearest: string, carriesTraffic: boolean) {
    const text = word?.text ?? line.text.trim();
    const column = word?.column ?? [...line.text].findIndex((char) => char.trim() !== "") + 1;
    const { file, number } = line;
    const said = { kind, carriesTraffic, file, line: number, column: Math.max(1, column), text, why, nearest };
    // One line of defaults may say the same of many listens.
    const key = `${file}\n${number}\n${said.column}\n${kind}\n${why}`;
    if (!this.#findings.has(key)) this.#findings.set(key, { ...said, length: Math.max(1, [...text].length) });
  }
}
