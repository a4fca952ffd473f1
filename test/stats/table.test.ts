import { describe, expect, test } from "bun:test";
import { humanBytes, humanCount, humanDuration, humanUptime } from "../../src/stats/humanise.ts";
import { findProblems } from "../../src/stats/problems.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { renderStatus } from "../../src/stats/table.ts";
import { BUSY, checkedAs, DAY_MS, HOUR_MS, listenWith, MINUTE_MS, processWith, serverWith } from "./tableCases.ts";

const plain = (snapshot: Snapshot): string => renderStatus(snapshot, { colour: false, width: 100 });
const coloured = (snapshot: Snapshot): string => renderStatus(snapshot, { colour: true, width: 100 });
const ESCAPE = "\u001b";
/** Coloured texts, each behind its colour's code. */
const colours = (output: string): string[] =>
  [...output.matchAll(/\p{Cc}\[(\d+)m(.*?) *\p{Cc}\[0m/gu)].map(([, code, text]) => `${code} ${text}`);

describe("the status table", () => {
  test("shows a busy process with trouble", () => {
    expect(plain(BUSY)).toBe(
      `haproxy-lite 0.1.0 (abc1234) up 3d 4h 12m, pid 4711, 2 threads, 123/4096 connections, 56/s

NAME                STATE     WGT CUR MAX LIM TOTAL   IN OUT     FOR  LAST CHECK
tcp_service_a       OPEN          120 190 500  104k 1.2M 92G   3d 4h  2/3 usable, 56/s, 3 queued, 0…
  tcp_service_a_01  UP        100 120 150 200 99999 1.1M 92G   3d 4h  L4OK in 1ms
  tcp_service_a_02  DOWN 1/2    1   0  40   -  4234  34K 512  12m 3s  L4CON Connection refused
  spare (backup)    no check    1   0   0   -     0    0   0   3d 0h  -
b                   DOWN            0   0   -     0    0   0     59s  0/2 usable, 0/s, [::1]:14901 …
  b1                MAINT       1   0   0   -     0    0   0      0s  L7OK in 1ms
  b2                DOWN        1   0   0   -     0    0   0      0s  L7STS 421 4.3.2 too busy, ple…

2 servers down: tcp_service_a/tcp_service_a_02, b/b2
nobody serves b
`,
    );
  });

  test("of a healthy process ends with its rows", () => {
    const servers = [
      serverWith({
        name: "one",
        check: {
          health: 2,
          rise: 2,
          fall: 3,
          failures: 0,
          observed: null,
          inconclusive: 0,
          inProgress: false,
          last: null,
        },
      }),
    ];
    const process = processWith({
      threads: 1,
      uptimeMs: 59_000,
      connections: { current: 0, max: 0, limit: 100, total: 0 },
    });
    expect(plain({ process, listens: [listenWith({ name: "web", servers })], vrrp: null })).toBe(
      `haproxy-lite 0.1.0 (abc1234) up 59s, pid 4711, 1 thread, 0/100 connections, 56/s

NAME   STATE  WGT CUR MAX LIM TOTAL IN OUT  FOR  LAST CHECK
web    OPEN         0   0   -     0  0   0   0s  1/1 usable, 0/s, 0.0.0.0:14900
  one  UP       1   0   0   -     0  0   0   0s  not checked yet
`,
    );
  });

  test("says what is unusual about the process below its first line", () => {
    const process = processWith({ stopping: true, restarts: 2, proxyUptimeMs: 5 * MINUTE_MS, droppedLogs: 12 });
    expect(plain({ process, listens: [], vrrp: null })).toBe(
      `haproxy-lite 0.1.0 (abc1234) up 3d 4h 12m, pid 4711, 2 threads, 123/4096 connections, 56/s
stopping: no new connections are accepted
proxy process restarted 2 times; counters begin 5m 0s ago
12 log lines dropped

no listens
`,
    );
  });

  test("of a crash loop says when it goes on, and nothing of listens", () => {
    const crashLoop = { crashes: 7, reason: "killed by signal SIGSEGV", nextStartMs: 3400 };
    const output = plain({ process: processWith({ restarts: 7, crashLoop }), listens: [], vrrp: null });
    expect(output).toBe(
      `haproxy-lite 0.1.0 (abc1234) up 3d 4h 12m, pid 4711, 2 threads, 123/4096 connections, 56/s

crash loop: next start in 4 s; the proxy process has ended 7 times in a row (killed by signal
SIGSEGV), nobody is served meanwhile
`,
    );
  });

  test("is the same with colours, which stand on states alone", () => {
    expect(Bun.stripANSI(coloured(BUSY))).toBe(plain(BUSY));
    expect(colours(coloured(BUSY))).toEqual(["32 OPEN", "32 UP", "31 DOWN 1/2", "31 DOWN", "33 MAINT", "31 DOWN"]);
    expect(plain(BUSY)).not.toContain(ESCAPE);
  });

  test("colours what is neither well nor down yellow", () => {
    const states = ["UP 2/3", "DRAIN", "MAINT (resolution)", "no check"];
    const servers = states.map((status) => serverWith({ name: "s", status }));
    const output = coloured({
      process: processWith(),
      listens: [listenWith({ name: "web", status: "FULL", servers })],
      vrrp: null,
    });
    expect(colours(output)).toEqual(["33 FULL", "33 UP 2/3", "33 DRAIN", "31 MAINT (resolution)"]);
  });

  test("shows how far slow start has got", () => {
    const servers = [serverWith({ name: "s", weight: { configured: 100, effective: 31 }, throttlePercent: 31 })];
    expect(plain({ process: processWith(), listens: [listenWith({ name: "web", servers })], vrrp: null })).toContain(
      "UP     31%",
    );
  });

  test("fits into 100 columns whatever the names, states and figures, wide characters included", () => {
    const huge = {
      sessions: { current: 999_999, max: 99_999, limit: 999_999, total: 9e15 },
      bytesIn: 9e15,
      bytesOut: 1.05e18,
    };
    const servers = ["x".repeat(200), "ä".repeat(60), "名".repeat(50)].map((name) =>
      serverWith({
        name,
        ...huge,
        status: "MAINT (resolution)",
        up: false,
        throttlePercent: 100,
        inStateMs: 399 * DAY_MS + 23 * HOUR_MS,
        check: checkedAs("L7RSP", { info: "q".repeat(300) }),
      }),
    );
    const listens = [
      listenWith({ name: "n".repeat(150), ...huge, binds: ["b".repeat(300)], available: false, servers }),
    ];
    const lines = plain({ process: processWith(), listens, vrrp: null }).split("\n");
    for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(100);
    expect(lines.find((line) => line.includes("…"))).toBeDefined();
  });

  test("lets no server speak to the terminal", () => {
    const servers = [serverWith({ name: "s", check: checkedAs("L7RSP", { info: `${ESCAPE}[2J\u0007\n\u009bfake` }) })];
    const output = plain({ process: processWith(), listens: [listenWith({ name: "web", servers })], vrrp: null });
    expect(output).toContain("L7RSP ?[2J???fake");
    expect(output.split("\n")).toHaveLength(6);
  });
});

describe("problems", () => {
  const problemsWith = (server: Parameters<typeof serverWith>[0], available = true) =>
    findProblems({
      process: processWith(),
      listens: [listenWith({ name: "web", available, servers: [serverWith(server)] })],
      vrrp: null,
    });

  test("are servers that are down, or have no address", () => {
    expect(problemsWith({ name: "a" }).servers).toEqual([]);
    expect(problemsWith({ name: "a", up: false }).servers).toEqual(["web/a"]);
    expect(problemsWith({ name: "a", unresolved: true }).servers).toEqual(["web/a"]);
  });

  test("are not servers that a person took out, unless nobody is left", () => {
    for (const admin of ["maint", "drain"] as const) {
      expect(problemsWith({ name: "a", admin, up: false })).toEqual({
        process: [],
        servers: [],
        listens: [],
        routers: [],
      });
      expect(problemsWith({ name: "a", admin }, false)).toEqual({
        process: [],
        servers: [],
        listens: ["web"],
        routers: [],
      });
    }
  });
});

test.each([
  [0, "0"],
  [1023, "1023"],
  [1024, "1.0K"],
  [10_188, "9.9K"],
  [10_239, "10K"],
  [1_048_063, "1023K"],
  [1_048_064, "1.0M"],
  [98_765_432_100, "92G"],
  [2 ** 53, "8.0P"],
  [1e21, "888178P"],
])("%d bytes are shown as %s", (bytes, text) => expect(humanBytes(bytes)).toBe(text));

test.each([
  [99_999, "99999"],
  [100_000, "100k"],
  [999_499, "999k"],
  [999_500, "1.0M"],
  [12_345_678, "12M"],
])("a count of %d is shown as %s", (count, text) => expect(humanCount(count)).toBe(text));

test.each([
  [-5, "0s", "0s"],
  [999, "0s", "0s"],
  [59_999, "59s", "59s"],
  [12 * MINUTE_MS + 3000, "12m 3s", "12m 3s"],
  [4 * HOUR_MS, "4h 0m", "4h 0m 0s"],
  [3 * DAY_MS + 4 * HOUR_MS + 12 * MINUTE_MS + 59_000, "3d 4h", "3d 4h 12m"],
])("%d ms are shown as %s, as uptime %s", (durationMs, short, long) => {
  expect([humanDuration(durationMs), humanUptime(durationMs)]).toEqual([short, long]);
});
