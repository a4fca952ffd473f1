import { beforeEach, describe, expect, test } from "bun:test";
import { jsonChunks } from "../../src/stats/json.ts";
import { type StatRow, statRows } from "../../src/stats/rows.ts";
import { jsonSchema } from "../../src/stats/schema.ts";
import { STAT_FIELDS, statValue } from "../../src/stats/statFields.ts";
import { takeSnapshot } from "../../src/stats/takeSnapshot.ts";
import { typedChunks } from "../../src/stats/typed.ts";
import { checkOf, LI_DB, type Stand, standOf } from "./stand.ts";

const NASTY = 'it said: "no",\r\n\tand ☃';
let stand: Stand;
let rows: StatRow[];

beforeEach(() => {
  stand = standOf(LI_DB);
  stand.checks.set(
    "li_db/0",
    checkOf(3, { lastResult: { status: "L7RSP", code: 5, info: NASTY, durationMs: 3 }, inProgress: false }),
  );
  stand.checks.set("li_db/1", checkOf(4, { inProgress: true }));
  rows = [...statRows(takeSnapshot(stand.view))];
});

const textOf = (chunks: Iterable<Uint8Array>): string => Buffer.concat([...chunks]).toString();
/** What a row has, by name. */
const valuesOf = (row: StatRow): Record<string, string | number> =>
  Object.fromEntries(
    STAT_FIELDS.flatMap((field) => {
      const value = statValue(field, row);
      return value === null ? [] : [[field.name, value]];
    }),
  );

describe("typed lines", () => {
  test("say whose value it is, which, of what kind, and its value, line breaks left out", () => {
    const lines = textOf(typedChunks(rows, false)).split("\n");
    expect(lines).toContain('S.2.1.56.last_chk.1:MOP:str:it said: "no",   and ☃');
    expect(lines).toContain("S.2.1.37.check_code.1:MOP:u32:5");
    expect(lines).toContain("F.2.0.17.status.1:SGP:str:OPEN");
    expect(lines).toContain("B.2.0.19.act.1:MGP:u32:2");
    expect(lines).toContain("S.2.1.19.act.1:SGP:u32:1");
    expect(lines.at(-1)).toBe("");
  });

  test("are there for every value that the rows have, and for no other", () => {
    const expected = rows.flatMap((row) => Object.keys(valuesOf(row)).map((name) => `${row.iid}.${row.sid}.${name}`));
    const found = textOf(typedChunks(rows, false))
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^[FBS]\.(\d+)\.(\d+)\.\d+\.(\w+)\.1:.*/, "$1.$2.$3"));
    expect(found).toEqual(expected);
  });
});

describe("JSON", () => {
  interface Item {
    objType: string;
    id: number;
    field: { name: string };
    value: { type: string; value: string | number };
  }

  test("has every value that the rows have, as it is", () => {
    const parsed = JSON.parse(textOf(jsonChunks(rows))) as Item[][];
    expect(
      parsed.map((items) => Object.fromEntries(items.map(({ field, value }) => [field.name, value.value]))),
    ).toEqual(rows.map(valuesOf));
    expect(parsed.map(([first]) => `${first?.objType} ${first?.id}`)).toEqual([
      "Frontend 0",
      "Server 1",
      "Server 2",
      "Server 3",
      "Server 4",
      "Backend 0",
    ]);
  });

  test("of no rows is an empty array", () => {
    expect(textOf(jsonChunks([]))).toBe("[]\n");
  });

  test("goes out in pieces that are none too large, however many rows there are", () => {
    const chunks = [...jsonChunks(Array.from({ length: 300 }, () => rows).flat())];
    expect(chunks.length).toBeGreaterThan(100);
    expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThan(128 * 1024);
    expect(JSON.parse(textOf(chunks))).toHaveLength(1800);
  });
});

test("a star stands before the last result while a check is on its way, and what was said then is not shown", () => {
  const [, one, two] = rows.map(valuesOf);
  expect([one?.check_status, one?.check_desc, one?.last_chk]).toEqual(["L7RSP", "Layer7 invalid response", NASTY]);
  expect([two?.check_status, two?.check_desc, two?.last_chk]).toEqual(["* L4OK", "Layer4 check passed", ""]);
});

test("the schema tells of every type, and is itself JSON", () => {
  const schema = JSON.parse(jsonSchema());
  const types = schema.definitions.typedValue.oneOf.map((each: { properties: { type: { enum: string[] } } }) =>
    each.properties.type.enum.join(),
  );
  expect(types.toSorted()).toEqual(["flt", "s32", "str", "u32", "u64"]);
});
