import { CHECKS } from "./columns/checks.ts";
import { type Cell, type Column, column } from "./columns/column.ts";
import { CONNECTIONS } from "./columns/connections.ts";
import { MODULES } from "./columns/modules.ts";
import { TRAFFIC } from "./columns/traffic.ts";
import type { Field, FieldValue, Tag } from "./field.ts";
import type { StatRow } from "./rows.ts";

/**
 * A value of `show stat`: what it is, and where each kind of row has it from (null: that kind has none). This one table is
 * behind CSV, typed lines, JSON and the metrics.
 */
export interface StatField extends Field, Column {}

/** All of them, as HAProxy 2.6 has them and in its order; up to the 103rd, tools count on their places. */
export const STAT_FIELDS: readonly StatField[] = [...TRAFFIC, ...CHECKS, ...CONNECTIONS, ...MODULES].map(
  (each, pos) => ({ ...each, pos }),
);

/** What HAProxy's own columns are parted from its modules' by, in CSV: no field, a column all the same. */
const DIVIDER = { ...column("-", "KNS:str", "", { frontend: "-", backend: "-", server: "-" }), pos: -1 };

/** The columns of the CSV: the fields, and between them the one named "-". */
export const CSV_FIELDS: readonly StatField[] = STAT_FIELDS.toSpliced(-MODULES.length, 0, DIVIDER);

/** What a kind of row knows of a field; null: nothing. */
export function cellOf<Kind extends StatRow["kind"]>(
  field: StatField,
  kind: Kind,
): Cell<Extract<StatRow, { kind: Kind }>> | null {
  return field[kind] as Cell<Extract<StatRow, { kind: Kind }>> | null;
}

/** A field's value in a row; null: it has none, or not now. */
export function statValue(field: StatField, row: StatRow): FieldValue {
  const cell = cellOf(field, row.kind);
  if (cell === null) return null;
  return typeof cell.source === "function" ? cell.source(row as never) : cell.source;
}

/** A field of one kind of row, ready to be written: the text that always stands before its value, and where that comes from. */
export interface WrittenField {
  readonly field: StatField;
  readonly before: Uint8Array;
  readonly value: (row: StatRow) => FieldValue;
}

/** The fields that each kind of row may have, each with the text that `before` gives. */
export function writtenFields(
  before: (field: StatField, tag: Tag) => string,
): Readonly<Record<StatRow["kind"], readonly WrittenField[]>> {
  const encoder = new TextEncoder();
  const of = (kind: StatRow["kind"]): WrittenField[] =>
    STAT_FIELDS.flatMap((field) => {
      const cell = cellOf(field, kind);
      if (cell === null) return [];
      const { source, tag } = cell;
      const value = typeof source === "function" ? (source as WrittenField["value"]) : () => source;
      return [{ field, before: encoder.encode(before(field, tag)), value }];
    });
  return { frontend: of("frontend"), backend: of("backend"), server: of("server") };
}
