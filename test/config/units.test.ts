import { describe, expect, test } from "bun:test";
import { formatDuration, MAX_DURATION_MS, readDuration } from "../../src/config/units.ts";

describe("a duration", () => {
  test.each([
    ["200ms", 200],
    ["5s", 5000],
    ["1m", 60_000],
    ["2h", 7_200_000],
    ["24d", MAX_DURATION_MS],
    ["1.5s", 1500],
    ["0.07s", 70],
    ["4.35s", 4350],
    ["0s", 0],
  ])("%s is %d ms", (text, ms) => {
    expect(readDuration(text, 0, MAX_DURATION_MS)).toEqual({ ok: true, value: ms });
  });

  test.each<[unknown, string]>([
    [5, 'write "5s" for seconds or "5ms" for milliseconds'],
    ["5", 'write "5s" for seconds or "5ms" for milliseconds'],
    [1.5, 'write "1.5s" for seconds ("1.5ms", milliseconds, is finer than a millisecond)'],
    [3_000_000, 'write "3000000ms" for milliseconds ("3000000s", seconds, is too long)'],
    ["5 s", 'write "5s"'],
    ["5sec", 'write "5s"'],
    ["2 Minutes", 'write "2m"'],
    ["10S", 'write "10s"'],
    ["100us", "the finest unit is the millisecond, ms"],
    ["0.5ms", "write a whole number of milliseconds"],
  ])("%p is refused with what would be right", (raw, hint) => {
    expect(readDuration(raw, 1, MAX_DURATION_MS)).toMatchObject({ ok: false, hint });
  });

  test.each<[unknown]>([
    [-5],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    ["-5s"],
    ["s"],
    [""],
    ["1s2ms"],
    [true],
    [null],
    [{}],
    [5n ** 40n],
    ["1e3s"],
  ])("%p is none", (raw) => {
    expect(readDuration(raw, 1, MAX_DURATION_MS)).toMatchObject({ ok: false, problem: "is not a duration" });
  });

  test("has a range, its ends included", () => {
    expect(readDuration("10ms", 10, 1000).ok).toBe(true);
    expect(readDuration("1s", 10, 1000).ok).toBe(true);
    expect(readDuration("9ms", 10, 1000)).toMatchObject({ problem: "is too short" });
    expect(readDuration("1001ms", 10, 1000)).toMatchObject({ problem: "is too long" });
    expect(readDuration("99999999999999999999d", 0, MAX_DURATION_MS)).toMatchObject({ problem: "is too long" });
  });

  test("is written in the largest unit that divides it, and read back as itself", () => {
    expect([0, 1, 1500, 2000, 90_000, 120_000, 86_400_000].map(formatDuration)).toEqual([
      "0s",
      "1ms",
      "1500ms",
      "2s",
      "90s",
      "2m",
      "1d",
    ]);
    for (const ms of [7, 999, 61_000, 3_600_001, 172_800_000]) {
      expect(readDuration(formatDuration(ms), 0, MAX_DURATION_MS)).toEqual({ ok: true, value: ms });
    }
  });
});
