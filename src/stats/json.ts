import { jsonBefore } from "./field.ts";
import type { StatRow } from "./rows.ts";
import { writtenFields } from "./statFields.ts";
import { CHUNK_BYTES, TextBuffer } from "./textBuffer.ts";

const OBJECT = { frontend: "Frontend", backend: "Backend", server: "Server" } as const;
const FIELDS = writtenFields(jsonBefore);

/** `show stat json`, in pieces: one line, an array of rows, each an array of the values that it has. */
export function* jsonChunks(rows: Iterable<StatRow>): Generator<Uint8Array> {
  const buffer = new TextBuffer();
  let separator = "[";
  for (const row of rows) {
    buffer.text(`${separator}[`);
    separator = ",";
    putRow(buffer, row);
    buffer.text("]");
    if (buffer.length >= CHUNK_BYTES) yield buffer.take();
  }
  buffer.text(separator === "[" ? "[]\n" : "]\n");
  yield buffer.take();
}

function putRow(buffer: TextBuffer, row: StatRow): void {
  let whose = `{"objType":"${OBJECT[row.kind]}","proxyId":${row.iid},"id":${row.sid},`;
  for (const { before, value } of FIELDS[row.kind]) {
    const found = value(row);
    if (found === null) continue;
    buffer.text(whose);
    if (whose[0] === "{") whose = `,${whose}`;
    buffer.raw(before);
    if (typeof found === "number") buffer.number(found);
    else buffer.text(JSON.stringify(found));
    buffer.text("}}");
  }
}
