import { described, onOneLine } from "./field.ts";
import type { StatRow } from "./rows.ts";
import { writtenFields } from "./statFields.ts";

const LETTER = { frontend: "F", backend: "B", server: "S" } as const;
const FIELDS = writtenFields(({ pos, name }, tag) => `.${pos}.${name}.1:${tag}:`);

/** `show stat typed`: a line for each value that a row has, a row at a time; `desc`: each with what it says. */
export function* typedRows(rows: Iterable<StatRow>, desc: boolean): Generator<string> {
  for (const row of rows) {
    const whose = `${LETTER[row.kind]}.${row.iid}.${row.sid}`;
    let lines = "";
    for (const { field, before, value } of FIELDS[row.kind]) {
      const found = value(row);
      if (found !== null) lines += `${whose}${before}${onOneLine(found)}${desc ? described(field) : ""}\n`;
    }
    yield lines;
  }
}
