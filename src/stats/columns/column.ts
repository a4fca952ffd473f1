import type { Field, FieldValue, Tag } from "../field.ts";
import type { BackendRow, FrontendRow, ServerRow } from "../rows.ts";

/** Where a kind of row has its value from: the same in every row, or looked up. */
export type Source<Row> = string | number | ((row: Row) => FieldValue);

/** The sources of a column; a kind of row that is missing has it empty, as in HAProxy. */
interface Sources {
  readonly frontend?: Source<FrontendRow>;
  readonly backend?: Source<BackendRow>;
  readonly server?: Source<ServerRow>;
}

/** What a column is for one kind of row. */
export interface Cell<Row> {
  readonly tag: Tag;
  readonly source: Source<Row>;
}

/** A column of `show stat` before it has its place. */
export interface Column extends Omit<Field, "pos"> {
  readonly frontend: Cell<FrontendRow> | null;
  readonly backend: Cell<BackendRow> | null;
  readonly server: Cell<ServerRow> | null;
}

/** Declares a column; `backendTag`: where HAProxy tags a backend's value otherwise. */
export function column(name: string, tag: Tag, about: string, sources: Sources = {}, backendTag: Tag = tag): Column {
  const { frontend, backend, server } = sources;
  return {
    name,
    about,
    frontend: frontend === undefined ? null : { tag, source: frontend },
    backend: backend === undefined ? null : { tag: backendTag, source: backend },
    server: server === undefined ? null : { tag, source: server },
  };
}

/** Whole seconds of a duration in milliseconds. */
export function seconds(durationMs: number): number {
  return Math.floor(durationMs / 1000);
}

/** A sum over the servers of a listen. */
export function total(row: BackendRow, value: (server: BackendRow["listen"]["servers"][number]) => number): number {
  let sum = 0;
  for (const server of row.listen.servers) sum += value(server);
  return sum;
}

/** The weights of the servers that take part now, together. */
export function weightInForce(row: BackendRow): number {
  return Math.round(total(row, ({ weight }) => weight.effective));
}
