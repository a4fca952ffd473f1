import { describe, expect, test } from "bun:test";
import { until } from "../../support/until.ts";
import { untilRouter } from "../vrrp/support/ours.ts";
import { ownersOf } from "../vrrp/support/owners.ts";
import { standOf } from "../vrrp/support/pair.ts";
import { V2, V3 } from "../vrrp/support/profiles.ts";
import { cannotMakeLan } from "../vrrp/support/skip.ts";
import { longestPauseMs } from "../vrrp/support/wire.ts";

const skip = cannotMakeLan();

describe("an upgrade of a host with virtual IPs", () => {
  test.skipIf(skip)(
    "that is MASTER: stays MASTER, the adverts go on, nobody is told twice, three times in a row",
    async () => {
      const { lan, wire, first } = await standOf();
      const before = await untilRouter(first, "MASTER", ({ state }) => state === "MASTER");
      const startMs = Date.now();
      for (let round = 1; round <= 3; round++) {
        const from = first.output().length;
        const sinceMs = Date.now();
        first.proxy.process.signal("SIGUSR2");
        await first.proxy.process.waitFor(/upgraded from/, { from });
        await until("20 adverts", () => wire.adverts({ from: lan.a, sinceMs }).length >= 20);
        expect(await ownersOf(lan)).toBe("A");
      }
      const adverts = wire.adverts({ sinceMs: startMs });

      expect(adverts.filter(({ priority }) => priority !== 101)).toEqual([]);
      expect(longestPauseMs(adverts)).toBeLessThanOrEqual(2 * V3.advertMs);
      const after = await untilRouter(first, "a snapshot", ({ state }) => state === "MASTER");
      expect(after.counters.becameMaster).toBe(1);
      expect(after.counters.advertsSent).toBeGreaterThan(before.counters.advertsSent);
      expect(after.lastTransition).toEqual(before.lastTransition);
      expect(after.inStateMs).toBeGreaterThan(before.inStateMs + 3000);
      expect(first.output().match(/-> MASTER/g)).toHaveLength(1);
    },
    60_000,
  );

  test.skipIf(skip)(
    "that is BACKUP: stays BACKUP without a word, and takes over when it is to",
    async () => {
      const { lan, wire, first, second } = await standOf({ profile: V3 });
      const backup = second as typeof first;
      const from = backup.output().length;
      const sinceMs = Date.now();
      backup.proxy.process.signal("SIGUSR2");
      await backup.proxy.process.waitFor(/upgraded from/, { from });
      await until("20 adverts", () => wire.adverts({ from: lan.a, sinceMs }).length >= 20);
      expect(backup.output().slice(from)).not.toContain("->");
      expect(wire.adverts({ from: lan.b, sinceMs })).toEqual([]);
      await first.stop();
      await untilRouter(backup, "MASTER", ({ state }) => state === "MASTER");
    },
    60_000,
  );

  test.skipIf(skip)(
    "that is MASTER by a script's weight: keeps it while its scripts have yet to answer",
    async () => {
      const script = '[[vrrp.script]]\nname = "chk"\ncommand = ["/bin/true"]\ninterval = "60s"\nweight = 20';
      const { lan, wire, first } = await standOf({
        a: { instance: 'priority = 90\ntrack_script = ["chk"]', more: script },
        profile: { ...V3, ours: (host, rank) => V3.ours(host, rank).replace(/priority = 101\n?/, "") },
      });
      const sinceMs = Date.now();
      const from = first.output().length;
      first.proxy.process.signal("SIGUSR2");
      await first.proxy.process.waitFor(/upgraded from/, { from });
      await until("20 adverts", () => wire.adverts({ from: lan.a, sinceMs }).length >= 20);
      expect(wire.adverts({ sinceMs }).filter(({ priority }) => priority !== 110)).toEqual([]);
    },
    60_000,
  );

  test.skipIf(skip)(
    "with version 2 at its own pace: the address never leaves",
    async () => {
      const { lan, wire, first } = await standOf({ profile: V2, second: "keepalived" });
      const sinceMs = Date.now();
      const from = first.output().length;
      first.proxy.process.signal("SIGUSR2");
      await first.proxy.process.waitFor(/upgraded from/, { from });
      await until("3 adverts", () => wire.adverts({ from: lan.a, sinceMs }).length >= 4, { timeoutMs: 15_000 });
      expect(wire.adverts({ from: lan.b, sinceMs })).toEqual([]);
      expect(await ownersOf(lan)).toBe("A");
    },
    60_000,
  );
});
