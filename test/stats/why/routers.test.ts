import { describe, expect, test } from "bun:test";
import { Level } from "../../../src/core/syslogCodes.ts";
import { Journal } from "../../../src/stats/journal.ts";
import type { VrrpInstanceSnapshot, VrrpPriorityPart } from "../../../src/stats/vrrpSnapshot.ts";
import { listenWith, processWith, serverWith } from "../tableCases.ts";
import { instanceWith, vrrpWith, WALL_MS } from "../vrrpCases.ts";
import { told, whyOf, worldWith } from "./cases.ts";

const PEER = { address: "192.0.2.2", priority: 100, intervalMs: 1000, agoMs: 300 };
const WAITING = { takeoverInMs: 3305, preempt: true, preemptInMs: null };
const PROXY_OK: VrrpPriorityPart = { tracker: "proxy", state: "ok", weight: 0, reverse: false, amount: 0, detail: "" };

function part(over: Partial<VrrpPriorityPart> = {}): VrrpPriorityPart {
  return { ...PROXY_OK, tracker: "listen web", weight: -20, ...over };
}

function backup(over: Partial<VrrpInstanceSnapshot> = {}): VrrpInstanceSnapshot {
  return instanceWith({
    state: "BACKUP",
    addresses: [{ address: "192.0.2.100/24", excluded: false, present: false }],
    peer: { ...PEER, priority: 101 },
    waiting: WAITING,
    priority: { base: 100, total: 100, effective: 100, parts: [] },
    ...over,
  });
}

function worldOf(instance: VrrpInstanceSnapshot, over: Parameters<typeof worldWith>[0] = {}) {
  const world = worldWith(over);
  return { ...world, snapshot: { ...world.snapshot, vrrp: { ...vrrpWith(instance), ageMs: 0 } } };
}

const remediesOf = (instance: VrrpInstanceSnapshot) => whyOf("VI_1", worldOf(instance)).remedies;

describe("why a virtual router", () => {
  test("is MASTER: its last transition, the sum term by term, the peer, and what would end it", () => {
    const parts = [
      part({ tracker: "script chk", state: "ok", weight: 2, amount: 2, detail: "exit status 0" }),
      part({ state: "ok", detail: "2 of 2 servers usable" }),
      PROXY_OK,
    ];
    const world = worldOf(instanceWith({ priority: { base: 101, total: 103, effective: 103, parts }, peer: PEER }));
    expect(whyOf("VI_1", world)).toMatchObject({ kind: "instance", state: "MASTER", healthy: true });
    expect(told("VI_1", world)).toBe(`VI_1 is MASTER for 3d 4h, since 2026-11-19 12:05:09.000
  16:05:09.000: BACKUP -> MASTER: no advert from 192.0.2.2 (priority 100) for 3.61 s
  priority 103
    101  base, as configured
    + 2  script chk ok: exit status 0
    + 0  listen web ok: 2 of 2 servers usable
    proxy ok (weight 0: no part of the sum, FAULT when it fails)
  the other router heard last is 192.0.2.2: priority 100, 0.3s ago

what would change it:
  an advert of a priority above 103, or of 103 from a higher address
  script chk failing: its priority would be 101, still no less than the 100 of 192.0.2.2
  listen web failing: its priority would be 83, less than the 100 of 192.0.2.2
  proxy failing: FAULT, at once
  "vrrp release VI_1": it hands its addresses over and stays BACKUP
`);
  });

  test("is in FAULT: the listen that it tracks is explained in its place", () => {
    const s1 = serverWith({ name: "s1", status: "MAINT", admin: "maint" });
    const web = listenWith({ name: "web", status: "DOWN", available: false, servers: [s1] });
    const parts = [part({ weight: 0, state: "failed", detail: "0 of 1 servers usable" })];
    const instance = instanceWith({
      state: "FAULT",
      addresses: [],
      faults: ["listen web failed: 0 of 1 servers usable"],
      priority: { base: 101, total: 101, effective: 101, parts },
    });
    const why = whyOf("VI_1", worldOf(instance, { listens: [web] }));
    expect(why.healthy).toBeFalse();
    const fault = why.reasons.find(({ text }) => text.startsWith("listen web failed"));
    expect(fault?.because[0]?.text).toStartWith("0 of 1 server can take sessions; nobody serves it since");
    expect(fault?.because[0]?.because[0]?.text).toStartWith("web/s1 is MAINT");
    expect(JSON.stringify(why.reasons).match(/nobody serves it/g)).toHaveLength(1);
    expect(why.remedies).toEqual(["the end of the fault: then it is BACKUP, and listens for 3.6 s first"]);
  });

  test("has moved: the events that led to it, one behind the other", () => {
    const journal = new Journal();
    const subject = { kind: "listen", listen: "web" } as const;
    const draft = { wallMs: WALL_MS - 100, level: Level.alert, cause: null, because: [] };
    journal.add({
      ...draft,
      subject: { kind: "server", listen: "web", server: "s1" },
      change: "down",
      text: "s1 is DOWN",
    });
    journal.add({
      ...draft,
      subject,
      change: "noServer",
      text: "nobody left",
      because: [{ subject, changes: ["down"], withServers: true }],
    });
    const because = [{ subject, changes: ["noServer"] }];
    const instance = { kind: "instance", instance: "VI_1" } as const;
    journal.add({ ...draft, subject: instance, change: "MASTER", text: "moved", because });
    const [first] = whyOf("VI_1", worldOf(instanceWith(), { events: journal.events })).reasons;
    expect(first?.because).toEqual([
      { text: "16:05:08.900: nobody left", because: [{ text: "16:05:08.900: s1 is DOWN", because: [] }] },
    ]);
  });

  test("is one of an address, and its summary says so", () => {
    const world = worldOf(instanceWith());
    expect(whyOf("192.0.2.100", world).summary).toStartWith("VI_1, which has 192.0.2.100, is MASTER for");
    expect(whyOf("192.0.2.100/24", world).name).toBe("VI_1");
  });

  test("has not begun", () => {
    expect(whyOf("VI_1", worldOf(instanceWith({ state: "INIT", addresses: [] })))).toMatchObject({ healthy: false });
  });

  test("has two owners on the network", () => {
    const rivals = [{ address: "192.0.2.100", mac: "aa:bb", answers: 2, agoMs: 1000 }];
    expect(told("VI_1", worldOf(instanceWith({ rivals })))).toContain(
      "others answer for its addresses: aa:bb for 192.0.2.100",
    );
  });
});

describe("what would make a BACKUP the MASTER", () => {
  test.each<[string, Partial<VrrpInstanceSnapshot>, string[]]>([
    [
      "a lower priority than the MASTER's",
      {},
      ["a priority above 101; it has 100", "192.0.2.2 resigning, or silent for 3.6 s: then it is MASTER"],
    ],
    [
      "a tracker that fails, whose recovery is enough",
      { priority: { base: 110, total: 90, effective: 90, parts: [part({ state: "failed", amount: -20 })] } },
      [
        "a priority above 101; it has 90: 90 + 20 (listen web ok again) would be 110, enough",
        "192.0.2.2 resigning, or silent for 3.6 s: then it is MASTER",
      ],
    ],
    [
      "one whose recovery is not",
      { priority: { base: 101, total: 81, effective: 81, parts: [part({ state: "failed", amount: -20 })] } },
      [
        "a priority above 101; it has 81: 81 + 20 (listen web ok again) would be 101, not enough",
        "192.0.2.2 resigning, or silent for 3.6 s: then it is MASTER",
      ],
    ],
    [
      "an equal priority",
      { peer: PEER },
      [
        "a priority above 100; it has 100 (an equal one never replaces a running MASTER)",
        "192.0.2.2 resigning, or silent for 3.6 s: then it is MASTER",
      ],
    ],
    [
      "a higher priority",
      { peer: { ...PEER, priority: 90 } },
      [
        "nothing more: it is about to take over in 3.3 s, since 100 is more than 90",
        "192.0.2.2 resigning, or silent for 3.6 s: then it is MASTER",
      ],
    ],
    [
      "nopreempt",
      { peer: { ...PEER, priority: 90 }, waiting: { ...WAITING, preempt: false } },
      [
        "100 is more than 90, but nopreempt keeps it from taking over from a MASTER that works",
        "192.0.2.2 resigning, or silent for 3.6 s: then it is MASTER",
      ],
    ],
    [
      "preempt_delay",
      { peer: { ...PEER, priority: 90 }, waiting: { ...WAITING, preemptInMs: 4200 } },
      [
        "the end of preempt_delay in 4.2 s, and 3.6 s more: 100 is more than 90",
        "192.0.2.2 resigning, or silent for 3.6 s: then it is MASTER",
      ],
    ],
    ["nobody else", { peer: null }, ["silence for another 3.3 s: then it is MASTER"]],
    ["a peer that is silent", { peer: { ...PEER, agoMs: 9000 } }, ["silence for another 3.3 s: then it is MASTER"]],
    [
      "a sync group that is not ready",
      { syncGroup: "edge", waiting: { ...WAITING, takeoverInMs: null } },
      ["the other members of its sync group edge: they are MASTER together or not at all"],
    ],
    [
      "a release",
      {
        released: { hold: false, sinceWallMs: WALL_MS - 5000 },
        priority: {
          base: 101,
          total: 1,
          effective: 1,
          parts: [part({ tracker: "operator", state: "released", amount: -100 })],
        },
      },
      [
        '"vrrp resume VI_1": then it takes part in the election with priority 101',
        "192.0.2.2 resigning, or silent for 3.6 s: then it is MASTER",
      ],
    ],
    [
      "a release with hold",
      {
        released: { hold: true, sinceWallMs: WALL_MS - 5000 },
        priority: {
          base: 255,
          total: 1,
          effective: 1,
          parts: [part({ tracker: "operator", state: "released", amount: -254 })],
        },
      },
      ['"vrrp resume VI_1": then it takes part in the election with priority 255'],
    ],
  ])("with %s", (_with, over, remedies) => {
    expect(remediesOf(backup(over))).toEqual(remedies);
  });

  test("a released one says so, since when, and is well", () => {
    const world = worldOf(backup({ released: { hold: false, sinceWallMs: WALL_MS - 5000 } }));
    expect(whyOf("VI_1", world)).toMatchObject({
      healthy: true,
      summary: expect.stringContaining("VI_1 is BACKUP (released) for"),
    });
    expect(told("VI_1", world)).toContain(
      "an operator has released it (16:05:04.000, 5.0 s ago): it takes its addresses only while nobody else is there",
    );
  });
});

test("one that is held is well as long as somebody else has its addresses", () => {
  const released = { hold: true, sinceWallMs: WALL_MS };
  expect(whyOf("VI_1", worldOf(backup({ released }))).healthy).toBeTrue();
  const alone = whyOf("VI_1", worldOf(backup({ released, peer: null })));
  expect(alone.healthy).toBeFalse();
  expect(alone.reasons.map(({ text }) => text)).toContain(
    "VI_1 is held by an operator, and no other router has its addresses",
  );
  expect(whyOf("VI_1", worldOf(backup({ peer: null }))).healthy).toBeTrue();
});

test("all faults must end", () => {
  const instance = instanceWith({ state: "FAULT", faults: ["interface eth0 is down", "proxy failed: ended"] });
  expect(whyOf("VI_1", worldOf(instance)).remedies[0]).toStartWith("the end of every one of these faults");
});

test("while no proxy process answers, that is why", () => {
  const hang = "the proxy process hangs: no sign of life for 3 s; it will be replaced";
  const snapshot = { process: processWith({ hang, restarts: 1 }), listens: [], vrrp: null };
  expect(whyOf("web/s1", { ...worldWith(), snapshot })).toMatchObject({
    kind: "process",
    state: "HANGS",
    healthy: false,
    reasons: [{ text: hang }, { text: "the proxy process was started anew once" }],
  });
});
