import { expect, test } from "bun:test";
import { hurriedSkewMs, masterDownMs, skewMs } from "../../src/vrrp/timers.ts";

const settings = (version: 2 | 3, priority: number, downTimerAdverts = 3) => ({ version, priority, downTimerAdverts });

test.each([
  // RFC 3768 §6.1: a part of one second, whatever the interval.
  [2, 254, 1000, 7.8125],
  [2, 100, 1000, 609.375],
  [2, 100, 5000, 609.375],
  [2, 1, 1000, 996.09375],
  [2, 255, 1000, 3.90625],
  // RFC 9568 §6.1: a part of the MASTER's interval.
  [3, 100, 1000, 609.375],
  [3, 100, 100, 60.9375],
  [3, 1, 40_950, 40_790.0390625],
  [3, 254, 10, 0.078125],
] as const)(
  "version %d, priority %d: the skew at an interval of %d ms is %d ms",
  (version, priority, intervalMs, expected) => {
    expect(skewMs(settings(version, priority), intervalMs)).toBe(expected);
  },
);

test.each([
  // The captures of keepalived: 3.610 s from the last advert to the first of priority 100; 0.362 s at 0.1 s.
  [2, 100, 1000, 3, 3609.375],
  [3, 100, 1000, 3, 3609.375],
  [3, 100, 100, 3, 360.9375],
  [2, 254, 1000, 3, 3007.8125],
  [2, 100, 5000, 3, 15_609.375],
  [2, 100, 1000, 1, 1609.375],
  [3, 100, 10, 100, 1006.09375],
] as const)(
  "version %d, priority %d, interval %d ms: %d missed adverts mean gone after %d ms",
  (version, priority, intervalMs, adverts, expected) => {
    expect(masterDownMs(settings(version, priority, adverts), intervalMs)).toBe(expected);
  },
);

test("backups one priority apart differ by 4 ms at 1 s, the higher one first", () => {
  for (let priority = 1; priority < 255; priority += 1) {
    const difference = masterDownMs(settings(2, priority), 1000) - masterDownMs(settings(2, priority + 1), 1000);
    expect(difference).toBe(3.90625);
  }
});

test("the hurried skew keeps the order of priorities, within 50 ms, and is never longer than the skew", () => {
  for (let priority = 1; priority <= 255; priority += 1) {
    for (const intervalMs of [10, 100, 1000]) {
      const hurried = hurriedSkewMs(settings(3, priority), intervalMs);
      expect(hurried).toBeLessThanOrEqual(Math.min(50, skewMs(settings(3, priority), intervalMs)));
      expect(hurried).toBeGreaterThan(priority === 255 ? 0 : hurriedSkewMs(settings(3, priority + 1), intervalMs));
    }
  }
});
