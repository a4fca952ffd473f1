import { describe, expect, test } from "bun:test";
import { leaseSeconds } from "../../../src/vrrp/leases.ts";
import { hurriedSkewMs, masterDownMs, skewMs } from "../../../src/vrrp/timers.ts";
import { isProblem, type Row, truthTable } from "../../../src/vrrp/truthTable/table.ts";
import { twoMembers } from "./mistakes.ts";
import { listen, pairOf, type SideWishes } from "./side.ts";

/** Frames on the way, and the pause between an advert and the fault. */
const NEAR_MS = 15;

const ours = (priority: number, lines = ""): SideWishes => ({ instance: `priority = ${priority}\n${lines}` });

function row(rows: readonly Row[], fault: string, subject?: string): Row {
  const found = rows.find((each) => each.fault === fault && (subject === undefined || each.subject === subject));
  if (found === undefined) throw new Error(`no row "${fault}" among ${rows.map((each) => each.fault).join(", ")}`);
  return found;
}

function near(ms: number | null, wantedMs: number): void {
  expect(ms).not.toBeNull();
  expect(Math.abs((ms ?? 0) - wantedMs)).toBeLessThan(NEAR_MS);
}

describe("the worst case is the timers' bound", () => {
  const timings = [
    { version: 2, advertIntMs: 1000, downTimerAdverts: 3 },
    { version: 2, advertIntMs: 2000, downTimerAdverts: 5 },
    { version: 3, advertIntMs: 1000, downTimerAdverts: 3 },
    { version: 3, advertIntMs: 100, downTimerAdverts: 3 },
  ] as const;
  for (const { version, advertIntMs, downTimerAdverts } of timings) {
    test(`version ${version}, ${advertIntMs} ms, ${downTimerAdverts} adverts`, () => {
      const lines = `version = ${version}\nadvert_int = "${advertIntMs}ms"\ndown_timer_adverts = ${downTimerAdverts}`;
      const rows = truthTable(pairOf(ours(200, lines), ours(100, lines)));
      const settings = { version, priority: 100, downTimerAdverts };
      const downMs = masterDownMs(settings, advertIntMs);
      near(row(rows, "a: host dead").withoutOwnerMs, downMs);
      near(row(rows, "a: link of eth0 down").withoutOwnerMs, downMs);
      near(row(rows, "start: b first").withoutOwnerMs, downMs);
      near(row(rows, "a: shut down cleanly").withoutOwnerMs, hurriedSkewMs(settings, advertIntMs));
      // The kernel keeps the address of a program that was killed for its lease, and the address serves nobody.
      const killed = row(rows, "a: program killed");
      near(killed.withoutServiceMs, downMs);
      const leaseMs = 1000 * leaseSeconds(downTimerAdverts, advertIntMs);
      if (downMs < leaseMs) expect(killed.twoOwnersMs).toBeGreaterThan(0);
      else expect(killed.withoutOwnerMs).toBeGreaterThanOrEqual(downMs - leaseMs - NEAR_MS);
    });
  }

  test("a keepalived waits for its whole skew when the other says goodbye, and leaves its address when it is killed", () => {
    const standby: SideWishes = { ...ours(100), daemon: "keepalived" };
    const rows = truthTable(pairOf({ ...ours(101), daemon: "keepalived" }, standby));
    const settings = { version: 2, priority: 100, downTimerAdverts: 3 } as const;
    near(row(rows, "a: shut down cleanly").withoutOwnerMs, skewMs(settings, 1000));
    expect(row(rows, "a: program killed")).toMatchObject({ verdict: "two owners", owners: ["a", "b"] });
    expect(isProblem(row(rows, "a: program killed"))).toBe(false);
  });

  test("what is noticed late is late in the table: script, servers, a proxy that hangs", () => {
    const script =
      '[[vrrp.script]]\nname = "chk"\ncommand = ["/bin/true"]\ninterval = "2s"\nfall = 3\ntimeout = "1s"\n';
    const lines = 'track_script = ["chk"]\ntrack_listen = ["web"]';
    const rows = truthTable(pairOf({ ...ours(200, lines), more: script }, { ...ours(100, lines), more: script }));
    const handoverMs = hurriedSkewMs({ version: 2, priority: 100, downTimerAdverts: 3 }, 1000);
    near(row(rows, "a: script chk fails").withoutServiceMs, 3 * 2000 + 1000 + handoverMs);
    // interval 2 s, fall 3, timeout 1 s
    near(row(rows, "a: servers of web down").withoutServiceMs, 3 * 2000 + 3 * 1000 + handoverMs);
    expect(row(rows, "a: proxy hung").withoutServiceMs).toBeGreaterThan(2000);
    near(row(rows, "a: proxy hung").withoutOwnerMs, handoverMs);
    near(row(rows, "a: proxy down").withoutServiceMs, handoverMs);
  });
});

test("a keepalived asks whether there is a process: one that ends is noticed at the next look, one that hangs never", () => {
  const keepalived = (priority: number): SideWishes => ({
    instance: `priority = ${priority}`,
    daemon: "keepalived",
    proxyCheck: { intervalMs: 2000, rise: 1, fall: 2 },
  });
  const rows = truthTable(pairOf(keepalived(101), keepalived(100)));
  const handoverMs = skewMs({ version: 2, priority: 100, downTimerAdverts: 3 }, 1000);
  near(row(rows, "a: proxy down").withoutServiceMs, 2 * 2000 + handoverMs);
  expect(row(rows, "a: proxy hung")).toMatchObject({ verdict: "stuck", owners: ["a"], withoutServiceMs: null });
});

describe("who owns the address, and why", () => {
  test("the sums are shown term by term", () => {
    const lines = 'track_listen = [{ name = "web", weight = -20 }]';
    const rows = truthTable(pairOf(ours(101, lines), ours(100, lines)));
    const down = row(rows, "a: servers of web down");
    expect(down).toMatchObject({ owners: ["b"], verdict: "fine", moves: true, movesBack: true });
    expect(down.why).toEqual(["a BACKUP 81 = 101 - 20 (listen web failed)", "b MASTER 100"]);
    expect(down.standings.a?.priority).toMatchObject({ total: 81, effective: 81 });
    expect(row(rows, "both: servers of web down").owners).toEqual(["a"]);
  });

  test("with equal priorities whoever starts first keeps it, and nothing moves back", () => {
    const rows = truthTable(pairOf(ours(100), ours(100)));
    expect(row(rows, "start: a first").owners).toEqual(["a"]);
    expect(row(rows, "start: b first").owners).toEqual(["b"]);
    // The higher address wins a simultaneous start.
    expect(row(rows, "start: both at once").owners).toEqual(["b"]);
    expect(row(rows, "b: host dead")).toMatchObject({ owners: ["a"], movesBack: false });
  });

  test("nopreempt keeps it where it went", () => {
    const rows = truthTable(pairOf(ours(101, "nopreempt = true"), ours(100, "nopreempt = true")));
    expect(row(rows, "a: host dead")).toMatchObject({ owners: ["b"], movesBack: false });
  });

  test("preempt_delay is waited for: it moves back in the end", () => {
    const rows = truthTable(pairOf(ours(101, 'preempt_delay = "30s"'), ours(100)));
    expect(row(rows, "a: host dead")).toMatchObject({ owners: ["b"], movesBack: true });
  });

  test("a delay that is long beside the adverts is no flapping", () => {
    const fast = 'version = 3\nadvert_int = "100ms"\n';
    const rows = truthTable(pairOf(ours(101, `${fast}preempt_delay = "60s"`), ours(100, fast)));
    expect(row(rows, "start: b first")).toMatchObject({ owners: ["a"], verdict: "fine" });
  });

  test("adverts that are blocked one way make two owners only if they are the owner's", () => {
    const rows = truthTable(pairOf(ours(101), ours(100)));
    expect(row(rows, "a: its adverts blocked")).toMatchObject({ verdict: "two owners", twoOwnersMs: null });
    expect(row(rows, "b: its adverts blocked")).toMatchObject({ verdict: "fine", owners: ["a"] });
    expect(isProblem(row(rows, "a: its adverts blocked"))).toBe(false);
  });

  test("a host that can do something is better than one that can do nothing", () => {
    const listens = listen("web", 8000) + listen("api", 8001);
    const lines = 'track_listen = [{ name = "web", weight = -20 }]\ntrack_proxy = { weight = -10 }';
    const rows = truthTable(pairOf({ ...ours(101, lines), listens }, { ...ours(100, lines), listens }));
    // The dead proxy costs 10 and its listen 20, the half-dead service 20: it stays where something works.
    expect(row(rows, "b: proxy down, a: servers of web down")).toMatchObject({ owners: ["a"], verdict: "fine" });
    expect(row(rows, "a: proxy down, b: servers of web down")).toMatchObject({ owners: ["b"], verdict: "fine" });
  });
});

describe("a sync group", () => {
  test("moves as one when a member's interface fails", () => {
    const rows = truthTable(pairOf(twoMembers(101, 'sync_group = "edge"'), twoMembers(100, 'sync_group = "edge"')));
    for (const subject of ["VI_1", "VI_2", "group edge"]) {
      expect(row(rows, "a: link of eth1 down", subject)).toMatchObject({
        owners: ["b"],
        verdict: "fine",
        movesBack: true,
      });
    }
  });

  test("on one host only leaves an address without an owner", () => {
    const rows = truthTable(pairOf(twoMembers(101, ""), twoMembers(100, 'sync_group = "edge"')));
    expect(row(rows, "a: link of eth1 down", "VI_2")).toMatchObject({ verdict: "nobody", owners: [], excuse: "" });
    expect(row(rows, "a: link of eth1 down", "VI_1")).toMatchObject({ verdict: "fine", owners: ["a"] });
  });

  test("without one the members part", () => {
    const rows = truthTable(pairOf(twoMembers(101, ""), twoMembers(100, "")));
    expect(row(rows, "a: link of eth1 down", "VI_2").owners).toEqual(["b"]);
    expect(row(rows, "a: link of eth1 down", "VI_1").owners).toEqual(["a"]);
  });
});

test("problems come first, then what cannot be otherwise", () => {
  const rows = truthTable(pairOf(ours(101), ours(100)));
  const order = rows.map((each) => (isProblem(each) ? 0 : each.excuse === "" ? 2 : 1));
  expect(order).toEqual(order.toSorted());
  expect(order[0]).toBe(0);
});

test("every listen, every script and every kind of fault has its rows, within two seconds of work", () => {
  const listens = listen("web", 8000) + listen("api", 8001) + listen("db", 8002);
  const more = ["up", "disk"]
    .map((name) => `[[vrrp.script]]\nname = "${name}"\ncommand = ["/bin/true"]\nweight = -20\n`)
    .join("");
  const lines =
    'track_script = ["up", "disk"]\ntrack_listen = [{ name = "web", weight = -20 }, { name = "api", weight = -20 }, { name = "db", weight = -20 }]';
  const before = process.cpuUsage();
  const rows = truthTable(pairOf({ ...ours(101, lines), listens, more }, { ...ours(100, lines), listens, more }));
  const { user } = process.cpuUsage(before);
  expect(rows.length).toBe(3 + 2 * (2 + 3 + 2 + 1 + 6) + 1 + 7 + 2 * 6 + 2 * 3);
  expect(rows.every(({ verdict }) => verdict !== "stuck")).toBe(true);
  // Time of the processor, not of the clock: other tests run beside this one. The compiler's threads are in it.
  expect(user / 1000).toBeLessThan(4000);
});

test("thirty virtual routers on one network are some seconds of work", () => {
  const many = (priority: number): SideWishes => ({
    instances: Array.from(
      { length: 30 },
      (_, index) =>
        `[vrrp.instance.VI_${index}]\ninterface = "eth0"\nvirtual_router_id = ${index + 1}\npriority = ${priority}\nvirtual_ipaddress = ["192.0.2.${index + 1}/24"]\n`,
    ).join(""),
  });
  const before = process.cpuUsage();
  const rows = truthTable(pairOf(many(101), many(100)));
  expect(rows.filter(({ fault }) => fault === "a: host dead")).toHaveLength(30);
  expect(rows.filter(({ fault }) => fault === "a: host dead").every(({ owners }) => owners.join() === "b")).toBe(true);
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(30_000);
});
