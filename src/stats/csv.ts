import { EVERYTHING, type StatFilter, type StatRow, statRows } from "./rows.ts";
import type { Snapshot } from "./snapshot.ts";
import { CSV_FIELDS, cellOf } from "./statFields.ts";
import { CHUNK_BYTES, TextBuffer } from "./textBuffer.ts";

/** HAProxy 2.6's columns of `show stat`, in its order; up to "-" tools count on the positions. */
export const CSV_COLUMNS: readonly string[] = CSV_FIELDS.map(({ name }) => name);

/** What a kind of row is made of: values, the text before each, which is the same in all rows, and what comes after the last. */
interface RowForm {
  readonly before: readonly Uint8Array[];
  readonly values: readonly ((row: never) => string | number | null)[];
  readonly after: Uint8Array;
}

const encoder = new TextEncoder();
const FORMS: Readonly<Record<StatRow["kind"], RowForm>> = {
  frontend: formOf("frontend"),
  backend: formOf("backend"),
  server: formOf("server"),
};

/** `show stat`: header and rows, each line ended by a comma and a newline. */
export function formatCsv(snapshot: Snapshot, filter: StatFilter = EVERYTHING): string {
  return Buffer.concat([...csvChunks(statRows(snapshot, filter))]).toString();
}

/** The same as UTF-8, in pieces of about {@link CHUNK_BYTES}. */
export function* csvChunks(rows: Iterable<StatRow>): Generator<Uint8Array> {
  const buffer = new TextBuffer();
  buffer.text(`# ${CSV_COLUMNS.join(",")},\n`);
  for (const row of rows) {
    putRow(buffer, row);
    if (buffer.length >= CHUNK_BYTES) yield buffer.take();
  }
  yield buffer.take();
}

function putRow(buffer: TextBuffer, row: StatRow): void {
  const { before, values, after } = FORMS[row.kind];
  for (let i = 0; i < values.length; i++) {
    buffer.raw(before[i] as Uint8Array);
    const value = values[i]?.(row as never) ?? null;
    if (typeof value === "number") buffer.number(value);
    else if (value !== null) buffer.text(quoted(value));
  }
  buffer.raw(after);
}

/** Most columns of a row are empty, or the same in all rows: they are put together once. */
function formOf(kind: StatRow["kind"]): RowForm {
  const before: Uint8Array[] = [];
  const values: RowForm["values"][number][] = [];
  let text = "";
  for (const field of CSV_FIELDS) {
    const source = cellOf(field, kind)?.source ?? "";
    if (typeof source === "function") {
      before.push(encoder.encode(text));
      values.push(source);
      text = ",";
    } else text += `${quoted(String(source))},`;
  }
  return { before, values, after: encoder.encode(`${text}\n`) };
}

function quoted(value: string): string {
  if (!/[,"]|\p{Cc}/u.test(value)) return value;
  // A line break, even quoted, would end the answer early for those who read until an empty line.
  return `"${value.replace(/\p{Cc}/gu, " ").replaceAll('"', '""')}"`;
}
