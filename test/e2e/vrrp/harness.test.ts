import { describe, expect, test } from "bun:test";
import { playFailovers } from "./support/failover.ts";
import { killProxy } from "./support/faults.ts";
import { makeLan } from "./support/lan.ts";
import { waitForNeighbour, waitForOwner } from "./support/owners.ts";
import { startEcho, startProber } from "./support/prober.ts";
import { classic, startNode, V2, V3, V3_IPV6, V3_UNICAST } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";

const skip = cannotMakeLan();

describe("the LAN of these tests, with keepalived on both hosts", () => {
  for (const profile of [V3, V3_IPV6, V3_UNICAST, V2])
    test
      .skipIf(skip)
      .concurrent(
        `shows the known failovers of ${profile.name}`,
        () => playFailovers(profile, ["keepalived", "keepalived"]),
        60_000,
      );

  test.skipIf(skip).concurrent(
    "shows what the client has of a classic pair whose haproxy dies",
    async () => {
      const lan = await makeLan();
      const pair = classic(3, 100);
      const servers = [await startEcho(lan.c, 5001, "A"), await startEcho(lan.c, 5002, "B")] as const;
      // One after the other: of two that start at once, the loser's announcement may be the last that the client hears.
      const first = await startNode("keepalived", pair, lan.a, "first", { server: servers[0].address });
      await waitForOwner(lan, lan.a);
      await startNode("keepalived", pair, lan.b, "second", { server: servers[1].address });
      const prober = await startProber(lan.c);
      await prober.waitFor({ name: "A" });
      await waitForNeighbour(lan.c, lan.a.mac);

      const faultMs = Date.now();
      await killProxy(first);
      const gapMs = await prober.gapMs(faultMs, "B");
      await waitForNeighbour(lan.c, lan.b.mac);
      // killall runs every 2 s; then the second has to miss three adverts.
      expect(gapMs).toBeLessThan(2000 + 400 + 1500);
      // Nobody can have been faster than one detection.
      expect(gapMs).toBeGreaterThan(0);
    },
    60_000,
  );
});
