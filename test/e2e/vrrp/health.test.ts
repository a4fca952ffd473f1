import { describe, expect, test } from "bun:test";
import { until } from "../../support/until.ts";
import { killProxy } from "./support/faults.ts";
import { makeLan } from "./support/lan.ts";
import { signal } from "./support/node.ts";
import { startOurs, untilRouter } from "./support/ours.ts";
import { waitForOwner } from "./support/owners.ts";
import { standOf } from "./support/pair.ts";
import { startEcho, startProber } from "./support/prober.ts";
import { V3 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";
import { SLACK_MS, skewMs } from "./support/timing.ts";

const skip = cannotMakeLan();

describe("the address follows a working proxy", () => {
  test.skipIf(skip).concurrent(
    "the proxy process is killed: two adverts of priority 0, the other takes over, and it comes back with the proxy",
    async () => {
      const { lan, wire, first } = await standOf({ second: "keepalived" });
      const killMs = Date.now();
      await killProxy(first);
      await until("priority 0 twice", () => wire.adverts({ from: lan.a, sinceMs: killMs, priority: 0 }).length >= 2);
      const [goodbye] = wire.adverts({ from: lan.a, sinceMs: killMs, priority: 0 });
      const takeover = await wire.waitForAdvert({ from: lan.b, sinceMs: killMs });
      expect(takeover.atMs - (goodbye?.atMs ?? 0)).toBeLessThan(skewMs(V3, 100) + SLACK_MS);
      await waitForOwner(lan, lan.a);
      expect((await first.router()).counters.releasedMaster).toBe(1);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "unless track_proxy is off: then a crash, and even a hang, moves nothing",
    async () => {
      const { lan, wire, first } = await standOf({ a: { instance: "track_proxy = false" } });
      const startMs = Date.now();
      const [from, dead] = [first.output().length, await first.proxyPid()];
      await killProxy(first);
      await first.proxy.process.waitFor(/proxy process \d+ is serving again/, { from });
      expect(await first.proxyPid()).not.toBe(dead);
      signal(await first.proxyPid(), "SIGSTOP");
      // The supervisor says so itself meanwhile.
      await until("the hang to be known", async () =>
        (await first.proxy.status()).stdout.includes("the proxy process hangs"),
      );
      expect((await first.router()).state).toBe("MASTER");
      expect(wire.adverts({ from: lan.a, sinceMs: startMs, priority: 0 })).toEqual([]);
      expect(wire.adverts({ from: lan.b, sinceMs: startMs })).toEqual([]);
      signal(await first.proxyPid(), "SIGCONT");
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "the proxy process hangs: the other takes over",
    async () => {
      const { lan, first } = await standOf({ second: "keepalived" });
      signal(await first.proxyPid(), "SIGSTOP");
      await waitForOwner(lan, lan.b, { timeoutMs: 20_000 });
      expect(first.output()).toMatch(/VI_1: MASTER -> FAULT: .*proxy/);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "every server of a tracked listen is down: FAULT, and back when one is up",
    async () => {
      const lan = await makeLan();
      const [a, b] = [await startEcho(lan.c, 5001, "A"), await startEcho(lan.c, 5002, "B")] as const;
      const track = 'track_listen = ["tcp_service_a"]';
      await startOurs(lan.b, { instance: `${V3.ours(lan.b, "second")}\n${track}`, server: b.address });
      const first = await startOurs(lan.a, { instance: `${V3.ours(lan.a, "first")}\n${track}`, server: a.address });
      const prober = await startProber(lan.c);
      await waitForOwner(lan, lan.a);
      await prober.waitFor({ name: "A" });

      await a.kill();
      await prober.waitFor({ name: "B" });
      const router = await untilRouter(first, "A to be in FAULT", ({ state }) => state === "FAULT");
      expect(router.faults.join()).toContain("tcp_service_a");

      await startEcho(lan.c, 5001, "A");
      await prober.waitFor({ name: "A", sinceMs: Date.now() }, { timeoutMs: 15_000 });
      await waitForOwner(lan, lan.a);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "a crash of the proxy makes no dead server alive: the address that was given up is not taken back",
    async () => {
      const lan = await makeLan();
      const track = 'track_listen = ["tcp_service_a"]';
      // Nobody is there to refuse a check: it takes all of its time to fail.
      const server = "10.9.0.77:5001";
      await startOurs(lan.b, { instance: V3.ours(lan.b, "second") });
      const first = await startOurs(lan.a, { instance: `${V3.ours(lan.a, "first")}\n${track}`, server });
      await untilRouter(first, "A to be in FAULT", ({ state }) => state === "FAULT");
      await waitForOwner(lan, lan.b);
      const [from, before] = [first.output().length, (await first.router()).counters];
      await killProxy(first);
      await first.proxy.process.waitFor(/proxy process \d+ is serving again/, { from });
      // Longer than the checks take that would say it again.
      await Bun.sleep(2000);
      const { state, counters } = await first.router();
      expect(state).toBe("FAULT");
      expect(counters.becameMaster).toBe(before.becameMaster);
      expect(first.output().slice(from)).not.toMatch(/VI_1: FAULT -> /);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "with a weight the priority falls below the other's, and status adds it up",
    async () => {
      const lan = await makeLan();
      const a = await startEcho(lan.c, 5001, "A");
      await startOurs(lan.b, { instance: V3.ours(lan.b, "second") });
      const track = 'track_listen = [{ name = "tcp_service_a", weight = -20 }]';
      const first = await startOurs(lan.a, { instance: `${V3.ours(lan.a, "first")}\n${track}`, server: a.address });
      await waitForOwner(lan, lan.a);

      await a.kill();
      await waitForOwner(lan, lan.b);
      // Addresses move a moment before the proxy process hears of it, whom `status` asks.
      const { priority } = await untilRouter(first, "A to be BACKUP", ({ state }) => state === "BACKUP");
      expect({ base: priority.base, effective: priority.effective }).toEqual({ base: 101, effective: 81 });
      expect(priority.parts).toContainEqual(expect.objectContaining({ tracker: "listen tcp_service_a", amount: -20 }));
    },
    60_000,
  );
});
