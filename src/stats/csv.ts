import { EVERYTHING, type StatFilter, type StatRow, statRows } from "./rows.ts";
import type { Snapshot } from "./snapshot.ts";
import { CSV_FIELDS, cellOf } from "./statFields.ts";

/** HAProxy 2.6's columns of `show stat`, in its order; up to "-" tools count on the positions. */
export const CSV_COLUMNS: readonly string[] = CSV_FIELDS.map(({ name }) => name);

/** What a kind of row is made of: text that is always the same, and values. */
type Parts = readonly (string | ((row: never) => string | number | null))[];

const PARTS: Readonly<Record<StatRow["kind"], Parts>> = {
  frontend: partsOf("frontend"),
  backend: partsOf("backend"),
  server: partsOf("server"),
};

/** `show stat`: header and rows, each line ended by a comma and a newline. */
export function formatCsv(snapshot: Snapshot, filter: StatFilter = EVERYTHING): string {
  let text = "";
  for (const line of csvLines(statRows(snapshot, filter))) text += line;
  return text;
}

/** The same, a line at a time. */
export function* csvLines(rows: Iterable<StatRow>): Generator<string> {
  yield `# ${CSV_COLUMNS.join(",")},\n`;
  for (const row of rows) yield csvLine(row);
}

function csvLine(row: StatRow): string {
  let line = "";
  for (const part of PARTS[row.kind]) line += typeof part === "string" ? part : quoted(part(row as never));
  return line;
}

/** Most columns of a row are empty, or the same in all rows: they are put together once. */
function partsOf(kind: StatRow["kind"]): Parts {
  const parts: Parts[number][] = [];
  let text = "";
  for (const field of CSV_FIELDS) {
    const source = cellOf(field, kind)?.source ?? "";
    if (typeof source === "function") {
      parts.push(text, source);
      text = ",";
    } else text += `${quoted(source)},`;
  }
  return [...parts, `${text}\n`];
}

function quoted(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number" || !/[,"]|\p{Cc}/u.test(value)) return String(value);
  // A line break, even quoted, would end the answer early for those who read until an empty line.
  return `"${value.replace(/\p{Cc}/gu, " ").replaceAll('"', '""')}"`;
}
