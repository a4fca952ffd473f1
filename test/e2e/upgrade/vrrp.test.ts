import { describe, expect, test } from "bun:test";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { until } from "../../support/until.ts";
import { makeLan } from "../vrrp/support/lan.ts";
import { ourConfig, untilRouter } from "../vrrp/support/ours.ts";
import { holds, ownersOf, waitForOwner } from "../vrrp/support/owners.ts";
import { standOf } from "../vrrp/support/pair.ts";
import { V2, V3 } from "../vrrp/support/profiles.ts";
import { cannotMakeLan } from "../vrrp/support/skip.ts";
import { longestPauseMs, record } from "../vrrp/support/wire.ts";
import { catchInstant, isSuccessor } from "./instants.ts";
import { compiledVariants, startUpgradable } from "./versions.ts";

const skip = cannotMakeLan();
const versions = compiledVariants("hangingProxy");

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
      expect(longestPauseMs(adverts)).toBeLessThan(3 * V3.advertMs);
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

  test.skipIf(skip)(
    "whose file has a running router no more: is refused, and that router goes on",
    async () => {
      const { lan, wire, first } = await standOf();
      const { proxy } = first;
      const text = readFileSync(proxy.configFile, "utf8");
      const refused: [string, string][] = [
        [text.replace("[vrrp.instance.VI_1]", "[vrrp.instance.VI_9]"), "runs and is not in the file"],
        [text.replace("virtual_router_id = 51", "virtual_router_id = 52"), "is another virtual router in the file"],
      ];
      for (const [changed, why] of refused) {
        const [from, sinceMs] = [first.output().length, Date.now()];
        writeFileSync(proxy.configFile, changed);
        proxy.process.signal("SIGUSR2");
        await proxy.process.waitFor(`[vrrp.instance.VI_1] ${why}: reload first`, { from });
        await until("10 adverts", () => wire.adverts({ from: lan.a, sinceMs }).length >= 10);
        expect(longestPauseMs(wire.adverts({ sinceMs }))).toBeLessThan(3 * V3.advertMs);
        expect(await ownersOf(lan)).toBe("A");
      }
    },
    60_000,
  );

  test.skipIf(skip)(
    "that is rolled back: the routers that ran go on, and one that was new says farewell",
    async () => {
      const lan = await makeLan();
      const wire = await record(lan);
      const config = ourConfig({ instance: V3.ours(lan.a, "first") });
      const proxy = await startUpgradable(config, { inside: lan.a.ns.inside([]) });
      await waitForOwner(lan, lan.a);
      const more = V3.ours(lan.a, "first").replace("= 51", "= 52").replaceAll("10.9.0.10", "10.9.0.20");
      appendFileSync(proxy.configFile, `\n[vrrp.instance.VI_2]\ninterface = "eth0"\n${more}\n`);
      proxy.put(versions.hangingProxy);
      const [from, sinceMs] = [proxy.output().length, Date.now()];
      proxy.process.signal("SIGUSR2");
      await until("the new router's address", () => holds(lan.a, "10.9.0.200"));
      await proxy.process.waitFor("upgrade failed", { from, timeoutMs: 20_000 });
      await until("10 adverts more", () => wire.adverts({ from: lan.a, sinceMs: Date.now() - 1000 }).length >= 10);
      const [old, fresh] = [51, 52].map((vrid) => wire.adverts({ sinceMs }).filter((advert) => advert.vrid === vrid));
      // A pair misses nothing before three intervals.
      expect(longestPauseMs(old ?? [])).toBeLessThan(3 * V3.advertMs);
      expect(new Set(old?.map(({ priority }) => priority))).toEqual(new Set([101]));
      expect(fresh?.at(-1)?.priority).toBe(0);
      expect(await holds(lan.a, "10.9.0.200")).toBe(false);
      expect(await ownersOf(lan)).toBe("A");
    },
    60_000,
  );

  test.skipIf(skip)(
    "that takes its time on a busy host: the stand-in's adverts and the addresses last longer than a lease",
    async () => {
      const { lan, wire, first, second } = await standOf({ second: "keepalived" });
      const { proxy } = first;
      const [heard, sinceMs] = [second?.output().length ?? 0, Date.now()];
      proxy.process.signal("SIGUSR2");
      await proxy.process.waitFor("executing");
      catchInstant("the new program", () => isSuccessor(proxy.pid));
      proxy.process.signal("SIGSTOP");
      for (let looks = 0; looks < 40; looks++) {
        expect(await ownersOf(lan)).toBe("A");
        await Bun.sleep(50);
      }
      proxy.process.signal("SIGCONT");
      await proxy.process.waitFor("upgraded from");
      await until("10 adverts more", () => wire.adverts({ from: lan.a, sinceMs: Date.now() - 1000 }).length >= 10);
      expect(await ownersOf(lan)).toBe("A");
      expect(longestPauseMs(wire.adverts({ sinceMs }))).toBeLessThan(3.6 * V3.advertMs);
      expect(second?.output().slice(heard)).not.toContain("MASTER STATE");
      expect(first.output().match(/-> MASTER/g)).toHaveLength(1);
    },
    60_000,
  );
});
