import { describe, expect, test } from "bun:test";
import { until } from "../../support/until.ts";
import { freeze, killEverything, thaw } from "./support/faults.ts";
import { untilRouter } from "./support/ours.ts";
import { holds, ownersUntil, waitForOwner, waitUntilGone, whoAnswers } from "./support/owners.ts";
import { standOf } from "./support/pair.ts";
import { V2, V3 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";
import { leaseMs, masterDownMs, SLACK_MS } from "./support/timing.ts";

const skip = cannotMakeLan();

describe("a router that is gone without a word", () => {
  test.skipIf(skip).concurrent(
    "after SIGKILL of everything nobody has the address until the other takes over, and never two",
    async () => {
      const { lan, wire } = await standOf({ profile: V2 });
      const killMs = Date.now();
      await killEverything(lan.a);
      const seen = await ownersUntil(lan, lan.b, { timeoutMs: masterDownMs(V2, 100) + SLACK_MS });
      // The lease of 2 s ends 0.6 s before the earliest takeover: 2.6 s, when the last advert was just due to be followed.
      expect(seen).toEqual(["A", "", "B"]);
      expect(await whoAnswers(lan, wire)).toEqual([lan.b.mac]);
      expect(wire.adverts({ from: lan.a, sinceMs: killMs + 100 })).toEqual([]);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "a frozen MASTER loses the address, and listens before it takes it back",
    async () => {
      const { lan, wire, first } = await standOf({ profile: V2, second: "keepalived" });
      const frozen = await freeze(lan.a);
      await waitUntilGone(lan.a, V2.vip, leaseMs(V2) + SLACK_MS);
      await waitForOwner(lan, lan.b);
      await until("two adverts of B", () => wire.adverts({ from: lan.b }).length >= 2);

      const thawMs = Date.now();
      thaw(frozen);
      await waitForOwner(lan, lan.a, { timeoutMs: 2 * masterDownMs(V2, 101) + SLACK_MS });
      const back = await wire.waitForAdvert({ from: lan.a, sinceMs: thawMs });
      const heard = wire.adverts({ from: lan.b, sinceMs: thawMs }).filter(({ atMs }) => atMs < back.atMs);
      expect(heard.length).toBeGreaterThan(0);
      const announced = wire.announcements(V2.vip, back.atMs).filter(({ mac }) => mac === lan.a.mac);
      expect(announced.length).toBeGreaterThan(0);
      expect((await first.router()).counters.stalls).toBeGreaterThan(0);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "a frozen MASTER that nobody replaced is MASTER again, with its address",
    async () => {
      const { lan, first } = await standOf({ second: null });
      const frozen = await freeze(lan.a);
      await waitUntilGone(lan.a, V3.vip, leaseMs(V3) + SLACK_MS);
      thaw(frozen);
      await waitForOwner(lan, lan.a, { timeoutMs: masterDownMs(V3, 101) + SLACK_MS });
      await untilRouter(first, "A to be MASTER", ({ state }) => state === "MASTER");
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "a frozen BACKUP reads what it missed, and stays BACKUP",
    async () => {
      const { lan, wire } = await standOf();
      const freezeMs = Date.now();
      const frozen = await freeze(lan.b);
      // Ten times as long as its down interval.
      await until("40 adverts of A", () => wire.adverts({ from: lan.a, sinceMs: freezeMs }).length >= 40, {
        timeoutMs: 10_000,
      });
      const thawMs = Date.now();
      thaw(frozen);
      await until("20 more", () => wire.adverts({ from: lan.a, sinceMs: thawMs }).length >= 20);
      expect(wire.adverts({ from: lan.b, sinceMs: freezeMs })).toEqual([]);
      expect(await holds(lan.b)).toBe(false);
    },
    60_000,
  );
});
