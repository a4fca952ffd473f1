import { expect, test } from "bun:test";
import { FACILITIES, LEVELS } from "../../src/core/syslogCodes.ts";
import { levelName, priority } from "../../src/log/severity.ts";

test("every level and facility name leads to its number, and a level back", () => {
  expect(Object.entries(LEVELS).map(([, code]) => [levelName(code), code])).toEqual(Object.entries(LEVELS));
  expect(Object.values(LEVELS)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(Object.values(FACILITIES)).toEqual(Array.from({ length: 24 }, (_, code) => code));
});

test.each([
  ["local0", "info", 134],
  ["local0", "emerg", 128],
  ["local1", "alert", 137],
  ["kern", "emerg", 0],
  ["local7", "debug", 191],
])("%s.%s is <%d>", (facility, level, expected) => {
  expect(priority(FACILITIES[facility] ?? -1, LEVELS[level] ?? -1)).toBe(expected);
});

test("a number without a name stands for itself", () => {
  expect(levelName(9)).toBe("9");
});
