import { describe, expect, test } from "bun:test";
import { readingCommands } from "../../../src/admin/commands/reading.ts";
import { CSV_COLUMNS } from "../../../src/stats/csv.ts";
import { takeSnapshot } from "../../../src/stats/takeSnapshot.ts";
import { LI_DB, standOf } from "../../stats/stand.ts";
import { ask as askAny } from "./ask.ts";

const stand = standOf(LI_DB);
const ask = (line: string): Promise<string> =>
  askAny(
    line,
    readingCommands(() => takeSnapshot(stand.view)),
  );

test("show status gives the whole snapshot on one line", async () => {
  const text = await ask("show status");
  expect(text.indexOf("\n")).toBe(text.length - 2);
  expect(JSON.parse(text)).toEqual(takeSnapshot(stand.view));
});

test("show status takes no arguments", async () => {
  expect(await ask("show status now")).toStartWith("Unknown command, but maybe one of the following");
});

describe("show stat", () => {
  test.each([
    ["show stat", 6],
    ["show stat -1 4 -1", 4],
    ["show stat li_db -1 2", 3],
    ["show stat 2 3 -1", 2],
    ["show stat 9 -1 -1", 0],
    ["show stat no-maint", 5],
    ["show stat li_db 4 -1 up no-maint", 3],
    // As HAProxy reads them: too few to be positions, a mask that is no number, a number with something behind it, a word it does not know.
    ["show stat li_db 4", 6],
    ["show stat li_db x -1", 0],
    ["show stat 2x -1 -1", 6],
    ["show stat bogus", 6],
  ])("%s gives %d rows below the header", async (line, rows) => {
    const lines = (await ask(line)).split("\n");
    expect(lines[0]).toBe(`# ${CSV_COLUMNS.join(",")},`);
    expect(lines.slice(1, -2)).toHaveLength(rows);
  });

  test("knows which proxies there cannot be", async () => {
    expect(await ask("show stat nobody -1 -1")).toBe("No such proxy.\n\n");
  });

  test("writes the form that was asked for last", async () => {
    expect(await ask("show stat -1 4 1 json typed")).toStartWith("S.2.1.0.pxname.1:KNS:str:li_db\n");
    expect(await ask("show stat -1 4 1 typed json")).toStartWith('[[{"objType":"Server","proxyId":2,"id":1,');
    expect(await ask("show stat -1 4 1 typed desc")).toMatch(/^S\.2\.1\.0\.pxname\.1:KNS:str:li_db:"[^"]+"$/m);
    expect(await ask("show stat desc")).toBe(await ask("show stat"));
  });
});

describe("show info", () => {
  test("begins with the product's name", async () => {
    expect(await ask("show info")).toStartWith("Name: haproxy-lite\nVersion: ");
  });

  test("says what each line means, and times with decimals, when asked to", async () => {
    expect(await ask("show info desc")).toMatch(/^Uptime_sec: 1:"[^"]+"$/m);
    stand.clock.pass(250);
    expect(await ask("show info float")).toMatch(/^Uptime_sec: 1\.25$/m);
    expect(await ask("show info float typed")).toMatch(/^8\.Uptime_sec\.1:MDP:flt:1\.25$/m);
    expect(await ask("show info typed desc")).toMatch(/^8\.Uptime_sec\.1:MDP:u32:1:"[^"]+"$/m);
    expect(JSON.parse(await ask("show info json"))).toContainEqual({
      field: { pos: 8, name: "Uptime_sec" },
      processNum: 1,
      tags: { origin: "Metric", nature: "Duration", scope: "Process" },
      value: { type: "u32", value: 1 },
    });
  });
});
