import { describe, expect, test } from "bun:test";
import { median, pairedRatios, summarize, turnOrder } from "./stats.ts";

describe("median", () => {
  test("is the middle value whatever the order", () => expect(median([9, 1, 5])).toBe(5));
  test("is the mean of the two middle values of an even number", () => expect(median([1, 2, 10, 4])).toBe(3));
  test("sorts by value, not by spelling", () => expect(median([10, 9, 100])).toBe(10));
  test("leaves the list as it was", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
  test("of nothing is an error, not NaN", () => expect(() => median([])).toThrow(RangeError));
});

describe("summarize", () => {
  test("gives median, lowest and highest round", () =>
    expect(summarize([4, 8, 6])).toEqual({ median: 6, min: 4, max: 8 }));
  test("skips rounds without a value", () => expect(summarize([null, 8, 6])).toEqual({ median: 7, min: 6, max: 8 }));
  test("is null when no round has a value", () => {
    expect(summarize([])).toBeNull();
    expect(summarize([null])).toBeNull();
  });
});

describe("pairedRatios", () => {
  test("compares a round with the same round, so a machine that slows down for both does not count", () => {
    expect(pairedRatios([120, 60, 30], [100, 50, 25])).toEqual([1.2, 1.2, 1.2]);
  });
  test("has no ratio for a round that either side lacks", () => {
    expect(pairedRatios([1, null, 3], [2, 2])).toEqual([0.5, null, null]);
  });
  test("never divides by zero", () => expect(pairedRatios([1], [0])).toEqual([null]));
});

describe("turnOrder", () => {
  const orders = [0, 1, 2, 3, 4, 5, 6, 7].map((round) => turnOrder(["a", "b", "c", "d"], round).join(""));
  test("has everybody in every round", () => {
    for (const order of orders) expect([...order].toSorted().join("")).toBe("abcd");
  });
  test("lets everybody begin twice in twice as many rounds as there are contenders", () => {
    expect(
      orders
        .map((order) => order[0])
        .toSorted()
        .join(""),
    ).toBe("aabbccdd");
  });
  test("lets nobody follow the same one in more than half of the rounds", () => {
    for (const pair of ["ab", "ba", "cd", "dc"]) {
      expect(orders.filter((order) => order.includes(pair)).length).toBeLessThanOrEqual(orders.length / 2);
    }
  });
  test("of nothing is nothing", () => expect(turnOrder([], 3)).toEqual([]));
});
