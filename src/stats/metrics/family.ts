import type { ListenSnapshot, ProcessSnapshot, ServerSnapshot } from "../snapshot.ts";

/** A metric of Prometheus' text format: HELP and TYPE, and where each of `Row` has its value from (null: NaN). */
export interface Family<Row> {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  value(row: Row): number | null;
  /** Rows that this says nothing about are left out; without it: none is. */
  readonly has?: (row: Row) => boolean;
}

/** One with a line for each of its states: 1 for the one that a row is in. */
export interface StateFamily<Row> extends Omit<Family<Row>, "value" | "type"> {
  readonly states: readonly string[];
  /** null: in none of them. */
  state(row: Row): string | null;
}

/** One with a line for each state: how many of a row's servers are in it. */
export interface CountFamily<Row> extends Omit<Family<Row>, "value" | "type" | "has"> {
  readonly states: readonly string[];
  count(row: Row, state: string): number;
}

export interface ListenRow {
  readonly listen: ListenSnapshot;
  readonly process: ProcessSnapshot;
}

export interface ServerRow extends ListenRow {
  readonly server: ServerSnapshot;
}

/** Makes families whose names all begin alike; a name that ends with _total is a counter's. */
export function families<Row>(
  prefix: string,
  list: readonly (readonly [name: string, help: string, value: Family<Row>["value"], has?: Family<Row>["has"]])[],
): Family<Row>[] {
  return list.map(([name, help, value, has]) => ({
    name: prefix + name,
    type: name.endsWith("_total") ? "counter" : "gauge",
    help,
    value,
    ...(has === undefined ? {} : { has }),
  }));
}

export function wholeSeconds(durationMs: number): number {
  return Math.floor(durationMs / 1000);
}
