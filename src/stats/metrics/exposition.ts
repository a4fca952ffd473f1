import { CHUNK_BYTES, TextBuffer } from "../textBuffer.ts";
import type { CountFamily, Family, StateFamily } from "./family.ts";

const encoder = new TextEncoder();

/** Somebody or something that metrics are about. */
export interface Labelled<Row> {
  readonly row: Row;
  /** What its lines say that they are about: `proxy="web",server="s1"`; "": nothing needs to be said. */
  readonly labels: string;
  readonly bytes: Uint8Array;
}

export function labelled<Row>(row: Row, labels: string): Labelled<Row> {
  return { row, labels, bytes: encoder.encode(labels) };
}

const CLOSE = encoder.encode("} ");
const NOT_OPEN = encoder.encode(" ");

/**
 * Prometheus' text format 0.0.4, put together: a hundred thousand lines with fifty listens of forty servers. What has been put
 * together is given out in pieces of about {@link CHUNK_BYTES}, and the rest by {@link rest}.
 */
export class Exposition {
  private readonly buffer = new TextBuffer();

  /** A line for each row that the family says something about; without any, not even its head. */
  *add<Row>({ name, type, help, value, has }: Family<Row>, rows: readonly Labelled<Row>[]): Generator<Uint8Array> {
    const { buffer } = this;
    const open = rows[0]?.labels === "" ? "" : "{";
    const close = open === "" ? NOT_OPEN : CLOSE;
    const next = encoder.encode(`\n${name}${open}`);
    let before = encoder.encode(`${head(name, type, help)}${name}${open}`);
    for (const { row, bytes } of rows) {
      if (has !== undefined && !has(row)) continue;
      const found = value(row);
      buffer.raw(before);
      buffer.raw(bytes);
      buffer.raw(close);
      if (found === null) buffer.text("NaN");
      else buffer.number(found);
      before = next;
      if (buffer.length >= CHUNK_BYTES) yield buffer.take();
    }
    if (before === next) buffer.text("\n");
  }

  /** The same with a line for each state: 1 for the one that the row is in. */
  *addStates<Row>(
    { name, help, states, state, has }: StateFamily<Row>,
    rows: readonly Labelled<Row>[],
  ): Generator<Uint8Array> {
    const { buffer } = this;
    // What stands between the labels of a row is one of a few texts.
    const texts = new Map<string | null, Uint8Array[]>();
    let isFirst = true;
    for (const { row, bytes } of rows) {
      if (has !== undefined && !has(row)) continue;
      if (isFirst) buffer.text(head(name, "gauge", help));
      isFirst = false;
      const current = state(row);
      let parts = texts.get(current);
      if (parts === undefined) {
        const lines = states.map((each) => `,state="${each}"} ${each === current ? 1 : 0}\n`);
        parts = `${name}{${lines.join(`${name}{`)}`.split(/(?<=\{)(?=,)/).map((part) => encoder.encode(part));
        texts.set(current, parts);
      }
      buffer.raw(parts[0] as Uint8Array);
      for (let at = 1; at < parts.length; at++) {
        buffer.raw(bytes);
        buffer.raw(parts[at] as Uint8Array);
      }
      if (buffer.length >= CHUNK_BYTES) yield buffer.take();
    }
  }

  /** The same with how many there are in each state. */
  *addCounts<Row>(
    { name, help, states, count }: CountFamily<Row>,
    rows: readonly Labelled<Row>[],
  ): Generator<Uint8Array> {
    const lines = rows.flatMap(({ row, labels }) =>
      states.map((state) => [`${labels},state="${state}"`, count(row, state)] as const),
    );
    yield* this.addLines(name, "gauge", help, lines);
  }

  /** One whose lines are given as they are: labels, and value. */
  *addLines(
    name: string,
    type: Family<never>["type"],
    help: string,
    lines: readonly (readonly [string, number])[],
  ): Generator<Uint8Array> {
    const rows = lines.map(([labels, value]) => labelled(value, labels));
    yield* this.add({ name, type, help, value: (row: number) => row }, rows);
  }

  /** What has not been given out. */
  rest(): Uint8Array {
    return this.buffer.take();
  }
}

function head(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

/** A label, as it stands between braces. */
export function label(name: string, value: string): string {
  return `${name}="${value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`))}"`;
}
