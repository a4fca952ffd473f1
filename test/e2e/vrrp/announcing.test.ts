import { describe, expect, test } from "bun:test";
import { until } from "../../support/until.ts";
import { DEVICE, makeLan, VIP, VIP6 } from "./support/lan.ts";
import { untilRouter } from "./support/ours.ts";
import { waitForNeighbour, waitForOwner } from "./support/owners.ts";
import { standOf, startRouter } from "./support/pair.ts";
import { startEcho, startProber } from "./support/prober.ts";
import { V3, V3_IPV6 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";
import { record } from "./support/wire.ts";

const skip = cannotMakeLan();

describe("announcements", () => {
  test.skipIf(skip).concurrent(
    "leave as the garp keys say: a burst, another after the delay, then refreshes, paced",
    async () => {
      const keys = [
        'garp_master_delay = "1s"\ngarp_master_repeat = 2\ngarp_interval = "50ms"',
        'garp_master_refresh = "2s"\ngarp_master_refresh_repeat = 1',
      ].join("\n");
      const one = { ...V3, ours: () => V3.ours(lan.a, "first").replace(', "10.9.0.101/24"', "") };
      const lan = await makeLan();
      const wire = await record(lan);
      await startRouter(lan.a, one, "first", { instance: keys });
      const seen = () => wire.announcements(VIP).filter(({ mac }) => mac === lan.a.mac);
      // Two bursts of two requests and a reply; two refreshes of one request and a reply.
      await until("two bursts and two refreshes", () => seen().length >= 10);
      const all = seen().slice(0, 10);
      const forms: string[] = all.map((frame) => ("op" in frame ? frame.op : "na"));
      const burst = ["request", "request", "reply"] as const;
      expect(forms).toEqual([...burst, ...burst, "request", "reply", "request", "reply"]);
      const startMs = all[0]?.atMs ?? 0;
      const at = all.map(({ atMs }) => atMs - startMs);
      for (const [index, wanted] of [0, 50, 100, 1000, 1050, 1100, 2000, 2050, 4000, 4050].entries()) {
        expect(at[index]).toBeGreaterThan(wanted - 20);
        expect(at[index]).toBeLessThan(wanted + 900);
      }
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "go on as long as another host answers for the address, and status says so",
    async () => {
      const lan = await makeLan();
      const wire = await record(lan);
      await lan.c.ns.ip("address", "add", `${VIP}/32`, "dev", DEVICE);
      const keys = 'garp_master_delay = "0s"\ngarp_master_refresh = "0s"\ngarp_lower_prio_delay = "1s"';
      const router = await startRouter(lan.a, V3, "first", { instance: keys });
      const { rivals } = await untilRouter(
        router,
        "three answers",
        ({ rivals: [rival] }) => (rival?.answers ?? 0) >= 3,
      );
      expect(rivals).toMatchObject([{ address: VIP, mac: lan.c.mac }]);
      // The first burst is 6 frames of each address, and each answer brings another.
      await until("bursts that answer", () => wire.announcements(VIP).length >= 4 * 6);
      expect(router.output().match(new RegExp(`alert .*${lan.c.mac}, answers for ${VIP}`, "g"))).toHaveLength(1);
      expect((await router.proxy.status()).code).toBe(1);

      await lan.c.ns.ip("address", "del", `${VIP}/32`, "dev", DEVICE);
      const quietMs = Date.now() + 1000;
      await until("no more bursts", () => Date.now() > quietMs + 2500 && wire.announcements(VIP, quietMs).length === 0);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "of an IPv6 address lead the client's neighbour table and its connections to whoever has it",
    async () => {
      const lan = await makeLan();
      const servers = [await startEcho(lan.c, 5001, "A"), await startEcho(lan.c, 5002, "B")] as const;
      const listen = `bind = "[${VIP6}]:14900"`;
      await startRouter(lan.b, V3_IPV6, "second", { listen, server: servers[1].address });
      const first = await startRouter(lan.a, V3_IPV6, "first", { listen, server: servers[0].address });
      const prober = await startProber(lan.c, VIP6);
      await waitForOwner(lan, lan.a, { address: VIP6 });
      await prober.waitFor({ name: "A" });
      await waitForNeighbour(lan.c, lan.a.mac, VIP6);
      const stopMs = Date.now();
      await first.stop();
      await prober.waitFor({ name: "B", sinceMs: stopMs });
      await waitForNeighbour(lan.c, lan.b.mac, VIP6);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "include the addresses outside of the advert, those of the other family too",
    async () => {
      const excluded = `virtual_ipaddress_excluded = ["${VIP6}/64", "10.9.0.111/24"]`;
      const { lan, wire, first, second } = await standOf({ a: { instance: excluded }, b: { instance: excluded } });
      for (const address of [VIP, VIP6, "10.9.0.111"]) {
        await waitForOwner(lan, lan.a, { address });
        await until(`${address} to be announced`, () => wire.announcements(address).length > 0);
      }
      expect(wire.adverts({ from: lan.a }).at(-1)?.addresses).toEqual([VIP, "10.9.0.101"]);
      await first.stop();
      for (const address of [VIP, VIP6, "10.9.0.111"]) await waitForOwner(lan, lan.b, { address });
      await second?.stop();
    },
    60_000,
  );
});
