import { describe, expect, test } from "bun:test";
import { killEverything } from "./support/faults.ts";
import { startKeepalived } from "./support/keepalived.ts";
import type { Host } from "./support/lan.ts";
import { makeLan } from "./support/lan.ts";
import type { Kind, Node } from "./support/node.ts";
import { startOurs } from "./support/ours.ts";
import { ownersOf, waitForOwner } from "./support/owners.ts";
import { PAIRINGS, type Profile, startNode, V2, V3 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";
import { masterDownMs, SLACK_MS } from "./support/timing.ts";
import { record } from "./support/wire.ts";

const skip = cannotMakeLan();

/** A node that does not preempt; keepalived wants state BACKUP for that. */
function patient(kind: Kind, profile: Profile, host: Host, rank: "first" | "second"): Promise<Node> {
  if (kind === "haproxy-lite") {
    const instance = profile.ours(host, rank).replace("MASTER", "BACKUP");
    return startOurs(host, { instance: `${instance}\nnopreempt = true` });
  }
  const config = profile.keepalived(host, rank).replace("state MASTER", "state BACKUP");
  return startKeepalived(host, { config: config.replace("state BACKUP", "state BACKUP\n    nopreempt") });
}

describe("who takes over from a working MASTER", () => {
  for (const profile of [V2, V3])
    for (const pairing of PAIRINGS)
      test.skipIf(skip).concurrent(
        `${profile.name}: a higher priority does after its down interval: ${pairing.join(" before ")}`,
        async () => {
          const lan = await makeLan();
          const wire = await record(lan);
          await startNode(pairing[1], profile, lan.b, "second");
          await waitForOwner(lan, lan.b, { address: profile.vip });
          await startNode(pairing[0], profile, lan.a, "first");
          await waitForOwner(lan, lan.a, { address: profile.vip });
          const [taken] = wire.adverts({ from: lan.a });
          // The loser goes without a word: priority 0 is for those that stop.
          expect(wire.adverts({ from: lan.b, priority: 0 })).toEqual([]);
          const late = wire.adverts({ from: lan.b, sinceMs: (taken?.atMs ?? 0) + SLACK_MS });
          expect(late).toEqual([]);
        },
        60_000,
      );

  for (const pairing of PAIRINGS)
    test.skipIf(skip).concurrent(
      `nopreempt: nobody does, until the MASTER dies: ${pairing.join(" before ")}`,
      async () => {
        const lan = await makeLan();
        const wire = await record(lan);
        await patient(pairing[1], V3, lan.b, "second");
        await waitForOwner(lan, lan.b);
        const startMs = Date.now();
        await patient(pairing[0], V3, lan.a, "first");
        // Three times as long as a router that preempts would have waited.
        await wire.waitForAdvert({ from: lan.b, sinceMs: startMs + SLACK_MS + 3 * masterDownMs(V3, 1) });
        expect(wire.adverts({ from: lan.a })).toEqual([]);
        expect(await ownersOf(lan)).toBe("B");

        await killEverything(lan.b);
        const takeover = await wire.waitForAdvert({ from: lan.a, sinceMs: startMs });
        expect(takeover.priority).toBe(101);
      },
      60_000,
    );

  test.skipIf(skip).concurrent(
    "preempt_delay: ours waits that long, and one down interval more",
    async () => {
      const lan = await makeLan();
      const wire = await record(lan);
      const second = await startNode("keepalived", V3, lan.b, "second");
      await waitForOwner(lan, lan.b);
      const instance = V3.ours(lan.a, "first").replace("MASTER", "BACKUP");
      // The delay begins with the first lower advert, so after the start.
      const startMs = Date.now();
      await startOurs(lan.a, { instance: `${instance}\npreempt_delay = "2s"` });
      const first = await wire.waitForAdvert({ from: lan.a });
      expect(first.atMs - startMs).toBeGreaterThan(2000);
      expect(first.atMs - startMs).toBeLessThan(2000 + masterDownMs(V3, 101) + 2 * SLACK_MS);
      await waitForOwner(lan, lan.a);
      await second.stop();
    },
    60_000,
  );
});
