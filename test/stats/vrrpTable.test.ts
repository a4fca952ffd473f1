import { describe, expect, test } from "bun:test";
import { exitStatus } from "../../src/cli/status.ts";
import { findProblems } from "../../src/stats/problems.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { renderStatus } from "../../src/stats/table.ts";
import { wrapped } from "../../src/stats/terminal.ts";
import type { VrrpInstanceSnapshot, VrrpPriorityPart } from "../../src/stats/vrrpSnapshot.ts";
import { BUSY, listenWith, processWith, serverWith } from "./tableCases.ts";
import { counted, instanceWith, vrrpStatusWith, WALL_MS } from "./vrrpCases.ts";

const ESCAPE = "\u001b";

function snapshotWith(...instances: Partial<VrrpInstanceSnapshot>[]): Snapshot {
  const listens = [listenWith({ name: "web", servers: [serverWith({ name: "a" })] })];
  return { process: processWith(), listens, vrrp: vrrpStatusWith(...instances.map(instanceWith)) };
}

/** What stands below the listens. */
function shown(...instances: Partial<VrrpInstanceSnapshot>[]): string {
  const text = renderStatus(snapshotWith(...instances), { colour: false, width: 100 });
  return text.slice(text.indexOf("VIRTUAL ROUTER"));
}

/** The text of one detail of a router, its lines joined. */
function detail(label: string, over: Partial<VrrpInstanceSnapshot>): string | null {
  const lines = shown(over).split("\n");
  const first = lines.findIndex((line) => line.startsWith(`  ${label.padEnd(11)}  `));
  if (first < 0) return null;
  const more = lines.slice(first + 1).findIndex((line) => !/^ {15}\S/.test(line));
  return lines
    .slice(first, first + 1 + more)
    .map((line) => line.slice(15))
    .join(" ");
}

function part(tracker: string, over: Partial<VrrpPriorityPart> = {}): VrrpPriorityPart {
  return { tracker, state: "ok", weight: 0, reverse: false, amount: 0, detail: "", ...over };
}

const STRANGER = { address: "192.0.2.100", mac: "02:00:00:00:09:02", answers: 3, agoMs: 5000 };

describe("the virtual routers in the status table", () => {
  test("are shown one by one, with all that there is to say", () => {
    const parts = [
      part("script chk_uplink", { weight: 2, amount: 2 }),
      part("listen web", { weight: -20, amount: -20, state: "failed", detail: "0 of 2 servers usable" }),
      part("proxy"),
    ];
    const busy = {
      syncGroup: "edge",
      priority: { base: 101, total: 83, effective: 83, parts },
      addresses: [
        { address: "192.0.2.100/24", excluded: false, present: true },
        { address: "192.0.2.101/24", excluded: false, present: false },
        { address: "2001:db8::100/64", excluded: true, present: true },
      ],
      peer: { address: "192.0.2.2", priority: 100, intervalMs: 1000, agoMs: 432 },
      rivals: [STRANGER],
      counters: counted({ advertsSent: 273_600, advertsReceived: 4, becameMaster: 2, releasedMaster: 1, stalls: 1 }),
      rejected: { "auth-password": 12, ttl: 1 },
    };
    const backup = {
      name: "VI_6",
      state: "BACKUP" as const,
      interface: "eth1",
      virtualRouterId: 7,
      version: 3 as const,
      family: 6 as const,
      advertIntMs: 250,
      inStateMs: 59_000,
      priority: { base: 254, total: 274, effective: 254, parts: [part("file /run/weight", { weight: 2, amount: 20 })] },
      addresses: [{ address: "fe80::100/64", excluded: false, present: false }],
      lastTransition: null,
    };
    expect(shown(busy, backup)).toBe(
      `VIRTUAL ROUTER  STATE   PRIO    FOR  ON
VI_1            MASTER    83  3d 4h  eth0, VRID 51, version 2, advert every 1s
  addresses    absent 192.0.2.101/24; present 192.0.2.100/24, 2001:db8::100/64 (excluded)
  priority     83 = 101 + 2 (script chk_uplink ok) - 20 (listen web failed: 0 of 2 servers usable);
               proxy ok
  sync group   edge
  peer         192.0.2.2, priority 100, advert every 1s, last 0.4s ago
  rivals       02:00:00:00:09:02 for 192.0.2.100 (3 answers, last 5.0s ago)
  last change  2026-11-22 16:05:09 BACKUP to MASTER: no advert from 192.0.2.2 (priority 100) for
               3.61 s
  counters     adverts sent 274k, received 4, became MASTER 2, released 1, stalls 1
  rejected     auth-password 12, ttl 1
VI_6            BACKUP   254    59s  eth1, VRID 7, version 3, advert every 0.25s
  addresses    absent fe80::100/64
  priority     254, the limit for 274 = 254 + 20 (file /run/weight ok)
  peer         none heard yet

VI_1 is MASTER without 192.0.2.101/24
VI_1 is MASTER, but others answer for its addresses: 02:00:00:00:09:02 for 192.0.2.100
`,
    );
  });

  test("say in words why one is in FAULT", () => {
    const faults = ["interface eth0 is down", "proxy failed: no sign of life for 2.1 s"];
    const output = shown({ state: "FAULT", faults });
    expect(output).toContain("  fault        interface eth0 is down; proxy failed: no sign of life for 2.1 s\n");
    expect(output).toEndWith("\nVI_1 is in FAULT: interface eth0 is down; proxy failed: no sign of life for 2.1 s\n");
  });

  test("tell how the priority comes about, whatever the trackers say", () => {
    const sum = (base: number, total: number, effective: number, ...parts: VrrpPriorityPart[]) =>
      detail("priority", { priority: { base, total, effective, parts } });
    expect(sum(101, 101, 101)).toBe("101");
    expect(sum(101, 101, 101, part("proxy"))).toBe("101; proxy ok");
    expect(sum(10, -10, 1, part("script a", { weight: -20, amount: -20, state: "failed" }))).toBe(
      "1, the limit for -10 = 10 - 20 (script a failed)",
    );
    expect(sum(101, 101, 101, part("script a", { weight: 2, state: "unknown" }))).toBe(
      "101 = 101 + 0 (script a has not answered yet)",
    );
    expect(sum(101, 91, 91, part("interface eth1", { weight: 10, amount: -10, reverse: true }))).toBe(
      "91 = 101 - 10 (interface eth1 ok, reversed)",
    );
  });

  test("leave out what never happened", () => {
    for (const label of ["fault", "sync group", "rivals", "counters", "rejected"]) expect(detail(label, {})).toBeNull();
    expect(detail("last change", { lastTransition: null })).toBeNull();
    expect(detail("addresses", { addresses: [] })).toBeNull();
  });

  test("colour states as the rest: green, yellow before the first, red when something is wrong", () => {
    const states = ["MASTER", "BACKUP", "INIT", "FAULT"] as const;
    const absent = [{ address: "192.0.2.100/24", excluded: false, present: false }];
    const here = [{ address: "192.0.2.100/24", excluded: false, present: true }];
    const instances: Partial<VrrpInstanceSnapshot>[] = [
      ...states.map((state) => ({ state, addresses: state === "MASTER" ? here : absent })),
      { state: "MASTER", addresses: absent },
      { state: "MASTER", addresses: here, rivals: [STRANGER] },
    ];
    const snapshot = snapshotWith(...instances);
    const output = renderStatus(snapshot, { colour: true, width: 100 });
    const below = output.slice(output.indexOf("VIRTUAL ROUTER"));
    const colours = [...below.matchAll(/\p{Cc}\[(\d+)m(\w+) *\p{Cc}\[0m/gu)].map(([, code, text]) => `${code} ${text}`);
    expect(colours).toEqual(["32 MASTER", "32 BACKUP", "33 INIT", "31 FAULT", "31 MASTER", "31 MASTER"]);
    expect(Bun.stripANSI(output)).toBe(renderStatus(snapshot, { colour: false, width: 100 }));
  });

  test("fit into any width from 80 columns on, whatever they are called and however much they have", () => {
    const addresses = Array.from({ length: 255 }, (_, i) => ({
      address: `192.0.2.${i}/24`,
      excluded: i % 2 === 0,
      present: i > 0,
    }));
    const wordy: Partial<VrrpInstanceSnapshot> = {
      name: "名".repeat(60),
      interface: "e".repeat(15),
      syncGroup: "g".repeat(300),
      faults: ["x".repeat(500)],
      addresses,
      counters: counted({ advertsSent: 9e15, advertsReceived: 9e15, announcements: 9e15, becameMaster: 9e15 }),
      lastTransition: { from: "BACKUP", to: "MASTER", cause: "why ".repeat(200), wallMs: WALL_MS },
      rivals: Array.from({ length: 50 }, () => STRANGER),
    };
    for (const width of [80, 100, 133]) {
      const lines = renderStatus(snapshotWith(wordy, { ...wordy, state: "FAULT" }), { colour: false, width }).split(
        "\n",
      );
      const below = lines.slice(lines.findIndex((line) => line.startsWith("VIRTUAL ROUTER")));
      for (const line of below) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
      expect(below.length).toBeLessThan(80);
    }
  });

  test("let nobody speak to the terminal", () => {
    const evil = `${ESCAPE}[2J\n`;
    const output = renderStatus(
      snapshotWith({
        name: evil,
        faults: [evil],
        state: "FAULT",
        priority: { base: 1, total: 1, effective: 1, parts: [part("script a", { detail: evil })] },
        rejected: { [evil]: 1 },
      }),
      { colour: false, width: 100 },
    );
    expect(output).not.toContain(ESCAPE);
    expect(output).toContain("?[2J?");
  });

  test("are not mentioned where there are none", () => {
    expect(renderStatus(BUSY, { colour: false, width: 100 })).not.toContain("VIRTUAL");
  });
});

describe("a virtual router is a problem", () => {
  const problems = (over: Partial<VrrpInstanceSnapshot>) => findProblems(snapshotWith(over)).routers;
  const present = (...list: boolean[]) =>
    list.map((each, i) => ({ address: `192.0.2.${100 + i}/24`, excluded: i > 0, present: each }));

  test("in FAULT, with its causes", () => {
    expect(problems({ state: "FAULT", faults: ["a", "b"] })).toEqual(["VI_1 is in FAULT: a; b"]);
    expect(problems({ state: "FAULT" })).toEqual(["VI_1 is in FAULT"]);
  });

  test("as MASTER without all of its addresses, or with somebody else who answers for them", () => {
    expect(problems({ addresses: present(true, true) })).toEqual([]);
    expect(problems({ addresses: present(true, false) })).toEqual(["VI_1 is MASTER without 192.0.2.101/24"]);
    expect(problems({ rivals: [{ ...STRANGER, agoMs: 119_999 }] })).toHaveLength(1);
    expect(problems({ rivals: [{ ...STRANGER, agoMs: 120_000 }] })).toEqual([]);
    expect(problems({ state: "BACKUP", addresses: present(false), rivals: [STRANGER] })).toEqual([]);
  });

  test("as BACKUP that still has addresses, unless they are its own", () => {
    const state = "BACKUP";
    expect(problems({ state, addresses: present(false, true) })).toEqual(["VI_1 is BACKUP, but has 192.0.2.101/24"]);
    const priority = { base: 255, total: 255, effective: 255, parts: [] };
    expect(problems({ state, addresses: present(true), priority })).toEqual([]);
  });

  test("not while it is BACKUP, or waits for its trackers", () => {
    for (const state of ["BACKUP", "INIT"] as const) expect(problems({ state, addresses: present(false) })).toEqual([]);
  });

  test("that the supervisor no longer speaks of", () => {
    const vrrp = vrrpStatusWith(instanceWith());
    const at = (ageMs: number) => findProblems({ ...BUSY, vrrp: { ...vrrp, ageMs } }).routers;
    expect(at(9999)).toEqual([]);
    expect(at(12_900)).toEqual(["the supervisor is silent: the virtual routers are shown as they were 12 s ago"]);
  });

  test("to the exit status as well", () => {
    expect(exitStatus(snapshotWith({}))).toBe(0);
    expect(exitStatus(snapshotWith({ state: "FAULT" }))).toBe(1);
  });
});

describe("a paragraph", () => {
  test("is broken between words, and cut where it has too many lines", () => {
    expect(wrapped("one two three four", 9, 3)).toEqual(["one two", "three", "four"]);
    expect(wrapped("one two three four", 9, 2)).toEqual(["one two", "three fo…"]);
    expect(wrapped("one two", 7, 3)).toEqual(["one two"]);
    expect(wrapped("exactly seven", 7, 3)).toEqual(["exactly", "seven"]);
  });

  test("is broken within a word that is longer than a line", () => {
    expect(wrapped("abcdefgh", 3, 4)).toEqual(["abc", "def", "gh"]);
    expect(wrapped("名名名", 3, 4)).toEqual(["名", "名", "名"]);
  });
});
