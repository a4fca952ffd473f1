import { expect, test } from "bun:test";
import { SyncGroup } from "../../src/vrrp/syncGroup.ts";
import { instanceConfig } from "./lan/config.ts";
import { Stand } from "./lan/stand.ts";

const A = "192.0.2.1";

/** Two members, started; time passes for both alike. */
function pair(): { one: Stand; two: Stand; group: SyncGroup; pass(ms: number): void; states(): string } {
  const [one, two] = ["VI_1", "VI_2"].map((name) => new Stand(instanceConfig({ name, syncGroup: "edge" }))) as [
    Stand,
    Stand,
  ];
  const group = new SyncGroup("edge", [one.router, two.router]);
  for (const stand of [one, two]) stand.router.start();
  return {
    one,
    two,
    group,
    pass: (ms) => {
      for (let left = ms; left > 0; left -= 1) for (const stand of [one, two]) stand.clock.pass(1);
    },
    states: () => `${one.router.state} ${two.router.state}`,
  };
}

test("members become MASTER only when the timer of every one has expired", () => {
  const { one, two, pass, states } = pair();
  pass(2000);
  two.hear(A, { priority: 101 });
  pass(3600);
  expect(states()).toBe("BACKUP BACKUP");
  expect(one.router.isReady).toBe(true);
  pass(10);
  expect(states()).toBe("MASTER MASTER");
});

test("one better advert sends all to BACKUP, and the others tell their peers", () => {
  const { one, two, pass, states } = pair();
  pass(3610);
  for (const stand of [one, two]) stand.take();
  one.hear(A, { priority: 101 });
  expect(states()).toBe("BACKUP BACKUP");
  expect([one.take(), two.take()]).toEqual(["silence release advert 100", "advert 0 advert 0 silence release"]);
  expect(two.transitions.at(-1)?.cause).toBe(
    "sync group edge: VI_1 left MASTER: advert from 192.0.2.1 (priority 101), which ranks higher; priority 100",
  );
});

test("released one by one, both give their addresses back and say so", () => {
  const { one, two, pass, states } = pair();
  pass(3610);
  for (const stand of [one, two]) stand.take();
  const release = { hold: false, sinceWallMs: 0 };
  for (const { router } of [one, two]) router.setRelease(release);
  expect(states()).toBe("BACKUP BACKUP");
  expect([one.take(), two.take()]).toEqual(new Array(2).fill("advert 0 advert 0 silence release"));
  for (const stand of [one, two]) stand.hear(A, { priority: 2 });
  pass(3000);
  for (const stand of [one, two]) stand.hear(A, { priority: 2 });
  pass(3000);
  expect(states()).toBe("BACKUP BACKUP");
  pass(1000);
  expect(states()).toBe("MASTER MASTER");
});

test("one in FAULT brings FAULT to all, until nobody has a fault of his own", () => {
  const { one, two, pass, states } = pair();
  pass(3610);
  for (const stand of [one, two]) stand.take();
  one.router.setFault("link", "interface eth0 is down");
  expect(states()).toBe("FAULT FAULT");
  expect([one.take(), two.take()]).toEqual(new Array(2).fill("advert 0 advert 0 silence release"));
  expect(two.router.snapshot().faults).toEqual(["sync group edge: VI_1 is in FAULT: interface eth0 is down"]);
  two.router.setFault("link", "interface eth1 is down");
  one.router.setFault("link", null);
  expect(states()).toBe("FAULT FAULT");
  two.router.setFault("link", null);
  expect(states()).toBe("BACKUP BACKUP");
  pass(3610);
  expect(states()).toBe("MASTER MASTER");
});

test("a weight of one member changes its priority, and moves nobody by itself", () => {
  const { one, two, pass, states } = pair();
  pass(3610);
  one.router.setTracker({ tracker: "script chk", state: "failed", weight: -50, reverse: false, detail: "" });
  pass(1000);
  expect([states(), one.sent.at(-1)?.advert.priority, two.sent.at(-1)?.advert.priority]).toEqual([
    "MASTER MASTER",
    50,
    100,
  ]);
});

test("after a stall all let go, and the peers of none are told", () => {
  const { one, two, pass, states } = pair();
  pass(3610);
  for (const stand of [one, two]) stand.take();
  for (const stand of [one, two]) stand.clock.stall(10_000);
  one.clock.pass(0);
  expect(states()).toBe("BACKUP BACKUP");
  expect([one.take(), two.take()]).toEqual(["silence release", "silence release"]);
  pass(1700);
  expect(states()).toBe("MASTER MASTER");
});

test("a stop of one member takes no other with it", () => {
  const { one, two, pass, states } = pair();
  pass(3610);
  two.take();
  one.router.stop();
  expect([states(), two.take()]).toEqual(["INIT MASTER", ""]);
  two.router.stop();
  expect(two.take()).toBe("advert 0 advert 0 silence release");
});

test("members of a group that is no more go their own ways", () => {
  const { one, two, group, pass, states } = pair();
  pass(2000);
  two.hear(A, { priority: 101 });
  two.router.setFault("link", "interface eth1 is down");
  expect(states()).toBe("FAULT FAULT");
  group.dissolve();
  expect(states()).toBe("BACKUP FAULT");
  pass(3610);
  expect(states()).toBe("MASTER FAULT");
  one.router.stop();
  expect(one.clock.pendingMs).toEqual([]);
});
