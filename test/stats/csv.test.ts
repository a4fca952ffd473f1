import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { serverCounter } from "../../src/pool/board.ts";
import { ListenCounter, ServerCounter } from "../../src/pool/layout.ts";
import type { Pool } from "../../src/pool/pool.ts";
import { CSV_COLUMNS, formatCsv } from "../../src/stats/csv.ts";
import type { FieldValue } from "../../src/stats/field.ts";
import { formatInfo } from "../../src/stats/info.ts";
import { EVERYTHING, type StatFilter, statRows } from "../../src/stats/rows.ts";
import { STAT_FIELDS, statValue } from "../../src/stats/statFields.ts";
import { takeSnapshot } from "../../src/stats/takeSnapshot.ts";
import { add, checkOf, LI_DB, type Stand, standOf } from "./stand.ts";

// Answers of HAProxy 2.6.12 (Debian 12) in TCP mode to `show stat` (rows of its HTTP proxies left out) and `show info`.
const HAPROXY_STAT = readFileSync(join(import.meta.dir, "show_stat.csv"), "utf8");
const HAPROXY_INFO = readFileSync(join(import.meta.dir, "show_info.txt"), "utf8");

const cellsOf = (csv: string, svname: string, pxname = "li_db"): string[] =>
  (csv.split("\n").find((line) => line.startsWith(`${pxname},${svname},`)) ?? "").split(",");

/** The listen in the state in which HAProxy's was captured. */
function captured(): Stand {
  const stand = standOf(LI_DB);
  const [pool] = stand.pools as [Pool];
  const lastResult = { status: "L4CON", code: null, info: "Connection refused", durationMs: 0 } as const;
  stand.checks.set("li_db/0", checkOf(0, { fall: 2, lastResult, failures: 1 }));
  pool.setUp(0, false);
  pool.board.counters(0)[ListenCounter.maxCurrent] = 2;
  add(pool, 0, ListenCounter.connections, 4);
  add(pool, 1, ListenCounter.bytesIn, 40);
  add(pool, 0, serverCounter(3, ServerCounter.sessions), 4);
  add(pool, 0, serverCounter(3, ServerCounter.selected), 4);
  add(pool, 0, serverCounter(3, ServerCounter.maxCurrent), 2);
  stand.clock.pass(4000);
  add(pool, 0, serverCounter(3, ServerCounter.lastSession), stand.clock.wallMs() - 1000);
  return stand;
}

/** Rows by column name; null: empty. */
const rows = (stand: Stand, filter: Partial<StatFilter> = {}): Record<string, FieldValue>[] =>
  Array.from(statRows(takeSnapshot(stand.view), { ...EVERYTHING, ...filter }), (row) =>
    Object.fromEntries(STAT_FIELDS.map((field) => [field.name, statValue(field, row)])),
  );
const names = (stand: Stand, filter: Partial<StatFilter>) => rows(stand, filter).map(({ svname }) => svname as string);

describe("show stat", () => {
  test("has HAProxy 2.6's header, character for character", () => {
    expect(formatCsv(takeSnapshot(captured().view)).split("\n")[0]).toBe(HAPROXY_STAT.split("\n")[0] as string);
    expect(CSV_COLUMNS.indexOf("-")).toBe(103);
  });

  test("gives the rows in HAProxy's order, every one as long as the header and ended by a comma", () => {
    const lines = formatCsv(takeSnapshot(captured().view)).trimEnd().split("\n");
    expect(lines.slice(1).map((line) => line.split(",")[1])).toEqual([
      "FRONTEND",
      "db1",
      "db2",
      "db3",
      "db4",
      "BACKEND",
    ]);
    for (const line of lines) {
      expect(line.endsWith(",")).toBeTrue();
      expect(line.split(",")).toHaveLength(CSV_COLUMNS.length + 1);
    }
  });

  test.each(["FRONTEND", "db1", "db2", "db3", "db4", "BACKEND"])(
    "leaves empty what HAProxy leaves empty for %s",
    (svname) => {
      const filled = (cells: string[]) => CSV_COLUMNS.filter((_, i) => cells[i] !== "");
      const ours = cellsOf(formatCsv(takeSnapshot(captured().view)), svname);
      expect(filled(ours)).toEqual(filled(cellsOf(HAPROXY_STAT, svname)));
    },
  );

  test.each(["FRONTEND", "db1", "db2", "db3", "db4", "BACKEND"])(
    "has HAProxy's own values for %s in the same state",
    (svname) => {
      // Not comparable: ids of the whole process, limits that we do not divide, byte counts, rates and times of that traffic.
      const own =
        "slim stot bin bout iid rate rate_max conn_rate conn_rate_max conn_tot connect need_conn_est check_duration econ ctime";
      const skipped = new Set([...own.split(" "), ...CSV_COLUMNS.slice(103)]);
      const value = (cells: string[]) =>
        Object.fromEntries(
          CSV_COLUMNS.map((column, i) => [column, cells[i]]).filter(([column]) => !skipped.has(column as string)),
        );
      const ours = cellsOf(formatCsv(takeSnapshot(captured().view)), svname);
      expect(value(ours)).toEqual(value(cellsOf(HAPROXY_STAT, svname)));
    },
  );

  test("gives the limit of the process to a frontend without its own, and none to a server", () => {
    expect(rows(captured()).map(({ slim }) => slim)).toEqual([4096, null, null, null, null, 4096]);
  });

  test("calls a backend DOWN when nobody is left, and UP when there never was anybody", () => {
    const stand = standOf(`${LI_DB}\n[listen.empty]\nbind = ":2001"`);
    for (const slot of [0, 1, 3]) stand.pools[0]?.setUp(slot, false);
    stand.view.sampler.poolChanged(stand.pools[0] as Pool, stand.clock.nowMs());
    const backends = rows(stand, { types: 2 });
    expect(backends.map(({ status, act, chkdown }) => [status, act, chkdown])).toEqual([
      ["DOWN", 0, 1],
      ["UP", 0, 0],
    ]);
  });

  test("counts proxies from 2 and servers from 1", () => {
    const two = standOf(
      `${LI_DB}\n[listen.second]\nbind = ":2001"\n[[listen.second.server]]\nname = "a"\naddress = "192.0.2.1:1"`,
    );
    expect(rows(two).map(({ pxname, iid, sid }) => `${pxname} ${iid} ${sid}`)).toEqual([
      ...["li_db 2 0", "li_db 2 1", "li_db 2 2", "li_db 2 3", "li_db 2 4", "li_db 2 0"],
      ...["second 3 0", "second 3 1", "second 3 0"],
    ]);
  });

  test("has the weight that slow start has reached, and its percentage", () => {
    const stand = standOf(LI_DB.replace('name = "db1"', 'name = "db1"\nslowstart = "10s"\nweight = 200'));
    stand.pools[0]?.setUp(0, false);
    stand.pools[0]?.setUp(0, true);
    stand.clock.pass(3000);
    expect(rows(stand)[1]).toMatchObject({ weight: 60, uweight: 200, throttle: 30 });
    stand.clock.pass(8000);
    expect(rows(stand)[1]).toMatchObject({ weight: 200, throttle: null });
  });

  test("knows a server in maintenance by its checks' absence, though its past failures stay", () => {
    const stand = standOf(LI_DB.replace('name = "db1"', 'name = "db1"\ndisabled = true'));
    stand.checks.set("li_db/0", checkOf(0, { failures: 3 }));
    const [, db1 = {}] = rows(stand);
    expect(db1).toMatchObject({ status: "MAINT", chkfail: 3, chkdown: 0 });
    expect([db1.check_status, db1.check_rise, db1.last_chk]).toEqual([null, null, null]);
  });

  test("counts failures seen in traffic only where traffic is observed", () => {
    const stand = standOf(LI_DB.replace('name = "db1"', 'name = "db1"\nobserve = "layer4"'));
    stand.checks.set("li_db/0", checkOf(4, { observed: 5 }));
    expect(rows(stand).map(({ hanafail }) => hanafail)).toEqual([null, 5, null, null, null, null]);
  });

  test("quotes what a server said, and lets no line break through", () => {
    const stand = captured();
    const lastResult = { status: "L7RSP", code: 0, info: 'no, "really"\r\n\nnot', durationMs: 3 } as const;
    stand.checks.set("li_db/0", checkOf(0, { lastResult }));
    const csv = formatCsv(takeSnapshot(stand.view));
    expect(csv).toContain(',"no, ""really""   not",');
    expect(csv).not.toContain("\n\n");
  });

  test("can be cut down to a proxy, to kinds of rows, to a server", () => {
    const stand = standOf(
      `${LI_DB}\n[listen.second]\nbind = ":2001"\n[[listen.second.server]]\nname = "a"\naddress = "192.0.2.1:1"`,
    );
    expect(names(stand, { proxy: "second" })).toEqual(["FRONTEND", "a", "BACKEND"]);
    expect(names(stand, { proxy: "2", types: 4 })).toEqual(["db1", "db2", "db3", "db4"]);
    expect(names(stand, { types: 3 })).toEqual(["FRONTEND", "BACKEND", "FRONTEND", "BACKEND"]);
    expect(names(stand, { proxy: "li_db", server: 2 })).toEqual(["FRONTEND", "db2", "BACKEND"]);
    expect(names(stand, { proxy: "li_db", types: 4, server: 2 })).toEqual(["db2"]);
    expect(names(stand, { proxy: "nobody" })).toEqual([]);
  });

  test("can leave out servers that are down, or in maintenance", () => {
    expect(names(captured(), { types: 4, up: true })).toEqual(["db2", "db4"]);
    expect(names(captured(), { types: 4, noMaintenance: true })).toEqual(["db1", "db2", "db4"]);
  });
});

describe("show info", () => {
  const keysOf = (text: string): string[] => text.split("\n").flatMap((line) => /^(.*?): /.exec(line)?.[1] ?? []);
  const fieldOf = (text: string, key: string): string => new RegExp(`^${key}: (.*)$`, "m").exec(text)?.[1] ?? "";

  test("has HAProxy 2.6's keys in its order", () => {
    expect(keysOf(formatInfo(takeSnapshot(captured().view)))).toEqual(keysOf(HAPROXY_INFO));
  });

  test("has a number wherever HAProxy has one, and its form of uptime", () => {
    const ours = formatInfo(takeSnapshot(captured().view));
    for (const key of keysOf(HAPROXY_INFO)) {
      if (/^\d+$/.test(fieldOf(HAPROXY_INFO, key))) expect(`${key}: ${fieldOf(ours, key)}`).toMatch(/: \d+$/);
    }
    expect([fieldOf(ours, "Uptime"), fieldOf(ours, "Uptime_sec")]).toEqual(["0d 0h00m05s", "5"]);
    const stand = captured();
    stand.clock.pass(((26 * 60 + 3) * 60 + 2) * 1000);
    expect(fieldOf(formatInfo(takeSnapshot(stand.view)), "Uptime")).toBe("1d 2h03m07s");
  });

  test("has a version that starts with two numbers, not older than 1.5: else tools refuse to drain servers", () => {
    const [major, minor] = fieldOf(formatInfo(takeSnapshot(captured().view)), "Version")
      .split(".")
      .map(Number);
    expect([major, minor]).toEqual([2, 6]);
  });
});
