import { describe, expect, test } from "bun:test";
import { afterCrash, NO_CRASHES } from "../../src/supervisor/backoff.ts";

/** Delays before each restart, for proxy processes that ran so long before they crashed. */
function delays(...ranMs: number[]): number[] {
  let history = NO_CRASHES;
  return ranMs.map((ran) => {
    const next = afterCrash(history, ran);
    history = next.history;
    return next.delayMs;
  });
}

describe("the restart after a crash", () => {
  test("comes at once the first time", () => {
    expect(delays(0)).toEqual([0]);
    expect(delays(3_600_000)).toEqual([0]);
  });

  test("comes twice as late each further time in a row, up to ten seconds", () => {
    expect(delays(...Array(10).fill(50))).toEqual([0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  });

  test("stays at ten seconds however long the row gets", () => {
    expect(delays(...Array(2000).fill(0)).at(-1)).toBe(10_000);
  });

  test("comes at once again when the process had run for a minute", () => {
    expect(delays(10, 10, 10, 59_999, 60_000, 10)).toEqual([0, 100, 200, 400, 0, 100]);
  });
});
