import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { until } from "../../support/until.ts";
import { makeLan, VIP } from "./support/lan.ts";
import { type OurNode, startOurs, untilRouter } from "./support/ours.ts";
import { holds, ownersOf, waitForOwner } from "./support/owners.ts";
import { standOf } from "./support/pair.ts";
import { V2, V3 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";
import { skewMs } from "./support/timing.ts";
import { longestPauseMs, record, type Wire } from "./support/wire.ts";

const skip = cannotMakeLan();

/** Changes the configuration file and tells the program; resolves when it has said something that matches. */
async function reload(node: OurNode, change: (toml: string) => string, said: RegExp): Promise<void> {
  const { configFile } = node.proxy;
  writeFileSync(configFile, change(readFileSync(configFile, "utf8")));
  const from = node.output().length;
  node.proxy.process.signal("SIGHUP");
  await node.proxy.process.waitFor(said, { from });
}

/** Nobody but A advertises, and A never pauses as long as would be noticed; 20 adverts after the reload. */
async function expectSteady(wire: Wire, from: Parameters<Wire["adverts"]>[0], sinceMs: number): Promise<void> {
  await until("20 adverts", () => wire.adverts({ ...from, sinceMs }).length >= 20);
  expect(wire.adverts({ sinceMs }).filter(({ priority }) => priority !== 101)).toEqual([]);
  // A pair misses nothing before three intervals.
  expect(longestPauseMs(wire.adverts({ ...from, sinceMs }))).toBeLessThan(3 * V3.advertMs);
}

describe("SIGHUP of the MASTER", () => {
  test.skipIf(skip).concurrent(
    "with the same file: stays MASTER, and the adverts go on",
    async () => {
      const { lan, wire, first } = await standOf({ second: "keepalived" });
      const reloadMs = Date.now();
      await reload(first, (toml) => toml, /SIGHUP: .*nothing changes/);
      await expectSteady(wire, { from: lan.a }, reloadMs);
      expect((await first.router()).counters.becameMaster).toBe(1);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "with a broken file: says so, and everything stays",
    async () => {
      const { lan, wire, first } = await standOf({ second: "keepalived" });
      const reloadMs = Date.now();
      await reload(
        first,
        (toml) => toml.replace("virtual_router_id = 51", "virtual_router_id = 510"),
        /virtual_router_id/,
      );
      await expectSteady(wire, { from: lan.a }, reloadMs);
      expect(await ownersOf(lan)).toBe("A");
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "with one more address: stays MASTER, adds it, announces it and says so",
    async () => {
      const { lan, wire, first } = await standOf();
      const reloadMs = Date.now();
      await reload(first, (toml) => toml.replace(`"${VIP}/24"`, `"${VIP}/24", "10.9.0.102/24"`), /10\.9\.0\.102/);
      await until("the address", () => holds(lan.a, "10.9.0.102"));
      await until("its announcement", () => wire.announcements("10.9.0.102").length > 0);
      await expectSteady(wire, { from: lan.a }, reloadMs);
      expect(wire.adverts({ from: lan.a }).at(-1)?.addresses).toContain("10.9.0.102");
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "with a lower priority: the other takes over",
    async () => {
      const { lan, first } = await standOf({ second: "keepalived" });
      await reload(first, (toml) => toml.replace("priority = 101", "priority = 50"), /priority/);
      await waitForOwner(lan, lan.b);
      await untilRouter(
        first,
        "BACKUP with 50",
        ({ state, priority }) => state === "BACKUP" && priority.effective === 50,
      );
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "without the instance: priority 0, and the address goes",
    async () => {
      const { lan, wire, first } = await standOf({ second: "keepalived" });
      const reloadMs = Date.now();
      await reload(first, (toml) => toml.replace(/^\[vrrp\.instance\.VI_1\][\s\S]*?(?=^\[)/m, ""), /VI_1/);
      await wire.waitForAdvert({ from: lan.a, sinceMs: reloadMs, priority: 0 });
      await waitForOwner(lan, lan.b);
    },
    60_000,
  );
});

describe("SIGTERM of the MASTER", () => {
  test.skipIf(skip).concurrent(
    "priority 0 leaves before the address is removed",
    async () => {
      const { lan, wire, first } = await standOf({ second: null });
      const monitor = lan.a.ns.start(["ip", "-ts", "monitor", "address"]);
      await until("the monitor to see", async () => {
        await lan.a.ns.ip("address", "replace", "127.0.0.77/8", "dev", "lo");
        return monitor.output().includes("127.0.0.77");
      });
      const stopMs = Date.now();
      await first.stop();
      const goodbye = await wire.waitForAdvert({ from: lan.a, sinceMs: stopMs, priority: 0 });
      await monitor.waitFor(/\[\S+\] Deleted.* inet 10\.9\.0\.100/);
      const stamp = /\[(\S+)\] Deleted.* inet 10\.9\.0\.100/.exec(monitor.output())?.[1] ?? "";
      // The stamps are the kernel's for the wire, and for the address that of its first witness.
      expect(Date.parse(stamp)).toBeGreaterThanOrEqual(Math.floor(goodbye.atMs));
      expect(wire.adverts({ from: lan.a, sinceMs: goodbye.atMs }).every(({ priority }) => priority === 0)).toBe(true);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "the only candidate takes over without its skew time, low as its priority may be",
    async () => {
      const lan = await makeLan();
      const wire = await record(lan);
      await startOurs(lan.b, { instance: V2.ours(lan.b, "second").replace("priority = 100", "priority = 1") });
      const first = await startOurs(lan.a, { instance: V2.ours(lan.a, "first") });
      await waitForOwner(lan, lan.a);
      await first.stop();
      const goodbye = await wire.waitForAdvert({ from: lan.a, priority: 0 });
      const next = await wire.waitForAdvert({ from: lan.b, sinceMs: goodbye.atMs });
      // (256 - 1) / 256 s would be the skew time.
      expect(skewMs(V2, 1)).toBeGreaterThan(990);
      expect(next.atMs - goodbye.atMs).toBeLessThan(500);
    },
    60_000,
  );
});
