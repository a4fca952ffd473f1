import { describe, expect, test } from "bun:test";
import { draw } from "../../../src/cli/watch/draw.ts";
import type { Ability } from "../../../src/cli/watch/lines.ts";
import { Level } from "../../../src/core/syslogCodes.ts";
import type { JournalEvent } from "../../../src/stats/event.ts";
import type { Snapshot } from "../../../src/stats/snapshot.ts";
import { BUSY, checkedAs, listenWith, processWith, serverWith } from "../../stats/tableCases.ts";
import { instanceWith } from "../../stats/vrrpCases.ts";
import { crowd, Play, WALL_MS } from "./cases.ts";

const PLAIN: Ability = { colour: false, unicode: true };
const ESCAPE = "\u001b";
/** SGR, that is colours and looks. */
const LOOKS = new RegExp(`${ESCAPE}\\[[0-9;]*m`, "g");
const REVERSE = `${ESCAPE}[7m`;

/** The screen as a person sees it, without codes. */
const seen = (play: Play, ability = PLAIN): string =>
  draw(play.state, ability)
    .map((line) => Bun.stripANSI(line).trimEnd())
    .join("\n");

/** BUSY twice, a second apart: tcp_service_a has had 50 sessions and some bytes meanwhile. */
function busyFor(columns: number, rows: number): Play {
  const [listen, ...others] = BUSY.listens;
  const [first, ...servers] = listen?.servers ?? [];
  if (listen === undefined || first === undefined) throw new Error("BUSY has no servers");
  const moved = { bytesIn: 4096, bytesOut: 10_240, total: 50 };
  const more = <T extends typeof listen | typeof first>(row: T): T => ({
    ...row,
    bytesIn: row.bytesIn + moved.bytesIn,
    bytesOut: row.bytesOut + moved.bytesOut,
    sessions: { ...row.sessions, total: row.sessions.total + moved.total },
  });
  const process = processWith({ proxyUptimeMs: BUSY.process.proxyUptimeMs + 1000 });
  const later = { ...BUSY, process, listens: [{ ...more(listen), servers: [more(first), ...servers] }, ...others] };
  return new Play(columns, rows).tick().sees(BUSY).tick(1000).sees(later);
}

const EVENTS: JournalEvent[] = [
  {
    id: 2,
    wallMs: WALL_MS - 1000,
    level: Level.alert,
    subject: { kind: "server", listen: "b", server: "b2" },
    change: "down",
    text: "Server b/b2 is DOWN",
    cause: "Connection refused",
    because: null,
  },
  {
    id: 1,
    wallMs: WALL_MS - 61_000,
    level: Level.notice,
    subject: { kind: "process" },
    change: "ready",
    text: "ready",
    cause: null,
    because: null,
  },
];

describe("the screen", () => {
  test("of a usual terminal", () => {
    expect(seen(busyFor(80, 16))).toMatchInlineSnapshot(`
      "haproxy-lite 0.1.0 on lb01, up 3d 4h 12m, pid 4711            every 1s  16:05:10
      connections ▕▏       ▏ 123/4096  0/s  in 4.0K/s  out 10K/s  idle 90%
      nobody serves b
      2 servers down: tcp_service_a/tcp_service_a_02, b/b2
      NAME               STATE       CUR      TREND NEW/s OUT/s     FOR LAST CHECK
      tcp_service_a      OPEN        120         ██    50   10K   3d 4h 2/3 usable, 0…
        tcp_service_a_01 UP          120         ██    50   10K   3d 4h L4OK in 1ms
        tcp_service_a_02 DOWN 1/2      0         ▁▁     0     0  12m 3s L4CON Connect…
        spare (backup)   no check      0         ▁▁     0     0   3d 0h -
      b                  DOWN          0         ▁▁     0     0     59s 0/2 usable, […
        b1               MAINT         0         ▁▁     0     0      0s L7OK in 1ms
        b2               DOWN          0         ▁▁     0     0      0s L7STS 421 4.3…



      q quit  ? help  ↑↓ move  ⏎ details  / filter  s sort  d m r drain maintain ready"
    `);
  });

  test("of a wide one has all columns", () => {
    expect(seen(busyFor(150, 14))).toMatchInlineSnapshot(`
      "haproxy-lite 0.1.0 on lb01, up 3d 4h 12m, pid 4711                                                                                  every 1s  16:05:10
      connections ▕▌                   ▏ 123/4096  0/s  in 4.0K/s  out 10K/s                     █  idle 90%
      nobody serves b
      2 servers down: tcp_service_a/tcp_service_a_02, b/b2
      NAME               STATE      WGT   CUR   LIM      TREND NEW/s  IN/s OUT/s   QUE   ERR     FOR LAST CHECK
      tcp_service_a      OPEN             120   500         ██    50  4.0K   10K     3     0   3d 4h 2/3 usable, 0.0.0.0:14900
        tcp_service_a_01 UP         100   120   200         ██    50  4.0K   10K     0     0   3d 4h L4OK in 1ms
        tcp_service_a_02 DOWN 1/2     1     0     -         ▁▁     0     0     0     0     0  12m 3s L4CON Connection refused
        spare (backup)   no check     1     0     -         ▁▁     0     0     0     0     0   3d 0h -
      b                  DOWN               0     -         ▁▁     0     0     0     0     0     59s 0/2 usable, [::1]:14901 unix:/run/b.sock
        b1               MAINT        1     0     -         ▁▁     0     0     0     0     0      0s L7OK in 1ms
        b2               DOWN         1     0     -         ▁▁     0     0     0     0     0      0s L7STS 421 4.3.2 too busy, please come back

      q quit  ? help  ↑↓ move  ⏎ details  / filter  s sort  d m r drain maintain ready  e events  v VRRP  p pause"
    `);
  });

  test("of a narrow one keeps name, state, sessions and since when", () => {
    expect(seen(busyFor(40, 12))).toMatchInlineSnapshot(`
      "every 1s  16:05:10  haproxy-lite 0.1.0 …
      connections ▕▏       ▏ 123/4096  0/s  i…
      nobody serves b
      2 servers down: tcp_service_a/tcp_servi…
      NAME             STATE       CUR     FOR
      tcp_service_a    OPEN        120   3d 4h
        tcp_service_a… UP          120   3d 4h
        tcp_service_a… DOWN 1/2      0  12m 3s
        spare (backup) no check      0   3d 0h
      b                DOWN          0     59s
        b1             MAINT         0      0s
      q quit  ? help  ↑↓ move  ⏎ details"
    `);
  });

  test("says that nobody answers, since when, and how old the rest is", () => {
    const play = busyFor(80, 12).tick(1000).hearsNothing("not running: nothing answers at /s").tick(61_000);
    expect(seen(play)).toMatchInlineSnapshot(`
      "haproxy-lite 0.1.0 on lb01, up 3d 4h 12m, pid 4711            every 1s  16:06:12
       NO ANSWER since 16:05:11 (1m 1s): not running: nothing answers at /s
      what is below is as it was at 16:05:10
      connections ▕▏       ▏ 123/4096  0/s  in 4.0K/s  out 10K/s  idle 90%
      nobody serves b
      2 servers down: tcp_service_a/tcp_service_a_02, b/b2
      NAME               STATE       CUR      TREND NEW/s OUT/s     FOR LAST CHECK
      tcp_service_a      OPEN        120         ██    50   10K   3d 4h 2/3 usable, 0…
        tcp_service_a_01 UP          120         ██    50   10K   3d 4h L4OK in 1ms
        tcp_service_a_02 DOWN 1/2      0         ▁▁     0     0  12m 3s L4CON Connect…
        spare (backup)   no check      0         ▁▁     0     0   3d 0h -
      q quit  ? help  ↑↓ move  ⏎ details  / filter  s sort  d m r drain maintain ready"
    `);
  });

  test("before the first answer says what it waits for", () => {
    expect(seen(new Play(60, 4))).toStartWith("haproxy-lite");
    expect(seen(new Play(60, 6).hearsNothing("not running"))).toContain("NO ANSWER since 16:05:09 (0s): not running");
  });

  test("shows virtual routers and the last events when there is room", () => {
    const vrrp = { routerId: "lb01", ageMs: 10, instances: [instanceWith({ state: "MASTER" })] };
    const play = new Play(100, 20).tick().sees({ ...crowd(1, 2), vrrp }, { events: EVENTS });
    expect(seen(play)).toMatchInlineSnapshot(`
      "haproxy-lite 0.1.0 on lb01, up 3d 4h 12m, pid 4711                                every 1s  16:05:09
      connections ▕▌                   ▏ 123/4096  -/s  in -/s  out -/s                        idle 90%
      VI_1 MASTER for 3d 4h  priority 101  192.0.2.100/24  peer none heard yet
      NAME       STATE      WGT   CUR      TREND NEW/s  IN/s OUT/s   QUE     FOR LAST CHECK
      l1         OPEN               0          ▁     -     -     -     0      0s 2/2 usable, 0.0.0.0:14900
        s1       UP           1     0          ▁     -     -     -     0      0s -
        s2       UP           1     0          ▁     -     -     -     0      0s -









      ────────────────────────────────────────────────────────────────────────────────────────────────────
      16:04:08 ready
      16:05:08 Server b/b2 is DOWN (Connection refused)
      q quit  ? help  ↑↓ move  ⏎ details  / filter  s sort  d m r drain maintain ready  e events  v VRRP"
    `);
  });

  test("asks before it changes anything, and then says what came of it", () => {
    const last = (play: Play) => seen(play).split("\n").at(-1);
    const play = busyFor(100, 12).press("down").types("m");
    expect(last(play)).toBe(
      "Put tcp_service_a/tcp_service_a_01 into maintenance? No checks, no new sessions; its 120 sessions g…",
    );
    play.types("y").happens({
      kind: "commanded",
      command: "set server a/b state maint",
      done: false,
      answer: "Permission denied\n",
    });
    expect(last(play)).toBe("set server a/b state maint: refused: Permission denied");
  });

  test("marks the chosen row, the sorted column, and the filter in words too", () => {
    const play = busyFor(80, 16).types("s").types("/spare").press("enter");
    const lines = draw(play.state, PLAIN);
    expect(lines.filter((line) => line.startsWith(REVERSE)).map(Bun.stripANSI)[1]).toStartWith("tcp_service_a/spare");
    expect(seen(play)).toContain("vSTATE");
    expect(lines.map(Bun.stripANSI).at(-1)).toStartWith("/spare filters  s by state  q quit");
    expect(seen(play.types("/zzz"))).toContain('nothing is named like "sparezzz"; Esc shows everything');
  });

  test("has details of a server, with what explains them", () => {
    const name = "tcp_service_a/tcp_service_a_02";
    const play = busyFor(80, 28).press("down", "down", "enter");
    play.happens({ kind: "explained", name, text: "because the cable is out\n  since 16:00\n" });
    expect(seen(play)).toMatchInlineSnapshot(`
      "haproxy-lite 0.1.0 on lb01, up 3d 4h 12m, pid 4711            every 1s  16:05:10
      connections ▕▏       ▏ 123/4096  0/s  in 4.0K/s  out 10K/s  idle 90%
      nobody serves b
      2 servers down: tcp_service_a/tcp_service_a_02, b/b2
      tcp_service_a/tcp_service_a_02
      state        DOWN 1/2 for 12m 3s
      address      192.0.2.11:4900
      weight       1
      wanted       ready
      was down     1 time, 0s in all
      chosen       0 times, 0 connections started
      checks       up: 3/3 until down, 0 failures
      last check   L4CON, Layer4 connection problem, in 0ms, 0s ago
      it said      Connection refused

      because the cable is out
        since 16:00

      sessions     0 now, most 40, no limit, 4234 in all, none yet
                                                         ▁▁
      new          0/s, most 0/s
      bytes        in 0/s of 34K, out 0/s of 512
                                                          ▁
      queue        0 now, most 0
      errors       connect 0, retries 0, redispatches 0
      broken off   by clients 0, by servers 0
      on average   queue 0ms, connect 0ms, session 0ms
      esc back  q quit  ? help  ↑↓ move  ⏎ details  / filter  s sort"
    `);
  });

  test("names the listen of the first row, when that has scrolled away", () => {
    const play = new Play(80, 12)
      .tick()
      .sees(crowd(3, 30))
      .press("pageDown", "pageDown", "pageDown", "pageDown", "pageDown");
    const list = seen(play).split("\n").slice(3, -1);
    expect(list[0]).toMatch(/^l\d\/s\d+ +UP/);
    expect(list[1]).toMatch(/^ {2}s\d+ +UP/);
  });

  test("has details of a listen", () => {
    expect(seen(busyFor(80, 24).press("enter"))).toMatchInlineSnapshot(`
      "haproxy-lite 0.1.0 on lb01, up 3d 4h 12m, pid 4711            every 1s  16:05:10
      connections ▕▏       ▏ 123/4096  0/s  in 4.0K/s  out 10K/s  idle 90%
      nobody serves b
      2 servers down: tcp_service_a/tcp_service_a_02, b/b2
      tcp_service_a
      state        OPEN for 3d 4h
      listens on   0.0.0.0:14900
      balance      roundrobin
      usable       2 active and 0 backup of 3 servers
      nobody there 0 times, 0s in all
      paused       accepting stopped 0 times at a limit
      sessions     120 now, most 190, limit 500, 104k in all, none yet
                                                         ██
      new          50/s, most 80/s
      bytes        in 4.0K/s of 1.2M, out 10K/s of 92G
                                                          █
      queue        3 now, most 9
      errors       connect 0, retries 0, redispatches 0
      broken off   by clients 0, by servers 0
      on average   queue 0ms, connect 0ms, session 0ms



      esc back  q quit  ? help  ↑↓ move  ⏎ details  / filter  s sort"
    `);
  });
});

describe("colour", () => {
  const states = (ability: Ability) => draw(busyFor(80, 16).state, ability).join("\n");

  test("says how things stand", () => {
    expect(states({ colour: true, unicode: true })).toContain("\u001b[32mUP");
    expect(states({ colour: true, unicode: true })).toContain("\u001b[31mDOWN 1/2");
  });

  test("is left out where it is not welcome", () => {
    expect(states(PLAIN)).not.toContain("\u001b[3");
  });
});

describe("whatever there is to show", () => {
  const evil = `\u001b[2J\u0007安宁哈尔😀\u202e\u0000\u009b1m\n${"é".repeat(300)}`;
  const hostile: Snapshot = {
    process: processWith({ node: evil, version: "1", droppedLogs: 5, stopping: true }),
    vrrp: { routerId: evil, ageMs: 99_000, instances: [instanceWith({ name: evil, state: "FAULT", faults: [evil] })] },
    listens: [
      listenWith({
        name: "l",
        binds: [evil],
        available: false,
        servers: [
          serverWith({ name: evil, address: evil, check: checkedAs("L7STS", { info: evil }) }),
          serverWith({ name: "安宁哈尔", status: "MAINT (resolution)", unresolved: true, backup: true }),
        ],
      }),
    ],
  };
  const events = EVENTS.map((event) => ({ ...event, text: evil, cause: evil }));

  test.each([
    ["in Unicode", { colour: true, unicode: true }],
    ["in ASCII", { colour: false, unicode: false }],
  ])("the screen has its size, and nothing on it speaks to the terminal, %s", (_name, ability) => {
    for (const columns of [1, 2, 7, 20, 39, 40, 60, 80, 101, 200]) {
      for (const rows of [1, 2, 3, 5, 9, 24, 50]) {
        for (const keys of ["", "j\r", "v", "e", "?", "s", "/x", "jd", "jdn"]) {
          const play = new Play(columns, rows).tick().sees(hostile, { events }).types("");
          for (const key of keys) key === "\r" ? play.press("enter") : play.types(key);
          if (keys === "j\r") play.happens({ kind: "explained", name: play.state.selected ?? "", text: evil });
          if (keys === "s") play.hearsNothing(evil);
          const lines = draw(play.state, ability);
          expect(lines.length).toBe(rows);
          for (const line of lines) {
            const text = Bun.stripANSI(line);
            expect(Bun.stringWidth(text)).toBeLessThanOrEqual(columns);
            // Colours and looks of our own are all that may be left of escape sequences.
            expect(line.replaceAll(LOOKS, "")).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
            if (!ability.unicode) expect(text).toMatch(/^[\u0020-\u007e]*$/);
          }
        }
      }
    }
  });

  test("2050 rows are drawn in no time", () => {
    const play = new Play(120, 60).tick().sees(crowd(50, 40));
    const before = process.cpuUsage();
    for (let i = 0; i < 20; i++) {
      play.press("pageDown");
      draw(play.state, PLAIN);
    }
    const { user, system } = process.cpuUsage(before);
    // Some 2 ms each. CPU time, so that other programs do not matter, but for what they push out of the caches.
    expect((user + system) / 1000 / 20).toBeLessThan(30);
    expect(play.state.selected).not.toBe("l1");
  });
});
