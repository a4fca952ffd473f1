import { describe, expect, test } from "bun:test";
import { makeLan, VIP } from "./support/lan.ts";
import { waitForNeighbour, waitForOwner, whoAnswers } from "./support/owners.ts";
import { startRouter } from "./support/pair.ts";
import { startEcho, startProber } from "./support/prober.ts";
import { V3 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";
import { record } from "./support/wire.ts";

const skip = cannotMakeLan();

/** RFC 9568 §7.3: the last byte is the VRID, 51. */
const VIRTUAL_MAC = "00:00:5e:00:01:33";

describe("use_vmac", () => {
  test.skipIf(skip).concurrent(
    "the address keeps its MAC address from one owner to the next, and the client never learns another",
    async () => {
      const lan = await makeLan();
      const wire = await record(lan);
      const servers = [await startEcho(lan.c, 5001, "A"), await startEcho(lan.c, 5002, "B")] as const;
      const instance = "use_vmac = true";
      await startRouter(lan.b, V3, "second", { instance, server: servers[1].address });
      const first = await startRouter(lan.a, V3, "first", { instance, server: servers[0].address });
      await waitForOwner(lan, lan.a);
      const prober = await startProber(lan.c);
      await prober.waitFor({ name: "A" });
      expect(await whoAnswers(lan, wire)).toEqual([VIRTUAL_MAC]);
      await waitForNeighbour(lan.c, VIRTUAL_MAC);

      const stopMs = Date.now();
      await first.stop();
      await prober.waitFor({ name: "B", sinceMs: stopMs });
      await waitForNeighbour(lan.c, VIRTUAL_MAC);
      expect(await whoAnswers(lan, wire)).toEqual([VIRTUAL_MAC]);
      // Adverts and ARP on behalf of the address come from the virtual MAC address alone; the switch follows it.
      expect([...new Set(wire.adverts().map(({ mac }) => mac))]).toEqual([VIRTUAL_MAC]);
      const spoke = wire.seen().filter((frame) => frame.kind === "arp" && frame.sender === VIP);
      expect([...new Set(spoke.map(({ mac }) => mac))]).toEqual([VIRTUAL_MAC]);
      expect(await lan.a.ns.ip("-d", "link", "show", "type", "macvlan")).toBe("");
    },
    60_000,
  );
});
