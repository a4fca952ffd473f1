import { describe, expect, test } from "bun:test";
import type { Fault } from "../../../src/vrrp/truthTable/faults.ts";
import type { Which } from "../../../src/vrrp/truthTable/pair.ts";
import type { Ability, Played } from "../../../src/vrrp/truthTable/play.ts";
import { judge } from "../../../src/vrrp/truthTable/verdict.ts";

const FULL: Ability = { all: true, something: true };
const HALF: Ability = { all: false, something: true };
const NONE: Ability = { all: false, something: false };

/** What came of a fault, with these owners at rest and hosts that could do so much. */
function played(owners: readonly Which[], could: Played["could"], settled = true): Played {
  const spell = { owners, noneMs: 0, twoMs: 0, unservedMs: 0, lastChangeMs: 0 };
  const standing = { state: "BACKUP", faults: [], sum: "", priority: null } as const;
  return { before: [0], during: spell, after: spell, settled, standings: [standing, standing], could };
}

const fault = (changes: Partial<Fault> = {}): Fault => ({
  ...{ text: "a: it", noticedMs: 0 },
  start: () => {},
  heal: () => {},
  ...changes,
});

describe("the verdict", () => {
  test("is fine where the owner serves in full, or as well as the other could", () => {
    expect(judge(played([0], [FULL, FULL]), fault()).verdict).toBe("fine");
    expect(judge(played([1], [HALF, HALF]), fault()).verdict).toBe("fine");
    expect(judge(played([0], [NONE, NONE]), fault()).verdict).toBe("fine");
    expect(judge(played([0], [HALF, NONE]), fault()).verdict).toBe("fine");
  });

  test("is stuck where the other would do better", () => {
    expect(judge(played([0], [HALF, FULL]), fault())).toEqual({ verdict: "stuck", excuse: "" });
    expect(judge(played([0], [NONE, HALF]), fault()).verdict).toBe("stuck");
  });

  test("has an excuse for nobody only where nobody could do anything", () => {
    expect(judge(played([], [NONE, NONE]), fault())).toMatchObject({
      verdict: "nobody",
      excuse: "neither host could serve",
    });
    expect(judge(played([], [NONE, HALF]), fault())).toEqual({ verdict: "nobody", excuse: "" });
  });

  test("has an excuse for two owners only where adverts are cut, or a keepalived left its address", () => {
    expect(judge(played([0, 1], [FULL, FULL]), null)).toEqual({ verdict: "two owners", excuse: "" });
    expect(judge(played([0, 1], [FULL, FULL]), fault()).excuse).toBe("");
    expect(judge(played([0, 1], [FULL, FULL]), fault({ blocksAdverts: true })).excuse).not.toBe("");
    expect(judge(played([0, 1], [FULL, FULL]), fault({ leavesAddress: true })).excuse).not.toBe("");
  });

  test("is that it flaps where it does not come to rest", () => {
    expect(judge(played([0], [FULL, FULL], false), fault())).toEqual({ verdict: "flaps", excuse: "" });
  });
});
