import { describe, expect, test } from "bun:test";
import { parseIp } from "../../src/net/sockaddr.ts";
import { fittingDialect } from "../../src/vrrp/checksum.ts";
import { SimNode } from "../../src/vrrp/lan/node.ts";
import { Random } from "../../src/vrrp/lan/random.ts";
import { Segment } from "../../src/vrrp/lan/segment.ts";
import { World } from "../../src/vrrp/lan/world.ts";
import type { TrackerReport } from "../../src/vrrp/priority.ts";
import { instanceConfig } from "./lan/config.ts";
import { Stand } from "./lan/stand.ts";

const PASS = { type: "PASS", password: "myPassw0rd" } as const;
const A = "192.0.2.1";
const B = "192.0.2.9";

function script(state: TrackerReport["state"], weight = 0, detail = ""): TrackerReport {
  return { tracker: "script chk", state, weight, reverse: false, detail };
}

describe("the course of a mastership", () => {
  test("alone: addresses of an earlier life go, a down interval passes, then adverts, addresses, announcements", () => {
    const stand = new Stand();
    stand.router.start();
    expect([stand.take(), stand.router.state]).toEqual(["release", "BACKUP"]);
    stand.clock.pass(3609);
    expect(stand.take()).toBe("");
    stand.clock.pass(1);
    expect([stand.take(), stand.router.state]).toEqual(["advert 100 hold announce", "MASTER"]);
    stand.clock.pass(2000);
    expect(stand.take()).toBe("advert 100 hold advert 100 hold");
    expect(stand.transitions.map(({ from, to, cause }) => `${from} ${to}: ${cause}`)).toEqual([
      "INIT BACKUP: started, waiting for adverts; priority 100",
      "BACKUP MASTER: no advert for 3.61 s; priority 100",
    ]);
  });

  test("stop: priority 0 twice, then addresses off, and nothing ever after", () => {
    const stand = Stand.master();
    stand.router.stop();
    expect(stand.take()).toBe("advert 0 advert 0 silence release");
    expect(stand.transitions.at(-1)).toEqual({
      from: "MASTER",
      to: "INIT",
      cause: "stopped; priority 100",
      priority: 100,
      why: { kind: "stopped", trackers: [], member: null },
    });
    expect(stand.clock.pendingMs).toEqual([]);
    stand.hear(A, { priority: 200 });
    stand.router.setFault("link", "interface eth0 is down");
    stand.router.addressesMissing(["192.0.2.100/24"]);
    stand.router.reconfigure(instanceConfig({ priority: 3 }));
    stand.router.stop();
    stand.router.start();
    stand.clock.pass(100_000);
    expect([stand.take(), stand.clock.pendingMs, stand.transitions.length]).toEqual(["", [], 3]);
  });

  test("one timer at a time, whatever happens", () => {
    const stand = new Stand();
    stand.router.start();
    for (let round = 0; round < 50; round += 1) {
      stand.hear(A, { priority: round % 3 === 0 ? 0 : 90 + round });
      stand.router.setTracker(script("ok", round));
      stand.clock.pass(500);
      expect(stand.clock.pendingMs.length).toBe(1);
    }
    stand.router.setFault("link", "interface eth0 is down");
    expect(stand.clock.pendingMs).toEqual([]);
  });

  test("a timer that fires too early is set again, for the same deadline", () => {
    const stand = new Stand();
    const { clock } = stand;
    const after = clock.after.bind(clock);
    clock.after = (delayMs, fn) => after(delayMs * 0.9, fn);
    stand.router.start();
    clock.pass(3609);
    expect(stand.router.state).toBe("BACKUP");
    clock.pass(1);
    expect(stand.router.state).toBe("MASTER");
  });

  test("gives way to a better one, says to whom, and lets it know by one last advert", () => {
    const stand = Stand.master();
    stand.hear(A, { priority: 101 });
    expect(stand.take()).toBe("silence release advert 100");
    expect(stand.transitions.at(-1)?.cause).toBe(
      "advert from 192.0.2.1 (priority 101), which ranks higher; priority 100",
    );
    stand.clock.pass(3610);
    expect(stand.transitions.at(-1)?.cause).toBe("no advert from 192.0.2.1 (priority 101) for 3.61 s; priority 100");
  });

  test("a clean stop between two of ours moves the addresses within 100 ms, whatever the priorities", () => {
    for (const [low, high] of [
      [1, 2],
      [100, 101],
      [1, 254],
    ] as const) {
      const world = new World();
      const segment = new Segment(world, new Random(1), 2);
      const [a, b] = [high, low].map((priority, index) => {
        const config = instanceConfig({ priority });
        return new SimNode("AB"[index] ?? "", world, [config], [segment], [parseIp(`192.0.2.${index + 1}`)]);
      }) as [SimNode, SimNode];
      for (const node of [a, b]) node.boot();
      world.runUntil(10_000);
      expect([a.routers[0]?.state, b.routers[0]?.state]).toEqual(["MASTER", "BACKUP"]);
      a.shutDown();
      world.runUntil(10_100);
      expect(b.routers[0]?.state).toBe("MASTER");
      b.shutDown();
    }
  });

  test("with a third router in sight the skew is waited for; after an hour without a word from it, no more", () => {
    const downAfter = (silenceMs: number): number => {
      const stand = new Stand();
      stand.router.start();
      stand.hear(B, { priority: 150 });
      for (let passed = 0; passed < silenceMs; passed += 1000) {
        stand.hear(A, { priority: 200 });
        stand.clock.pass(1000);
      }
      stand.hear(A, { priority: 0 });
      return Math.round(stand.clock.pendingMs[0] ?? 0);
    };
    expect(downAfter(10_000)).toBe(609);
    expect(downAfter(3_602_000)).toBe(30);
  });

  test("by unicast it counts how many peers were configured, not how many were heard", () => {
    const waitMs = (unicastPeers: string[]): number => {
      const stand = new Stand(instanceConfig({ unicastPeers }));
      stand.router.start();
      stand.hear(A, { priority: 0, to: "192.0.2.5" });
      return Math.round(stand.clock.pendingMs[0] ?? 0);
    };
    expect(waitMs([A])).toBe(30);
    expect(waitMs([A, B])).toBe(609);
  });
});

describe("adverts that are refused", () => {
  const config = instanceConfig({ authentication: PASS });

  test("touch no timer: a stranger with another password silences nobody, and wakes nobody", () => {
    const master = Stand.master(config);
    const backup = new Stand(config);
    backup.router.start();
    for (let round = 0; round < 25; round += 1) {
      for (const stand of [master, backup]) {
        stand.hear(B, { password: "other", priority: 200 });
        stand.hear(B, { password: "other", priority: 0 });
        stand.clock.pass(200);
      }
    }
    expect(master.take()).toBe(new Array(5).fill("advert 100 hold").join(" "));
    expect(backup.transitions.at(-1)?.to).toBe("MASTER");
    expect(backup.transitions.at(-1)?.cause).toStartWith("no advert for 3.61 s");
    expect(master.router.snapshot().rejected).toEqual({ "auth-password": 50 });
    expect(master.router.snapshot().counters.advertsReceived).toBe(0);
    expect(master.router.snapshot().peer).toBeNull();
  });

  test("are logged once a cause and peer, and again an hour later with their number", () => {
    const stand = Stand.master(config);
    const line =
      "warning advert of VRID 51 on eth0 from 192.0.2.9 refused: authentication: the password differs; it announces 192.0.2.77: another virtual router with our id?";
    const stranger = { password: "other", addresses: ["192.0.2.77"] };
    for (let round = 0; round < 3; round += 1) stand.hear(B, stranger);
    expect(stand.logs).toEqual([line]);
    stand.hear(A, stranger);
    stand.hear(B, { intervalMs: 5000 });
    expect(stand.logs.length).toBe(3);
    stand.clock.pass(3_600_000);
    stand.hear(B, stranger);
    expect(stand.logs.at(-1)).toBe(`${line} (and 2 more times since the last line)`);
  });
});

describe("what a peer may do differently", () => {
  test("another list of addresses is a warning with both lists, and never an election", () => {
    const stand = new Stand();
    stand.router.start();
    for (let round = 0; round < 10; round += 1) {
      stand.hear(A, { priority: 101, addresses: ["192.0.2.100", "192.0.2.77"] });
      stand.clock.pass(1000);
    }
    expect(stand.router.state).toBe("BACKUP");
    expect(stand.logs).toEqual([
      "warning VRID 51 on eth0: 192.0.2.1 announces other addresses: theirs 192.0.2.100, 192.0.2.77; ours 192.0.2.100",
    ]);
    expect(stand.router.snapshot().counters).toMatchObject({ addressListMismatches: 10, advertsReceived: 10 });
  });

  test("its form of the checksum is answered in, to each unicast peer its own, unless one is set", () => {
    const dialects = (checksum: "auto" | "pseudo"): (string | null)[] => {
      const stand = new Stand(instanceConfig({ version: 3, unicastPeers: [A, B], checksum }));
      stand.destinations = [parseIp(A), parseIp(B)];
      stand.router.start();
      stand.hear(A, { dialect: "plain", priority: 50, to: "192.0.2.5" });
      stand.hear(B, { dialect: "pseudo", priority: 50, to: "192.0.2.5" });
      stand.clock.pass(3700);
      return stand.sent.map(({ to, message }) =>
        fittingDialect(message, { source: parseIp("192.0.2.5"), destination: parseIp(to) }, ["pseudo", "plain"]),
      );
    };
    expect(dialects("auto")).toEqual(["plain", "pseudo"]);
    expect(dialects("pseudo")).toEqual(["pseudo", "pseudo"]);
  });

  test("multicast is answered in the form heard last", () => {
    const stand = Stand.master(instanceConfig({ version: 3 }));
    stand.hear(A, { dialect: "plain", priority: 50 });
    stand.hear(A, { dialect: "plain", priority: 50 });
    const ends = { source: parseIp("192.0.2.5"), destination: parseIp("224.0.0.18") };
    expect(fittingDialect(stand.sent.at(-1)?.message ?? new Uint8Array(), ends, ["pseudo", "plain"])).toBe("plain");
    expect(stand.logs).toContain('info 192.0.2.1 makes checksums of the form "plain": so do we from now on');
  });

  test("a rival of lower rank is answered, told to the observer each time and to the log once", () => {
    const stand = Stand.master();
    for (let round = 0; round < 3; round += 1) stand.hear(A, { priority: 90 });
    expect(stand.take()).toBe(new Array(3).fill("advert 100 hold reassert").join(" "));
    expect(stand.rivals).toBe(3);
    expect(stand.logs).toEqual([
      "warning 192.0.2.1 (priority 90) is MASTER as well and ranks lower: answered and announced again",
    ]);
  });

  test("the last words of the one that was just replaced are answered, and are no rival's", () => {
    const stand = new Stand();
    stand.router.start();
    stand.clock.pass(3610);
    stand.take();
    stand.hear(A, { priority: 90 });
    expect(stand.take()).toBe("advert 100 hold reassert");
    expect(stand.rivals).toBe(0);
    stand.clock.pass(1000);
    stand.hear(A, { priority: 90 });
    expect(stand.rivals).toBe(1);
  });

  test("a second owner is told loudly by both", () => {
    for (const [from, state] of [
      [A, "MASTER"],
      [B, "BACKUP"],
    ] as const) {
      const stand = Stand.master(instanceConfig({ priority: 255 }));
      stand.hear(from, { priority: 255 });
      expect(stand.router.state).toBe(state);
      expect(stand.logs).toContain(
        `err two routers have priority 255, here and ${from} (priority 255): only one can own the addresses`,
      );
    }
  });
});

describe("late timers", () => {
  test("a frozen BACKUP reads what is queued before it believes in its timer", () => {
    const stand = new Stand();
    stand.router.start();
    stand.clock.stall(6000);
    stand.queueAdvert(A, { priority: 101 });
    stand.clock.pass(0);
    expect(stand.router.state).toBe("BACKUP");
    expect(Math.round(stand.clock.pendingMs[0] ?? 0)).toBe(3609);
  });

  test("a BACKUP that was late but heard nothing takes over after one more interval", () => {
    const stand = new Stand();
    stand.router.start();
    stand.clock.stall(10_000);
    stand.clock.pass(1609);
    expect(stand.router.state).toBe("BACKUP");
    stand.clock.pass(1);
    expect(stand.router.state).toBe("MASTER");
  });

  test("a MASTER that was silent for too long lets go before it sends or reads anything", () => {
    const stand = Stand.master();
    stand.clock.stall(5000);
    stand.queueAdvert(A, { priority: 90 });
    stand.clock.pass(0);
    expect(stand.take()).toBe("silence release");
    expect(stand.router.snapshot().counters.stalls).toBe(1);
    expect(stand.transitions.at(-1)?.cause).toStartWith("our timers ran 4.");
    stand.clock.pass(2000);
    expect(stand.take()).toStartWith("advert 100 hold announce");
    expect(stand.transitions.at(-1)?.cause).toStartWith("192.0.2.1 (priority 90) is MASTER with a lower priority");
  });

  test("lost addresses bring nothing back to a MASTER that slept", () => {
    const stand = Stand.master();
    stand.clock.stall(5000);
    stand.router.addressesMissing(["192.0.2.100/24"]);
    expect(stand.take()).toBe("silence release");
  });

  test("a short stall costs no mastership, but is made up for at once", () => {
    const stand = Stand.master();
    const waitMs = stand.clock.pendingMs[0] ?? 0;
    stand.clock.stall(waitMs + 1500);
    stand.clock.pass(0);
    expect(stand.take()).toBe("advert 100 hold reassert");
    expect(stand.router.snapshot().counters.stalls).toBe(1);
  });
});

describe("trackers and faults", () => {
  test("INIT lasts until every unweighted tracker has answered", () => {
    const stand = new Stand();
    stand.router.setTracker(script("unknown"));
    stand.router.start();
    expect(stand.router.state).toBe("INIT");
    expect(stand.router.snapshot().faults).toEqual(["script chk has not answered yet"]);
    stand.router.setTracker(script("ok"));
    expect(stand.router.state).toBe("BACKUP");
    expect(stand.clock.pendingMs).toEqual([3609.375]);
  });

  test("a fault of a MASTER: priority 0 twice, addresses off, silence; and back to BACKUP when all are gone", () => {
    const stand = Stand.master();
    stand.router.setTracker(script("failed", 0, "exit status 1"));
    stand.router.setFault("link", "interface eth0 is down");
    expect(stand.take()).toBe("advert 0 advert 0 silence release");
    expect(stand.router.snapshot()).toMatchObject({
      state: "FAULT",
      faults: ["interface eth0 is down", "script chk failed: exit status 1"],
      counters: { priorityZeroSent: 2, becameMaster: 1, releasedMaster: 1 },
    });
    stand.clock.pass(60_000);
    stand.hear(A, { priority: 0 });
    expect(stand.take()).toBe("");
    stand.router.setFault("link", null);
    expect(stand.router.state).toBe("FAULT");
    stand.router.setTracker(script("ok"));
    expect(stand.router.state).toBe("BACKUP");
    expect(stand.transitions.at(-1)?.cause).toBe("all faults are gone, waiting for adverts; priority 100");
    expect(stand.clock.pendingMs).toEqual([3609.375]);
  });

  test("weights change the priority of the next advert, and are told", () => {
    const stand = Stand.master(instanceConfig({ priority: 101 }));
    stand.router.setTracker(script("ok", 2));
    stand.router.setTracker(script("ok", 2));
    stand.clock.pass(1000);
    expect(stand.take()).toBe("advert 103 hold");
    expect([stand.priorities, stand.router.priorityOf]).toEqual([[103], 103]);
    expect(stand.logs).toEqual(["notice priority 103 = 101 + 2 (script chk ok); was 101: script chk ok"]);
    stand.hear(A, { priority: 104 });
    expect(stand.transitions.at(-1)).toMatchObject({ priority: 103, cause: expect.stringContaining("103 = 101 + 2") });
    stand.router.removeTracker("script chk");
    expect(stand.router.priorityOf).toBe(101);
  });

  test("an observer that states a fault in the middle of a transition is heard after it", () => {
    const stand = new Stand();
    stand.onTransition = ({ to }) => {
      if (to === "MASTER") stand.router.setFault("test", "no");
    };
    stand.router.start();
    stand.clock.pass(3610);
    expect(stand.take()).toBe("release advert 100 hold announce advert 0 advert 0 silence release");
    expect(stand.transitions.map(({ to }) => to)).toEqual(["BACKUP", "MASTER", "FAULT"]);
  });

  test("addresses that somebody removed are put back, and mastership stays", () => {
    const stand = Stand.master();
    stand.router.addressesMissing(["192.0.2.100/24"]);
    expect([stand.take(), stand.router.state]).toEqual(["hold reassert", "MASTER"]);
    expect(stand.logs).toEqual(["warning 192.0.2.100/24 disappeared from eth0 while MASTER: put back"]);
    expect(stand.router.snapshot().counters.addressesRestored).toBe(1);
  });

  test("a kernel that does not send is counted, and told once", () => {
    const stand = Stand.master();
    stand.sendResult = -101;
    stand.clock.pass(3000);
    expect(stand.router.snapshot().counters.sendErrors).toBe(3);
    expect(stand.logs).toEqual(["err cannot send adverts to 224.0.0.18: ENETUNREACH"]);
  });
});

describe("another configuration", () => {
  test("a MASTER stays one, says what changed, and tells its peers at once", () => {
    const stand = Stand.master();
    const addresses = [
      { address: "192.0.2.100", prefixLength: 24 },
      { address: "192.0.2.101", prefixLength: 24 },
    ];
    const changes = stand.router.reconfigure(
      instanceConfig({ priority: 90, virtualIpAddresses: addresses, mail: true }),
    );
    expect(changes).toEqual(["priority 100 → 90", "virtual_ipaddress +192.0.2.101/24", "mail changed"]);
    expect([stand.take(), stand.router.state]).toEqual(["advert 90 hold announce", "MASTER"]);
    expect(stand.sent.at(-1)?.advert.addresses.map((address) => address.join("."))).toEqual([
      "192.0.2.100",
      "192.0.2.101",
    ]);
    expect(stand.transitions.length).toBe(2);
  });

  test("the same again changes nothing", () => {
    const stand = Stand.master();
    expect(stand.router.reconfigure(instanceConfig())).toEqual([]);
    expect(stand.take()).toBe("");
  });

  test("a changed interval counts from now on", () => {
    const stand = Stand.master(instanceConfig({ version: 3 }));
    expect(stand.router.reconfigure(instanceConfig({ version: 3, advertIntMs: 100 }))).toEqual([
      "advert_int 1000 → 100 ms",
    ]);
    stand.take();
    stand.clock.pass(100);
    expect(stand.take()).toBe("advert 100 hold");
    expect(stand.sent.at(-1)?.advert.intervalMs).toBe(100);
  });

  test('with state = "MASTER" neither nopreempt nor preempt_delay has an effect', () => {
    const stand = new Stand(instanceConfig({ state: "MASTER", nopreempt: true, preemptDelayMs: 5000 }));
    stand.router.start();
    for (let round = 0; round < 7; round += 1) {
      stand.hear(A, { priority: 50 });
      stand.clock.pass(600);
    }
    expect(stand.router.state).toBe("MASTER");
  });
});

describe("released by an operator", () => {
  const RELEASE = { hold: false, sinceWallMs: 5000 };

  test("resigns, gives its addresses back, and says why with the sum; the peer then stays MASTER", () => {
    const stand = Stand.master();
    stand.router.setRelease(RELEASE);
    expect(stand.take()).toBe("advert 0 advert 0 silence release");
    expect(stand.transitions.at(-1)).toMatchObject({
      to: "BACKUP",
      cause: "released by an operator; priority 1 = 100 - 99 (operator released)",
      why: { kind: "released" },
    });
    expect(stand.logs).toEqual(["warning priority 1 = 100 - 99 (operator released); was 100: released by an operator"]);
    for (let round = 0; round < 9; round += 1) {
      stand.clock.pass(1000);
      stand.hear(A, { priority: 2 });
    }
    expect([stand.take(), stand.router.state]).toEqual(["", "BACKUP"]);
    expect(stand.router.snapshot()).toMatchObject({
      released: RELEASE,
      priority: { base: 100, total: 1, effective: 1 },
    });
  });

  test("takes the addresses back when nobody else is there, and not even then when it is held", () => {
    const stand = Stand.master();
    stand.router.setRelease(RELEASE);
    stand.take();
    stand.clock.pass(3996);
    expect(stand.router.state).toBe("BACKUP");
    stand.clock.pass(1);
    expect([stand.take(), stand.router.state]).toEqual(["advert 1 hold announce", "MASTER"]);
    stand.router.setRelease({ ...RELEASE, hold: true });
    expect(stand.take()).toBe("advert 0 advert 0 silence release");
    stand.clock.pass(60_000);
    expect([stand.take(), stand.router.state]).toEqual(["", "BACKUP"]);
    expect(stand.router.snapshot().waiting?.takeoverInMs).toBeNull();
  });

  test("resumed it preempts by its own rules", () => {
    const stand = Stand.master();
    stand.router.setRelease(RELEASE);
    stand.hear(A, { priority: 50 });
    stand.take();
    stand.router.setRelease(null);
    expect(stand.logs.at(-1)).toBe("notice priority 100; was 1: resumed by an operator");
    for (let round = 0; round < 4; round += 1) {
      stand.clock.pass(1000);
      stand.hear(A, { priority: 50 });
    }
    expect(stand.router.state).toBe("MASTER");
    expect(stand.transitions.at(-1)?.cause).toBe(
      "192.0.2.1 (priority 50) is MASTER with a lower priority; priority 100",
    );
  });

  test("before the start it is no election to take part in, and another program is told", () => {
    const stand = new Stand(instanceConfig({ priority: 255, state: "MASTER" }));
    stand.router.setRelease(RELEASE);
    stand.router.start();
    expect([stand.router.state, stand.logs]).toEqual(["BACKUP", []]);
    expect(stand.router.handOver(0)).toMatchObject({ released: RELEASE });
  });
});

test("a snapshot tells all", () => {
  const stand = new Stand(
    instanceConfig({ version: 3, virtualIpAddressesExcluded: [{ address: "192.0.2.101", prefixLength: 32 }] }),
  );
  stand.router.start();
  stand.hear(A, { priority: 101, intervalMs: 100 });
  stand.clock.pass(40);
  const { lastTransition, counters, ...snapshot } = stand.router.snapshot();
  expect(snapshot).toEqual({
    name: "VI_1",
    interface: "eth0",
    virtualRouterId: 51,
    version: 3,
    family: 4,
    state: "BACKUP",
    inStateMs: 40,
    syncGroup: null,
    released: null,
    waiting: { takeoverInMs: 321, preempt: true, preemptInMs: null },
    priority: { base: 100, total: 100, effective: 100, parts: [] },
    faults: [],
    addresses: [
      { address: "192.0.2.100/24", excluded: false, present: false },
      { address: "192.0.2.101/32", excluded: true, present: false },
    ],
    advertIntMs: 1000,
    masterDownMs: 360.9375,
    peer: { address: A, priority: 101, intervalMs: 100, agoMs: 40 },
    rivals: [],
    rejected: {},
  });
  expect(lastTransition).toMatchObject({ from: "INIT", to: "BACKUP" });
  expect(counters).toMatchObject({ advertsReceived: 1, advertsSent: 0 });
});
