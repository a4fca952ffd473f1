import { describe, expect, test } from "bun:test";
import { step } from "../../src/vrrp/machine.ts";
import {
  type BackupState,
  type Effect,
  INITIAL,
  type MachineConfig,
  type RouterEvent,
  type RouterState,
} from "../../src/vrrp/states.ts";

const NOW = 100_000;
const CONFIG: MachineConfig = {
  version: 2,
  priority: 100,
  intervalMs: 1000,
  downTimerAdverts: 3,
  preempt: true,
  preemptDelayMs: 0,
  source: Uint8Array.of(192, 0, 2, 5),
  grouped: false,
  held: false,
};
const DOWN_MS = 3609.375;
const SKEW_MS = 609.375;
const MASTER: RouterState = { kind: "master", advertAtMs: NOW + 400 };
const FAULT: RouterState = { kind: "fault" };
const BACKUP: BackupState = {
  kind: "backup",
  sinceMs: NOW - 5000,
  downAtMs: NOW + 700,
  learnedIntervalMs: null,
  master: null,
  resigned: null,
  preemptAtMs: null,
};
const HEALTHY: RouterEvent = { kind: "health", faults: [], waiting: [] };
const SICK: RouterEvent = { kind: "health", faults: ["script chk failed"], waiting: [] };

const peerOf = (priority: number, last = 9, intervalMs = 1000, heardAtMs = NOW) => ({
  source: Uint8Array.of(192, 0, 2, last),
  priority,
  intervalMs,
  heardAtMs,
});

function advert(priority: number, last = 9, intervalMs = 1000, alone = false): RouterEvent {
  return { kind: "advert", peer: peerOf(priority, last, intervalMs), alone };
}

/** Effects as one line; transitions with their end and cause. */
function told(effects: readonly Effect[]): string {
  return effects
    .map((effect) => (effect.kind === "transition" ? `${effect.to}:${effect.cause.kind}` : effect.kind))
    .join(" ");
}

function run(state: RouterState, event: RouterEvent, changes: Partial<MachineConfig> = {}, nowMs = NOW) {
  const [next, effects] = step(state, event, { ...CONFIG, ...changes }, nowMs);
  return {
    next,
    effects: told(effects),
    downInMs: next.kind === "backup" && next.downAtMs !== null ? next.downAtMs - nowMs : null,
  };
}

describe("INIT and FAULT (RFC 9568 §6.4.1)", () => {
  test.each([
    ["starts as BACKUP with a full down interval", INITIAL, HEALTHY, {}, "backup", "BACKUP:started"],
    ["the owner is MASTER at once", INITIAL, HEALTHY, { priority: 255 }, "master", "advert hold announce MASTER:owner"],
    ["waits for trackers", INITIAL, { kind: "health", faults: [], waiting: ["proxy"] }, {}, "init", ""],
    [
      "a fault is told even before all trackers answered",
      INITIAL,
      { ...SICK, waiting: ["proxy"] } as RouterEvent,
      {},
      "fault",
      "FAULT:faults",
    ],
    ["ignores adverts in INIT", INITIAL, advert(200), {}, "init", ""],
    ["ignores adverts in FAULT", FAULT, advert(0), {}, "fault", ""],
    ["FAULT ends as BACKUP with a full down interval", FAULT, HEALTHY, {}, "backup", "BACKUP:recovered"],
    [
      "FAULT lasts while a tracker is unknown",
      FAULT,
      { kind: "health", faults: [], waiting: ["proxy"] },
      {},
      "fault",
      "",
    ],
    ["another fault in FAULT is no transition", FAULT, SICK, {}, "fault", ""],
    [
      "the owner leaves FAULT for MASTER",
      FAULT,
      HEALTHY,
      { priority: 255 },
      "master",
      "advert hold announce MASTER:owner",
    ],
    ["stop in FAULT sends nothing", FAULT, { kind: "stop" }, {}, "init", "INIT:stopped"],
  ] as const)("%s", (_name, state, event, config, kind, effects) => {
    const result = run(state, event, config);
    expect(result.next.kind).toBe(kind);
    expect(result.effects).toBe(effects);
    if (result.next.kind === "backup") expect(result.downInMs).toBe(DOWN_MS);
  });
});

describe("BACKUP (RFC 9568 §6.4.2)", () => {
  const sole = { kind: "advert", peer: peerOf(0), alone: true } as const;
  const known = (priority: number, heardAgoMs: number): BackupState => ({
    ...BACKUP,
    master: peerOf(priority, 8, 1000, NOW - heardAgoMs),
  });
  test.each([
    ["higher: the wait begins anew", BACKUP, advert(101), {}, DOWN_MS],
    ["equal: too, whatever the address", BACKUP, advert(100, 1), {}, DOWN_MS],
    ["lower: the wait goes on", BACKUP, advert(99), {}, 700],
    ["lower with nopreempt: the wait begins anew", BACKUP, advert(99), { preempt: false }, DOWN_MS],
    ["lower within preempt_delay: too", BACKUP, advert(99), { preemptDelayMs: 5000 }, DOWN_MS],
    [
      "lower after preempt_delay: the wait goes on",
      { ...BACKUP, preemptAtMs: NOW },
      advert(99),
      { preemptDelayMs: 5000 },
      700,
    ],
    ["priority 0: the skew is left", { ...BACKUP, downAtMs: NOW + 2000 }, advert(0), {}, SKEW_MS],
    ["priority 0 never makes the wait longer", { ...BACKUP, downAtMs: NOW + 10 }, advert(0), {}, 10],
    ["priority 0 from the only other router: hardly anything is left", BACKUP, sole, {}, (156 * 50) / 256],
    [
      "priority 0 within preempt_delay: no delay",
      { ...BACKUP, preemptAtMs: NOW + 5000 },
      sole,
      { preemptDelayMs: 5000 },
      (156 * 50) / 256,
    ],
    ["priority 0 of somebody else while the MASTER works: nothing", known(200, 2999), advert(0), {}, 700],
    ["but not when the MASTER is silent as well", known(200, 3000), advert(0), {}, SKEW_MS],
    ["version 3 adopts the MASTER's interval", BACKUP, advert(101, 9, 100), { version: 3 }, 360.9375],
    ["version 2 does not", BACKUP, advert(101, 9, 2000), {}, DOWN_MS],
    ["a fuller skew at a lower priority", BACKUP, advert(101), { priority: 1 }, 3996.09375],
  ] as const)("%s", (_name, state, event, config, downInMs) => {
    const result = run(state, event, config);
    expect(result.effects).toBe("");
    expect(result.downInMs).toBeCloseTo(downInMs, 9);
  });

  test("preempt_delay begins with the first lower advert, and a higher one ends it", () => {
    const config = { ...CONFIG, preemptDelayMs: 5000 };
    const [first] = step(BACKUP, advert(99), config, NOW);
    expect(first).toMatchObject({ preemptAtMs: NOW + 5000 });
    const [second] = step(first, advert(99), config, NOW + 1000);
    expect(second).toMatchObject({ preemptAtMs: NOW + 5000, downAtMs: NOW + 1000 + DOWN_MS });
    const [late] = step(second, advert(99), config, NOW + 5000);
    expect(late).toMatchObject({ downAtMs: NOW + 1000 + DOWN_MS });
    expect(step(second, advert(200), config, NOW + 2000)[0]).toMatchObject({ preemptAtMs: null });
  });

  test("takes over: advert, addresses, announcements, in this order, and tells why", () => {
    const at = (state: BackupState, nowMs = NOW + 700) => run(state, { kind: "timer" }, {}, nowMs);
    const result = at(BACKUP);
    expect(result.effects).toBe("advert hold announce MASTER:silence");
    expect(result.next).toEqual({ kind: "master", advertAtMs: NOW + 1700 });
    expect(at(BACKUP, NOW + 699.9).next).toBe(BACKUP);
    expect(at({ ...BACKUP, resigned: peerOf(0) }).effects).toEndWith("MASTER:resigned");
    expect(at(known(99, 100)).effects).toEndWith("MASTER:preempted");
    expect(at(known(99, 3000)).effects).toEndWith("MASTER:silence");
    expect(at(known(200, 3000)).effects).toEndWith("MASTER:silence");
  });

  test("a changed priority moves the end of the wait by the difference of the skews", () => {
    const changed = run(BACKUP, { kind: "configured", was: CONFIG }, { priority: 228 });
    expect(changed.downInMs).toBe(700 - 500);
    expect(run(MASTER, { kind: "configured", was: CONFIG }, { priority: 228 })).toMatchObject({
      next: MASTER,
      effects: "",
    });
  });

  test("one that was about to preempt, and is lower now, waits for the MASTER again", () => {
    const preempting = { ...BACKUP, master: peerOf(90, 9, 1000, NOW - 200) };
    const was = { ...CONFIG, priority: 100 };
    expect(run(preempting, { kind: "configured", was }, { priority: 80 }).downInMs).toBe(3000 - 200 + 687.5);
    expect(run(preempting, { kind: "configured", was }, { priority: 92 }).downInMs).toBe(700 + 31.25);
  });

  test("a MASTER's shorter interval begins now", () => {
    const event = { kind: "configured", was: { ...CONFIG, version: 3 } } as const;
    expect(run(MASTER, event, { version: 3, intervalMs: 100 }).next).toEqual({ kind: "master", advertAtMs: NOW + 100 });
    expect(run(MASTER, event, { version: 3, intervalMs: 5000 }).next).toEqual(MASTER);
  });

  test("a fault or the end is silent", () => {
    expect(run(BACKUP, SICK)).toMatchObject({ next: FAULT, effects: "FAULT:faults" });
    expect(run(BACKUP, { kind: "stop" })).toMatchObject({ next: INITIAL, effects: "INIT:stopped" });
    expect(run(BACKUP, { kind: "addressesMissing" })).toMatchObject({ next: BACKUP, effects: "" });
  });
});

describe("MASTER (RFC 9568 §6.4.3)", () => {
  test.each([
    ["priority 0: answers at once", advert(0), {}, "advert", "master"],
    ["lower: answers, and announces again", advert(99), {}, "advert hold reassert rival", "master"],
    ["equal, and its address is lower: too", advert(100, 4), {}, "advert hold reassert rival", "master"],
    [
      "equal, and its address is higher: gives way without priority 0",
      advert(100, 6),
      {},
      "release advert BACKUP:outranked",
      "backup",
    ],
    ["higher: gives way, too", advert(101, 4), {}, "release advert BACKUP:outranked", "backup"],
    [
      "nopreempt does not keep a MASTER from giving way",
      advert(101),
      { preempt: false },
      "release advert BACKUP:outranked",
      "backup",
    ],
    [
      "of two owners the higher address stays",
      advert(255, 4),
      { priority: 255 },
      "advert hold reassert rival",
      "master",
    ],
    ["and the lower one goes", advert(255, 6), { priority: 255 }, "release advert BACKUP:outranked", "backup"],
    ["a fault: priority 0, addresses off", SICK, {}, "resign release FAULT:faults", "fault"],
    ["the end: priority 0 first", { kind: "stop" }, {}, "resign release INIT:stopped", "init"],
    ["addresses are put back", { kind: "addressesMissing" }, {}, "restored hold reassert", "master"],
    [
      "a tracker that is unknown again is no fault",
      { kind: "health", faults: [], waiting: ["proxy"] },
      {},
      "",
      "master",
    ],
  ] as const)("%s", (_name, event, config, effects, kind) => {
    const result = run(MASTER, event, config);
    expect(result.effects).toBe(effects);
    expect(result.next.kind).toBe(kind);
    if (result.next.kind === "backup")
      expect(result.downInMs).toBe(3000 + ((256 - ((config as Partial<MachineConfig>).priority ?? 100)) * 1000) / 256);
    if (result.effects.startsWith("advert")) expect(result.next).toEqual({ kind: "master", advertAtMs: NOW + 1000 });
  });

  test("addresses are compared as unsigned bytes in network order (RFC 9568 §6.4.3)", () => {
    const high = {
      kind: "advert",
      peer: { ...peerOf(100), source: Uint8Array.of(192, 0, 200, 1) },
      alone: false,
    } as const;
    expect(run(MASTER, high).next.kind).toBe("backup");
  });

  test("adverts leave every interval, and renew the addresses", () => {
    const result = run(MASTER, { kind: "timer" }, {}, NOW + 400);
    expect(result).toMatchObject({ effects: "advert hold", next: { kind: "master", advertAtMs: NOW + 1400 } });
    expect(run(MASTER, { kind: "timer" }, {}, NOW + 399)).toMatchObject({ effects: "", next: MASTER });
  });

  test("as MASTER the own interval counts, after it gave way the other's", () => {
    const { next } = run(MASTER, advert(101, 9, 100), { version: 3 });
    expect(next).toMatchObject({ learnedIntervalMs: 100, downAtMs: NOW + 360.9375 });
    const [master] = step(next, { kind: "timer" }, { ...CONFIG, version: 3 }, NOW + 400);
    expect(master).toEqual({ kind: "master", advertAtMs: NOW + 1400 });
  });
});

describe("stalls", () => {
  const wake = (jumpMs = 0): RouterEvent => ({ kind: "wake", jumpMs });
  const due = (lateMs: number): RouterState => ({ kind: "master", advertAtMs: NOW - lateMs });
  test.each([
    ["late by an interval is no stall", due(1000), wake(), "", "master"],
    ["nobody can have taken over: stays, and announces with the next advert", due(1500), wake(), "stalled", "master"],
    ["somebody may have: addresses off, listens", due(2000), wake(), "stalled release BACKUP:stalled", "backup"],
    ["a set clock alone takes no address away", MASTER, wake(60_000), "stalled", "master"],
    ["nor does one set back", MASTER, wake(-60_000), "", "master"],
    ["FAULT has no timer to be late", FAULT, wake(60_000), "", "fault"],
  ] as const)("MASTER: %s", (_name, state, event, effects, kind) => {
    const result = run(state, event);
    expect(result.effects).toBe(effects);
    expect(result.next.kind).toBe(kind);
    if (result.next.kind === "backup") expect(result.downInMs).toBe(1000 + SKEW_MS);
  });

  test("a MASTER that stays sends its advert at once and announces again", () => {
    for (const [state, jumpMs] of [
      [due(1500), 0],
      [MASTER, 60_000],
    ] as const) {
      const { next } = run(state, wake(jumpMs));
      expect(run(next, { kind: "timer" })).toMatchObject({
        effects: "advert hold reassert",
        next: { advertAtMs: NOW + 1000 },
      });
    }
  });

  test("while it listens a better MASTER is obeyed, silence makes it MASTER again", () => {
    const { next } = run(due(5000), wake());
    expect(run(next, advert(101)).downInMs).toBe(DOWN_MS);
    expect(run(next, advert(99), { preempt: false }).downInMs).toBe(DOWN_MS);
    expect(run(next, advert(99)).downInMs).toBe(1000 + SKEW_MS);
    expect(run(next, { kind: "timer" }, {}, NOW + 1610).effects).toBe("advert hold announce MASTER:silence");
  });

  test("a BACKUP that woke up late does not believe in the silence: it listens for one more interval", () => {
    const state: BackupState = { ...BACKUP, downAtMs: NOW - 1001 };
    expect(run(state, wake())).toMatchObject({ effects: "stalled", downInMs: 1000 + SKEW_MS });
    expect(run({ ...BACKUP, downAtMs: NOW - 1000 }, wake())).toMatchObject({ effects: "", downInMs: -1000 });
    expect(run(BACKUP, wake(60_000)).downInMs).toBe(1000 + SKEW_MS);
    expect(run({ ...BACKUP, downAtMs: NOW + 3000 }, wake(60_000)).downInMs).toBe(3000);
  });
});

describe("released by an operator", () => {
  const released = { priority: 1 };
  const LOWEST_DOWN_MS = 3996.09375;

  test("a MASTER resigns as at a stop, and waits with the lowest priority", () => {
    const { next, effects, downInMs } = run(MASTER, { kind: "release" }, released);
    expect([effects, downInMs]).toEqual(["resign release BACKUP:released", LOWEST_DOWN_MS]);
    expect(run(next, { kind: "timer" }, released, NOW + 3997).effects).toBe("advert hold announce MASTER:silence");
  });

  test("a BACKUP obeys the MASTER that it was about to replace", () => {
    const waiting: BackupState = { ...BACKUP, master: peerOf(99), downAtMs: NOW + 10 };
    const { next, downInMs } = run(waiting, { kind: "configured", was: CONFIG }, released);
    expect(downInMs).toBe(LOWEST_DOWN_MS);
    expect(run(next, advert(99), released).downInMs).toBe(LOWEST_DOWN_MS);
    expect(run(next, { kind: "release" }, released)).toMatchObject({ next, effects: "" });
  });

  test("held it waits for ever, and is never ready for its sync group", () => {
    const held = { ...released, held: true, grouped: true };
    const { next, effects, downInMs } = run(BACKUP, { kind: "timer" }, held, NOW + 700);
    expect([effects, downInMs]).toEqual(["", LOWEST_DOWN_MS]);
    expect(run(next, { kind: "promote" }, held).effects).toBe("");
    const ready: BackupState = { ...BACKUP, downAtMs: null };
    expect(run(ready, { kind: "promote" }, held).effects).toBe("");
    expect(run(ready, { kind: "release" }, held).downInMs).toBe(LOWEST_DOWN_MS);
  });

  test("an owner starts as BACKUP; faults are faults", () => {
    expect(run(INITIAL, HEALTHY, released).effects).toBe("BACKUP:started");
    expect(run(FAULT, { kind: "release" }, released)).toMatchObject({ next: FAULT, effects: "" });
    expect(run(INITIAL, { kind: "release" }, released)).toMatchObject({ next: INITIAL, effects: "" });
  });
});

describe("sync group (keepalived)", () => {
  const grouped = { grouped: true };
  const ready: BackupState = { ...BACKUP, downAtMs: null };
  const cause = { kind: "group", group: "G", member: "VI_2", because: "stopped" } as const;

  test("an expired timer makes a member ready, and only the group makes it MASTER", () => {
    const { next, effects } = run(BACKUP, { kind: "timer" }, grouped, NOW + 700);
    expect([next, effects]).toEqual([{ ...BACKUP, downAtMs: null }, ""]);
    expect(run(next, { kind: "promote" }, grouped).effects).toBe("advert hold announce MASTER:silence");
    expect(run(BACKUP, { kind: "promote" }, grouped)).toMatchObject({ next: BACKUP, effects: "" });
  });

  test("a ready member that hears a better MASTER waits again; priority 0 and lower ones leave it ready", () => {
    expect(run(ready, advert(101), grouped).downInMs).toBe(DOWN_MS);
    expect(run(ready, advert(0), grouped).next).toMatchObject({ downAtMs: null });
    expect(run(ready, advert(99), grouped).next).toMatchObject({ downAtMs: null });
  });

  test("the owner is ready at once", () => {
    expect(run(INITIAL, HEALTHY, { grouped: true, priority: 255 })).toMatchObject({
      effects: "BACKUP:started",
      downInMs: 0,
    });
  });

  test("a member that must go tells the peers, except after a stall", () => {
    const spoken = run(MASTER, { kind: "yield", cause, resign: true }, grouped);
    expect(spoken).toMatchObject({ effects: "resign release BACKUP:group", downInMs: DOWN_MS });
    const silent = run(MASTER, { kind: "yield", cause, resign: false }, grouped);
    expect(silent).toMatchObject({ effects: "release BACKUP:group", downInMs: 1000 + SKEW_MS });
    expect(run(BACKUP, { kind: "yield", cause, resign: true }, grouped)).toMatchObject({ next: BACKUP, effects: "" });
  });

  test("a ready member whose group is gone acts at once", () => {
    expect(run(ready, { kind: "configured", was: { ...CONFIG, grouped: true } }).downInMs).toBe(0);
    expect(run(ready, { kind: "configured", was: { ...CONFIG, grouped: true } }, grouped).downInMs).toBeNull();
  });
});
