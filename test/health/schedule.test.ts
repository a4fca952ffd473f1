import { describe, expect, test } from "bun:test";
import { intervalMs, spreadMs, startOffsetsMs } from "../../src/health/schedule.ts";
import { checkConfig } from "./checks.ts";

describe("interval", () => {
  const check = checkConfig({ intervalMs: 2000, fastIntervalMs: 500, downIntervalMs: 5000, rise: 2, fall: 3 });

  test.each([
    [4, 2000],
    [3, 500],
    [2, 500],
    [1, 500],
    [0, 5000],
  ])("at health %i of 0..4 it is %i ms", (health, ms) => {
    expect(intervalMs(check, health, true)).toBe(ms);
  });

  test("it is the fast one while no check has said anything, whatever the state at the start", () => {
    expect([0, 2, 4].map((health) => intervalMs(check, health, false))).toEqual([500, 500, 500]);
  });
});

describe("spread", () => {
  test("goes from -percent to +percent of the interval", () => {
    expect(spreadMs(2000, 50, () => 0)).toBe(3000);
    expect(spreadMs(2000, 50, () => 0.5)).toBe(2000);
    expect(spreadMs(2000, 50, () => 0.999999)).toBeCloseTo(1000, 1);
  });

  test("0 percent changes nothing", () => {
    expect(spreadMs(2000, 0, () => 0.9)).toBe(2000);
  });

  test("never makes a delay that timers take for none", () => {
    expect(spreadMs(2 ** 31 - 10, 50, () => 0)).toBe(2 ** 31 - 1);
  });
});

describe("start offsets", () => {
  test("are what HAProxy 2.6 was seen to do with seven checks and one agent of different intervals", () => {
    // First results at 0.060, 0.556, 0.681, 0.807, 0.931 and 1.931 s, all within 0.06 s of i/8 of the interval.
    const inter = (fast: number, plain = fast) => checkConfig({ intervalMs: plain, fastIntervalMs: fast });
    const checks = [
      inter(200, 1000),
      inter(300),
      inter(300),
      inter(5000),
      inter(300, 5000),
      inter(1000),
      inter(300),
      inter(200),
    ];
    expect(startOffsetsMs(checks)).toEqual([0, 125, 250, 1875, 500, 625, 750, 875]);
  });

  test("twenty servers with 2 s start over 1.9 s", () => {
    const offsets = startOffsetsMs(Array.from({ length: 20 }, () => checkConfig()));
    expect(offsets[0]).toBe(0);
    expect(offsets[19]).toBe(1900);
    expect(new Set(offsets).size).toBe(20);
  });

  test("checks shorter than a second do not set the pace of others, and spread over their own interval when alone", () => {
    const fast = checkConfig({ intervalMs: 100, fastIntervalMs: 100 });
    expect(startOffsetsMs([fast, fast])).toEqual([0, 50]);
    expect(startOffsetsMs([fast, checkConfig()])).toEqual([0, 1000]);
  });

  test("servers that start down are checked at once and leave the others where they were", () => {
    const up = checkConfig({ initState: "up" });
    const down = checkConfig({ initState: "down" });
    const dead = checkConfig({ initState: "fully-down" });
    expect(startOffsetsMs([up, down, dead, up])).toEqual([0, 0, 0, 1500]);
  });

  test("no checks, no offsets", () => {
    expect(startOffsetsMs([])).toEqual([]);
  });
});
