import { described, onOneLine } from "./field.ts";
import type { StatRow } from "./rows.ts";
import { writtenFields } from "./statFields.ts";
import { CHUNK_BYTES, TextBuffer } from "./textBuffer.ts";

const LETTER = { frontend: "F", backend: "B", server: "S" } as const;
const FIELDS = writtenFields(({ pos, name }, tag) => `.${pos}.${name}.1:${tag}:`);

/** `show stat typed`, in pieces: a line for each value that a row has; `desc`: each with what it says. */
export function* typedChunks(rows: Iterable<StatRow>, desc: boolean): Generator<Uint8Array> {
  const buffer = new TextBuffer();
  for (const row of rows) {
    const whose = `${LETTER[row.kind]}.${row.iid}.${row.sid}`;
    for (const { field, before, value } of FIELDS[row.kind]) {
      const found = value(row);
      if (found === null) continue;
      buffer.text(whose);
      buffer.raw(before);
      if (typeof found === "number") buffer.number(found);
      else buffer.text(onOneLine(found));
      buffer.text(desc ? `${described(field)}\n` : "\n");
    }
    if (buffer.length >= CHUNK_BYTES) yield buffer.take();
  }
  yield buffer.take();
}
