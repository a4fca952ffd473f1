import { describe, expect, test } from "bun:test";
import { step } from "../../src/vrrp/machine.ts";
import { INITIAL, type MachineConfig } from "../../src/vrrp/states.ts";

const CONFIG: MachineConfig = {
  version: 3,
  priority: 100,
  intervalMs: 1000,
  downTimerAdverts: 3,
  preempt: true,
  preemptDelayMs: 0,
  source: Uint8Array.of(10, 9, 0, 1),
  grouped: false,
  held: false,
};

describe("a virtual router in the program that takes another one's place", () => {
  test("MASTER: says so first, renews its addresses, and has not changed its state", () => {
    const [state, effects] = step(INITIAL, { kind: "resume", standing: { kind: "master" } }, CONFIG, 500);
    expect(state).toEqual({ kind: "master", advertAtMs: 1500 });
    expect(effects.map(({ kind }) => kind)).toEqual(["advert", "hold", "resumed"]);
  });

  test("BACKUP: waits as long as the interval that it had learned asks for", () => {
    const resume = (learnedIntervalMs: number | null) =>
      step(INITIAL, { kind: "resume", standing: { kind: "backup", learnedIntervalMs } }, CONFIG, 0);
    const [own, noEffects] = resume(null);
    const [learned] = resume(5000);
    expect(noEffects).toEqual([]);
    expect(own).toMatchObject({ kind: "backup", learnedIntervalMs: null });
    expect(learned).toMatchObject({ kind: "backup", learnedIntervalMs: 5000 });
    const downAtMs = (state: typeof own) => (state.kind === "backup" ? (state.downAtMs ?? 0) : 0);
    expect(downAtMs(own)).toBeGreaterThan(3000);
    expect(downAtMs(learned)).toBeGreaterThan(15_000);
  });

  test("FAULT: stays until its causes are gone, and then listens", () => {
    const [state, effects] = step(INITIAL, { kind: "resume", standing: { kind: "fault" } }, CONFIG, 0);
    expect([state, effects]).toEqual([{ kind: "fault" }, []]);
    const [next] = step(state, { kind: "health", faults: [], waiting: [] }, CONFIG, 10);
    expect(next.kind).toBe("backup");
  });

  test("one that has begun is not moved", () => {
    const [state] = step(INITIAL, { kind: "resume", standing: { kind: "fault" } }, CONFIG, 0);
    expect(step(state, { kind: "resume", standing: { kind: "master" } }, CONFIG, 0)).toEqual([state, []]);
  });
});
