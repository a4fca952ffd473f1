import { expect, test } from "bun:test";
import { count, type RiseFall, standing } from "../../../src/vrrp/trackers/riseFall.ts";

/** The states after each result, "+" a success and "-" a failure, as "o" ok, "f" failed, "u" unknown; the start first. */
function play(results: string, rise: number, fall: number, initFail = false): string {
  let now: RiseFall = { kind: "untried", initFail };
  const states = [standing(now)];
  for (const result of results) {
    now = count(now, result === "+", { rise, fall });
    states.push(standing(now));
  }
  return states.map((state) => state.charAt(0)).join("");
}

test.each([
  ["the first success counts at once", "+", 3, 3, "uo"],
  ["the first failure counts at once", "-", 3, 3, "uf"],
  ["with 1 every result counts", "+-+-", 1, 1, "uofof"],
  ["failures in a row", "+---", 1, 3, "uooof"],
  ["a success between failures starts the count again", "+--+---", 1, 3, "uooooo" + "of"],
  ["successes in a row", "-++", 2, 1, "uffo"],
  ["a failure between successes starts the count again", "-+-++", 2, 1, "uffffo"],
  ["both thresholds", "+---+-++--", 2, 2, "uoofffffoof"],
])("%s", (_what, results, rise, fall, states) => {
  expect(play(results, rise, fall)).toBe(states);
});

test("init_fail is failed until the first result, which counts at once", () => {
  expect([play("+", 3, 3, true), play("-", 3, 3, true)]).toEqual(["fo", "ff"]);
});
