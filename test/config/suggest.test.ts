import { describe, expect, test } from "bun:test";
import { editDistance, suggest } from "../../src/config/suggest.ts";

describe("did you mean", () => {
  const known = ["interval", "fast_interval", "rise", "fall", "timeout", "retries", "weight", "maxconn", "address"];

  test.each([
    ["wieght", "weight"],
    ["adress", "address"],
    ["maxcon", "maxconn"],
    ["max-conn", "maxconn"],
    ["TIMEOUT", "timeout"],
    ["timeouts", "timeout"],
    ["retry", "retries"],
    ["inter", "interval"],
    ["fastinter", "fast_interval"],
    ["fast-interval", "fast_interval"],
    ["addr", "address"],
  ])("%s: %s", (word, meant) => {
    expect(suggest(word, known)).toBe(meant);
  });

  test.each(["colour", "x", "", "bind", "y".repeat(100_000)])("says nothing where nothing is near: %.20s", (word) => {
    expect(suggest(word, known)).toBeNull();
  });

  test("does not offer HAProxy's word where its meaning is not known", () => {
    expect(suggest("inter", ["rise", "fall"])).toBeNull();
  });
});

test.each([
  ["", "", 0],
  ["", "abc", 3],
  ["abc", "abc", 0],
  ["abc", "acb", 1],
  ["abc", "ab", 1],
  ["abc", "xbc", 1],
  ["kitten", "sitting", 3],
  ["on-error", "ON_ERROR", 0],
])("the distance of %p and %p is %d, either way round", (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
  expect(editDistance(b, a)).toBe(distance);
});
