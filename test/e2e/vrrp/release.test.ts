import { describe, expect, test } from "bun:test";
import type { JournalEvent } from "../../../src/stats/event.ts";
import type { VrrpInstanceSnapshot } from "../../../src/stats/vrrpSnapshot.ts";
import { until } from "../../support/until.ts";
import { ctl, rewrite } from "../reload/reloading.ts";
import { killEverything } from "./support/faults.ts";
import { makeLan } from "./support/lan.ts";
import { type OurNode, ourConfig, startOurs, untilRouter } from "./support/ours.ts";
import { holds, waitForOwner } from "./support/owners.ts";
import { standOf } from "./support/pair.ts";
import { startEcho, startProber } from "./support/prober.ts";
import { V2, V3 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";
import { masterDownMs, SLACK_MS, skewMs } from "./support/timing.ts";

const skip = cannotMakeLan();

/** What the runtime API says to an order; throws what it refuses. */
async function order(node: OurNode, ...words: string[]): Promise<string> {
  const said = await ctl(node.proxy, "vrrp", ...words);
  if (said.code !== 0) throw new Error(said.stdout + said.stderr);
  return said.stdout;
}

async function events(node: OurNode): Promise<JournalEvent[]> {
  return JSON.parse((await node.proxy.status("--events", "--json")).stdout) as JournalEvent[];
}

const isReleased = ({ released }: VrrpInstanceSnapshot): boolean => released !== null;

describe("vrrp release and resume", () => {
  test.skipIf(skip).concurrent.each([
    ["keepalived", V3],
    ["keepalived", V2],
    ["haproxy-lite", V3],
  ] as const)(
    "%s beside %p: takes over at once, stays MASTER although it is the lower one, and gives way again",
    async (second, profile) => {
      const { lan, wire, first } = await standOf({ profile, second });
      const releaseMs = Date.now();
      const answer = await order(first, "release", "VI_1");
      expect(answer).toBe(`VI_1: released; ${lan.b.address} (priority 100) is MASTER now; priority 1, was 101\n`);
      const [goodbye] = wire.adverts({ from: lan.a, sinceMs: releaseMs, priority: 0 });
      const takeover = await wire.waitForAdvert({ from: lan.b, sinceMs: releaseMs });
      expect(takeover.atMs - (goodbye?.atMs ?? 0)).toBeLessThan(skewMs(profile, 100) + SLACK_MS);
      await waitForOwner(lan, lan.b);

      const router = await untilRouter(first, "the release", isReleased);
      expect(router).toMatchObject({ state: "BACKUP", faults: [], priority: { base: 101, total: 1, effective: 1 } });
      // Longer than it would have taken to preempt.
      const seen = wire.adverts({ from: lan.b, sinceMs: takeover.atMs }).length;
      await until("20 more adverts", () => wire.adverts({ from: lan.b, sinceMs: takeover.atMs }).length >= seen + 20, {
        timeoutMs: 30_000,
      });
      expect(wire.adverts({ from: lan.a, sinceMs: takeover.atMs, priority: 1 })).toEqual([]);
      expect((await first.proxy.status()).code).toBe(0);
      expect((await first.proxy.status("--why", "VI_1")).stdout).toMatch(/an operator has released it \(/);

      expect(await order(first, "resume")).toContain("VI_1: takes part again; it is BACKUP, priority 101, was 1");
      await waitForOwner(lan, lan.a, { address: profile.vip, timeoutMs: 2 * masterDownMs(profile, 100) + SLACK_MS });
      const changes = (await events(first)).filter(({ subject }) => subject.kind === "instance");
      const told = changes.map(({ change, because }) => {
        const led = changes.find(({ id }) => id === because);
        return led === undefined ? change : `${change} < ${led.change}`;
      });
      expect(told).toEqual(["BACKUP", "MASTER", "released", "BACKUP < released", "resumed", "MASTER"]);
    },
    90_000,
  );

  test.skipIf(skip).concurrent(
    "a released router takes the address when the other dies, and gives way when it is back; a held one does not",
    async () => {
      const { lan, first } = await standOf({ second: "haproxy-lite" });
      await order(first, "release", "all");
      await waitForOwner(lan, lan.b);
      await killEverything(lan.b);
      await waitForOwner(lan, lan.a);
      expect(await first.router()).toMatchObject({ state: "MASTER", priority: { effective: 1 } });

      await startOurs(lan.b, { instance: V3.ours(lan.b, "second") });
      await waitForOwner(lan, lan.b);
      expect(await order(first, "release", "VI_1", "hold")).toContain("released; it is BACKUP as before");
      await killEverything(lan.b);
      const beforeMs = Date.now();
      const { counters } = await first.router();
      await until("three down intervals", async () => Date.now() - beforeMs > 3 * masterDownMs(V3, 1), {
        timeoutMs: 20_000,
      });
      expect((await first.router()).counters).toEqual(counters);
      expect(await holds(lan.a)).toBeFalse();
      await order(first, "resume", "VI_1");
      await waitForOwner(lan, lan.a);
    },
    90_000,
  );

  test.skipIf(skip).concurrent(
    "it survives a reload and an upgrade, and takes its whole sync group with it",
    async () => {
      const lan = await makeLan();
      const other =
        '[vrrp.instance.VI_2]\ninterface = "eth0"\nsync_group = "edge"\nvirtual_router_id = 61\nversion = 3\nadvert_int = "100ms"\npriority = 101\nvirtual_ipaddress = ["10.9.0.120/24"]';
      const wishes = { instance: `${V3.ours(lan.a, "first")}\nsync_group = "edge"`, more: other };
      const first = await startOurs(lan.a, wishes);
      await startOurs(lan.b, {
        instance: `${V3.ours(lan.b, "second")}\nsync_group = "edge"`,
        more: other.replace("priority = 101", "priority = 100"),
      });
      await waitForOwner(lan, lan.a);
      await waitForOwner(lan, lan.a, { address: "10.9.0.120" });
      const answer = await order(first, "release", "VI_2");
      expect(answer).toContain("VI_1: released; 10.9.0.2 (priority 100) is MASTER now");
      expect(answer).toContain("VI_2: released; 10.9.0.2 (priority 100) is MASTER now");
      await waitForOwner(lan, lan.b);
      await waitForOwner(lan, lan.b, { address: "10.9.0.120" });

      rewrite(
        first.proxy,
        ourConfig({ ...wishes, instance: wishes.instance.replace("priority = 101", "priority = 102") }),
      );
      const reload = await ctl(first.proxy, "reload");
      expect(reload.stdout).toContain("VI_1: priority 101 → 102");
      expect(await first.router()).toMatchObject({ released: { hold: false }, priority: { base: 102, effective: 1 } });

      first.proxy.process.signal("SIGUSR2");
      await first.proxy.process.waitFor(/upgraded from/);
      for (const name of ["VI_1", "VI_2"])
        expect(await untilRouter(first, "the release", isReleased, { name })).toMatchObject({ state: "BACKUP" });
      const changes = (await events(first)).map(({ change }) => change);
      expect(changes).toContain("released");
      expect(changes.at(-1)).toBe("upgrade");

      await order(first, "resume", "edge");
      await waitForOwner(lan, lan.a);
      await waitForOwner(lan, lan.a, { address: "10.9.0.120" });
    },
    90_000,
  );
});

describe("why a virtual IP is where it is", () => {
  test.skipIf(skip).concurrent(
    "every server of a tracked listen is down: from the address to the system call",
    async () => {
      const lan = await makeLan();
      const [a, b] = [await startEcho(lan.c, 5001, "A"), await startEcho(lan.c, 5002, "B")] as const;
      const track = 'track_listen = ["tcp_service_a"]';
      const second = await startOurs(lan.b, { instance: `${V3.ours(lan.b, "second")}\n${track}`, server: b.address });
      const first = await startOurs(lan.a, { instance: `${V3.ours(lan.a, "first")}\n${track}`, server: a.address });
      const prober = await startProber(lan.c);
      await waitForOwner(lan, lan.a);
      await prober.waitFor({ name: "A" });
      await a.kill();
      await prober.waitFor({ name: "B" });
      await untilRouter(first, "A to be in FAULT", ({ state }) => state === "FAULT");

      const why = await first.proxy.status("--why", "10.9.0.100");
      expect(why.code).toBe(1);
      expect(why.stdout).toMatch(/^VI_1, which has 10\.9\.0\.100, is FAULT for /);
      expect(why.stdout).toMatch(
        /MASTER -> FAULT: listen tcp_service_a failed: .*\n +\S+: proxy tcp_service_a has no server available!\n +\S+: Server tcp_service_a\/tcp_service_a_01 is DOWN/,
      );
      expect(why.stdout).toContain(`connecting to ${a.address}: ECONNREFUSED (Connection refused)`);
      expect(why.stdout).toContain("the end of the fault: then it is BACKUP");
      const list = await events(first);
      const chain = ["FAULT", "noServer", "down"];
      let at = list.findLast(({ change }) => change === "FAULT");
      for (const change of chain) {
        expect(at?.change).toBe(change);
        at = list.find(({ id }) => id === at?.because);
      }
      const other = await second.proxy.status("--why", "VI_1");
      expect(other).toMatchObject({ code: 0, stderr: "" });
      expect(other.stdout).toContain("an advert of a priority above 100, or of 100 from a higher address");
      expect((await ctl(first.proxy, "show", "vrrp")).stdout).toMatch(/^VI_1 +FAULT +101 /m);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "a weight has moved it: what the priority lacks, and that a recovery would be enough",
    async () => {
      const lan = await makeLan();
      const a = await startEcho(lan.c, 5001, "A");
      await startOurs(lan.b, { instance: V3.ours(lan.b, "second") });
      const track = 'track_listen = [{ name = "tcp_service_a", weight = -20 }]';
      const first = await startOurs(lan.a, { instance: `${V3.ours(lan.a, "first")}\n${track}`, server: a.address });
      await waitForOwner(lan, lan.a);
      await a.kill();
      await waitForOwner(lan, lan.b);
      const { stdout } = await first.proxy.status("--why", "VI_1");
      expect(stdout).toContain(
        "    101  base, as configured\n    - 20  listen tcp_service_a failed: 0 of 1 servers usable\n",
      );
      expect(stdout).toContain(
        "a priority above 100; it has 81: 81 + 20 (listen tcp_service_a ok again) would be 101, enough",
      );
      const list = await events(first);
      const moved = list.findLast(({ subject, change }) => subject.kind === "instance" && change === "BACKUP");
      const lowered = list.find(({ id }) => id === moved?.because);
      expect([lowered?.change, list.find(({ id }) => id === lowered?.because)?.change]).toEqual([
        "priority",
        "noServer",
      ]);
    },
    60_000,
  );
});
