import { expect, test } from "bun:test";
import { readingCommands } from "../../../src/admin/commands/reading.ts";
import { answer } from "../../../src/admin/protocol.ts";
import { CSV_COLUMNS } from "../../../src/stats/csv.ts";
import { takeSnapshot } from "../../../src/stats/takeSnapshot.ts";
import { LI_DB, standOf } from "../../stats/stand.ts";

const stand = standOf(LI_DB);
const ask = (line: string): string =>
  answer(
    line.split(" "),
    readingCommands(() => takeSnapshot(stand.view)),
  ) as string;

test("show status gives the whole snapshot on one line", () => {
  const text = ask("show status");
  expect(text.indexOf("\n")).toBe(text.length - 2);
  expect(JSON.parse(text)).toEqual(takeSnapshot(stand.view));
});

test("show info begins with the product's name", () => {
  expect(ask("show info")).toStartWith("Name: haproxy-lite\nVersion: ");
});

test.each([
  ["show stat", 6],
  ["show stat -1 4 -1", 4],
  ["show stat li_db -1 2", 3],
  ["show stat 2 3 -1", 2],
  ["show stat 9 -1 -1", 0],
  ["show stat no-maint", 5],
  ["show stat li_db 4 -1 up no-maint", 3],
])("%s gives %d rows below the header", (line, rows) => {
  const lines = ask(line).split("\n");
  expect(lines[0]).toBe(`# ${CSV_COLUMNS.join(",")},`);
  expect(lines.slice(1, -2)).toHaveLength(rows);
});

test.each(["show stat json", "show stat li_db x 1", "show info typed", "show status now"])(
  "%s is refused with what can be asked, not answered with something else",
  (line) => expect(ask(line)).toStartWith("Unknown command, but maybe one of the following"),
);
