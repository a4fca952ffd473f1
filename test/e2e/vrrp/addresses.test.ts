import { describe, expect, test } from "bun:test";
import { until } from "../../support/until.ts";
import { DEVICE, type Host, makeLan, VIP } from "./support/lan.ts";
import { untilRouter } from "./support/ours.ts";
import { holds, waitForNeighbour, waitForOwner } from "./support/owners.ts";
import { standOf, startRouter } from "./support/pair.ts";
import { startEcho, startProber } from "./support/prober.ts";
import { V3 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";

const skip = cannotMakeLan();

/** Seconds that the kernel will keep the address on the host without renewal; null: for ever. Throws when it is not there. */
async function lifetimeS(host: Host): Promise<number | null> {
  const said = await host.ns.ip("address", "show", "to", VIP);
  const lifetime = /valid_lft (?:(\d+)sec|forever)/.exec(said);
  if (lifetime === null) throw new Error(`${host.name} does not have ${VIP}: ${said}`);
  return lifetime[1] === undefined ? null : Number(lifetime[1]);
}

describe("the virtual address on its interface", () => {
  test.skipIf(skip).concurrent(
    "is leased, and the lease is renewed",
    async () => {
      const { lan, first } = await standOf({ second: null });
      // max(1, floor(3 * 0.1 s) - 1) = 1 s.
      expect(await lifetimeS(lan.a)).toBeLessThanOrEqual(1);
      await untilRouter(first, "three leases to pass", ({ inStateMs }) => inStateMs > 3000);
      expect(await lifetimeS(lan.a)).toBeLessThanOrEqual(1);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "comes back when it is deleted by hand, announced, without an election",
    async () => {
      const { lan, wire, first } = await standOf();
      const beganMs = Date.now();
      // Often enough that one of them is just before a renewal of the lease, which puts it back as well.
      for (let deletions = 1; deletions <= 8; deletions++) {
        const deletedMs = Date.now();
        await lan.a.ns.ip("address", "del", `${VIP}/24`, "dev", DEVICE);
        await untilRouter(
          first,
          "the address to be restored",
          ({ counters }) => counters.addressesRestored >= deletions,
        );
        await waitForOwner(lan, lan.a);
        await until("an announcement", () => wire.announcements(VIP, deletedMs).length > 0);
      }
      expect(wire.adverts({ from: lan.b, sinceMs: beganMs })).toEqual([]);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "of an earlier life is removed at the start while another router has it",
    async () => {
      const lan = await makeLan();
      await startRouter(lan.b, V3, "first");
      await waitForOwner(lan, lan.b);
      await lan.a.ns.ip("address", "add", `${VIP}/24`, "dev", DEVICE);
      await startRouter(lan.a, V3, "second");
      await waitForOwner(lan, lan.b);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "of an earlier life is not doubled when nobody else has it, and leased from then on",
    async () => {
      const lan = await makeLan();
      await lan.a.ns.ip("address", "add", `${VIP}/24`, "dev", DEVICE);
      const router = await startRouter(lan.a, V3, "first");
      await untilRouter(router, "A to be MASTER", ({ state }) => state === "MASTER");
      await until("a lease", async () => (await lifetimeS(lan.a)) !== null);
      expect((await lan.a.ns.ip("address", "show", "dev", DEVICE)).split(VIP)).toHaveLength(2);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "that another host still answers for is named with the host's MAC address",
    async () => {
      const lan = await makeLan();
      await lan.c.ns.ip("address", "add", `${VIP}/32`, "dev", DEVICE);
      const router = await startRouter(lan.a, V3, "first");
      const { rivals } = await untilRouter(router, "a rival to be seen", ({ rivals }) => rivals.length > 0);
      expect(rivals[0]).toMatchObject({ address: VIP, mac: lan.c.mac });
      expect(router.output()).toContain(lan.c.mac);
    },
    60_000,
  );
});

describe("the client", () => {
  test.skipIf(skip).concurrent(
    "is led to whoever has the address, to a listen that was bound to it all the time",
    async () => {
      const lan = await makeLan();
      const servers = [await startEcho(lan.c, 5001, "A"), await startEcho(lan.c, 5002, "B")] as const;
      // On the BACKUP this address is not there yet.
      const listen = `bind = "${VIP}:14900"`;
      await startRouter(lan.b, V3, "second", { listen, server: servers[1].address });
      const first = await startRouter(lan.a, V3, "first", { listen, server: servers[0].address });
      const prober = await startProber(lan.c);
      await waitForOwner(lan, lan.a);
      await prober.waitFor({ name: "A" });
      await waitForNeighbour(lan.c, lan.a.mac);

      const stopMs = Date.now();
      await first.stop();
      await prober.waitFor({ name: "B", sinceMs: stopMs });
      await waitForNeighbour(lan.c, lan.b.mac);
      expect(await holds(lan.a)).toBe(false);

      const returnMs = Date.now();
      await startRouter(lan.a, V3, "first", { listen, server: servers[0].address });
      await prober.waitFor({ name: "A", sinceMs: returnMs });
      await waitForNeighbour(lan.c, lan.a.mac);
    },
    60_000,
  );
});
