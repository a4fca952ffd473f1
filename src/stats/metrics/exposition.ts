import type { CountFamily, Family, StateFamily } from "./family.ts";

/** Somebody or something that metrics are about. */
export interface Labelled<Row> {
  readonly row: Row;
  /** What its lines say that they are about: `proxy="web",server="s1"`; "": nothing needs to be said. */
  readonly labels: string;
  /** The same between braces, with the blank behind them. */
  readonly braced: string;
}

export function labelled<Row>(row: Row, labels: string): Labelled<Row> {
  return { row, labels, braced: labels === "" ? " " : `{${labels}} ` };
}

/**
 * Prometheus' text format 0.0.4, put together. Pieces are kept and joined once: strings that grow line by line would cost
 * five times as much with 100,000 lines.
 */
export class Exposition {
  private readonly pieces: string[] = [];

  /** A line for each row that the family says something about; without any, not even its head. */
  add<Row>({ name, type, help, value, has }: Family<Row>, rows: readonly Labelled<Row>[]): void {
    const { pieces } = this;
    const next = `\n${name}`;
    let before = `${head(name, type, help)}${name}`;
    for (const { row, braced } of rows) {
      if (has !== undefined && !has(row)) continue;
      const found = value(row);
      pieces.push(before, braced, found === null ? "NaN" : String(found));
      before = next;
    }
    if (before === next) pieces.push("\n");
  }

  /** The same with a line for each state: 1 for the one that the row is in. */
  addStates<Row>({ name, help, states, state, has }: StateFamily<Row>, rows: readonly Labelled<Row>[]): void {
    const { pieces } = this;
    // All the lines of a row but for its labels are one of a few texts.
    const texts = new Map<string | null, string[]>();
    let before = head(name, "gauge", help);
    for (const { row, labels } of rows) {
      if (has !== undefined && !has(row)) continue;
      const current = state(row);
      let text = texts.get(current);
      if (text === undefined) {
        const lines = states.map((each) => `,state="${each}"} ${each === current ? 1 : 0}\n`);
        text = `${name}{${lines.join(`${name}{`)}`.split(/(?<=\{)(?=,)/);
        texts.set(current, text);
      }
      pieces.push(before, text.join(labels));
      before = "";
    }
  }

  /** The same with how many there are in each state. */
  addCounts<Row>({ name, help, states, count }: CountFamily<Row>, rows: readonly Labelled<Row>[]): void {
    const lines = rows.flatMap(({ row, labels }) =>
      states.map((state) => [`${labels},state="${state}"`, count(row, state)] as const),
    );
    this.addLines(name, "gauge", help, lines);
  }

  /** One whose lines are given as they are: labels, and value. */
  addLines(
    name: string,
    type: Family<never>["type"],
    help: string,
    lines: readonly (readonly [string, number])[],
  ): void {
    const rows = lines.map(([labels, value]) => labelled(value, labels));
    this.add({ name, type, help, value: (row: number) => row }, rows);
  }

  get text(): string {
    return this.pieces.join("");
  }
}

function head(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

/** A label, as it stands between braces. */
export function label(name: string, value: string): string {
  return `${name}="${value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`))}"`;
}
