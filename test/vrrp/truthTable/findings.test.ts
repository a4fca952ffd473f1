import { describe, expect, test } from "bun:test";
import { findingsOf } from "../../../src/vrrp/truthTable/findings.ts";
import { isProblem, truthTable } from "../../../src/vrrp/truthTable/table.ts";
import { MISTAKES, SOUND } from "./mistakes.ts";
import { pairOf } from "./side.ts";

describe("a mistake is found", () => {
  for (const { name, a, b, findings, shows } of MISTAKES) {
    test(name, () => {
      const pair = pairOf(a, b);
      expect(findingsOf(pair).map(({ code }) => code)).toEqual([...findings]);
      if (shows === null) return;
      const rows = truthTable(pair).filter(({ fault }) => fault === shows.fault);
      expect(rows.map(({ verdict, owners }) => ({ verdict, owners }))).toContainEqual({
        verdict: shows.verdict,
        owners: [...shows.owners],
      });
    });
  }
});

describe("a sound pair has no finding, and nothing goes wrong that could be otherwise", () => {
  for (const [name, [a, b]] of Object.entries(SOUND)) {
    test(name, () => {
      const pair = pairOf(a, b);
      expect(findingsOf(pair)).toEqual([]);
      expect(truthTable(pair).filter(isProblem)).toEqual([]);
    });
  }
});
