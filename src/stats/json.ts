import { jsonBefore } from "./field.ts";
import type { StatRow } from "./rows.ts";
import { writtenFields } from "./statFields.ts";

const OBJECT = { frontend: "Frontend", backend: "Backend", server: "Server" } as const;
const FIELDS = writtenFields(jsonBefore);

/** `show stat json`: one line, an array of rows, each an array of the values that it has; a row at a time. */
export function* jsonRows(rows: Iterable<StatRow>): Generator<string> {
  let separator = "[";
  for (const row of rows) {
    const whose = `{"objType":"${OBJECT[row.kind]}","proxyId":${row.iid},"id":${row.sid},`;
    let text = `${separator}[`;
    let comma = "";
    for (const { before, value } of FIELDS[row.kind]) {
      const found = value(row);
      if (found === null) continue;
      text += `${comma}${whose}${before}${JSON.stringify(found)}}}`;
      comma = ",";
    }
    yield `${text}]`;
    separator = ",";
  }
  yield separator === "[" ? "[]\n" : "]\n";
}
