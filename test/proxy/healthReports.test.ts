import { describe, expect, test } from "bun:test";
import { ThreadCounter } from "../../src/pool/processBoard.ts";
import { HealthReports } from "../../src/proxy/healthReports.ts";
import type { HealthReport } from "../../src/proxy/protocol.ts";
import { standOf } from "../stats/stand.ts";

const TOML = `
[defaults.timeout]
connect = "1s"
client = "10s"
server = "10s"
[defaults]
check = true
[listen.web]
bind = "127.0.0.1:26402"
[[listen.web.server]]
name = "a"
address = "127.0.0.1:26507"
[[listen.web.server]]
name = "b"
address = "127.0.0.1:26508"
backup = true
[listen.unchecked]
bind = "127.0.0.1:26403"
[[listen.unchecked.server]]
name = "a"
address = "127.0.0.1:26507"
check = false
[listen.bare]
bind = "127.0.0.1:26404"
`;

/** Reports of a process whose relay threads beat as they should, except those in `hanging`. */
function stand(threads = 2) {
  const { clock, board, pools } = standOf(TOML, threads);
  const sent: HealthReport[] = [];
  const reports = new HealthReports(
    board,
    () => pools,
    clock,
    (report) => sent.push(report),
  );
  const hanging = new Set<number>();
  /** Lets time pass as it does for a process that runs. */
  const live = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 50) {
      for (let thread = 0; thread < threads; thread++)
        if (!hanging.has(thread)) board.counters(thread)[ThreadCounter.heartbeat] = clock.nowMs();
      clock.pass(50);
    }
  };
  live(50);
  reports.start();
  return { clock, pools, reports, sent, hanging, live };
}

const late = (sent: readonly HealthReport[]) => sent.at(-1)?.lateThread;

describe("health reports", () => {
  test("begin at once and come five times a second, with every listen", () => {
    const { sent, live } = stand();
    live(1000);
    expect(sent).toHaveLength(6);
    expect(sent[0]).toEqual({
      kind: "health",
      lateThread: null,
      connections: 0,
      listens: [
        { name: "web", usable: 2, servers: 2 },
        { name: "unchecked", usable: 1, servers: 1 },
        { name: "bare", usable: 0, servers: 0 },
      ],
    });
  });

  test("come at once when nobody is left to serve a listen, and when somebody is again", () => {
    const { sent, pools, reports } = stand();
    const web = pools[0];
    const usable = () => sent.map(({ listens }) => listens[0]?.usable);
    web?.setUp(0, false);
    reports.changed();
    expect(usable()).toEqual([2]);
    web?.setUp(1, false);
    reports.changed();
    reports.changed();
    expect(usable()).toEqual([2, 0]);
    web?.setUp(0, true);
    reports.changed();
    expect(usable()).toEqual([2, 0, 1]);
  });

  test("come no more once stopped, and none before the start", () => {
    const { clock, sent, pools, reports } = stand();
    reports.stop();
    for (const slot of [0, 1]) pools[0]?.setUp(slot, false);
    reports.changed();
    clock.pass(5000);
    expect(sent).toHaveLength(1);
    expect(clock.pendingMs).toEqual([]);
  });
});

describe("a relay thread", () => {
  test("that stands still for two seconds is late, and no longer once it goes on", () => {
    const { sent, hanging, live } = stand();
    live(1000);
    hanging.add(1);
    live(1900);
    expect(late(sent)).toBeNull();
    live(400);
    expect(late(sent)).toBe(1);
    hanging.clear();
    live(200);
    expect(late(sent)).toBeNull();
  });

  test("is not late when the whole process was frozen", () => {
    const { clock, sent, live } = stand();
    live(1000);
    clock.stall(60_000);
    clock.pass(0);
    expect(late(sent)).toBeNull();
    live(3000);
    expect(sent.every(({ lateThread }) => lateThread === null)).toBe(true);
  });
});
