import { describe, expect, test } from "bun:test";
import { fullyUp, initialHealth, isTransition, isUp, nextHealth, statusText } from "../../src/health/counter.ts";

/** "p" passes, "f" fails; the status after each. */
function history(start: number, checks: string, rise: number, fall: number): string[] {
  let health = start;
  return [...checks].map((check) => {
    health = nextHealth(health, check === "p", rise, fall);
    return statusText(health, rise, fall);
  });
}

describe("rise and fall", () => {
  test("a server falls after `fall` failures in a row and rises after `rise` passes, as captured from HAProxy 2.6", () => {
    expect(history(fullyUp(3, 4), "ffffppp", 3, 4)).toEqual([
      "UP 3/4",
      "UP 2/4",
      "UP 1/4",
      "DOWN",
      "DOWN 1/3",
      "DOWN 2/3",
      "UP",
    ]);
  });

  test("a lone failure between successes does not take a server down", () => {
    expect(history(fullyUp(2, 3), "fpfpffp", 2, 3)).toEqual(["UP 2/3", "UP", "UP 2/3", "UP", "UP 2/3", "UP 1/3", "UP"]);
  });

  test("a failure on the way up starts the climb anew", () => {
    expect(history(0, "pfppfp", 3, 3)).toEqual(["DOWN 1/3", "DOWN", "DOWN 1/3", "DOWN 2/3", "DOWN", "DOWN 1/3"]);
  });

  test("with rise 1 and fall 1 every check decides", () => {
    expect(history(fullyUp(1, 1), "fpfp", 1, 1)).toEqual(["DOWN", "UP", "DOWN", "UP"]);
  });

  test("the counter never leaves 0..rise+fall-1", () => {
    for (let rise = 1; rise <= 4; rise++) {
      for (let fall = 1; fall <= 4; fall++) {
        for (let health = 0; health <= fullyUp(rise, fall); health++) {
          for (const passed of [true, false]) {
            const next = nextHealth(health, passed, rise, fall);
            expect(next).toBeGreaterThanOrEqual(0);
            expect(next).toBeLessThanOrEqual(rise + fall - 1);
          }
        }
      }
    }
  });
});

describe("initial state (rise 2, fall 3)", () => {
  test.each([
    ["up", "one failure takes it down", "f", "DOWN"],
    ["up", "one pass makes it fully up", "p", "UP"],
    ["fully-up", "two failures leave it up", "ff", "UP 1/3"],
    ["fully-up", "three take it down", "fff", "DOWN"],
    ["down", "one pass is enough", "p", "UP"],
    ["fully-down", "one pass is not enough", "p", "DOWN 1/2"],
    ["fully-down", "two are", "pp", "UP"],
  ] as const)("%s: %s", (initState, _, checks, status) => {
    expect(history(initialHealth(initState, 2, 3), checks, 2, 3).at(-1)).toBe(status);
  });

  test.each([
    ["up", true],
    ["fully-up", true],
    ["down", false],
    ["fully-down", false],
  ] as const)("%s may have traffic: %p", (initState, up) => {
    expect(isUp(initialHealth(initState, 2, 3), 2)).toBe(up);
  });
});

test("only the two ends of the counter are no transition", () => {
  expect([0, 1, 2, 3, 4].map((health) => isTransition(health, 2, 3))).toEqual([false, true, true, true, false]);
});
