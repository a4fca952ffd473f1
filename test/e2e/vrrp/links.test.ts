import { describe, expect, test } from "bun:test";
import { link } from "../../support/netns.ts";
import { plugCable, pullCable, setLink } from "./support/faults.ts";
import { DEVICE } from "./support/lan.ts";
import { untilRouter } from "./support/ours.ts";
import { holds, waitForOwner } from "./support/owners.ts";
import { standOf } from "./support/pair.ts";
import { V3 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";
import { masterDownMs, SLACK_MS } from "./support/timing.ts";

const skip = cannotMakeLan();

describe("the interface of a MASTER", () => {
  for (const how of ["its cable is pulled", "it is set down"] as const)
    test.skipIf(skip).concurrent(
      `${how}: FAULT without the address, and MASTER again when that is repaired`,
      async () => {
        const { lan, wire, first } = await standOf({ second: "keepalived" });
        const downMs = Date.now();
        if (how === "its cable is pulled") await pullCable(lan, lan.a);
        else await setLink(lan.a, "down");
        const takeover = await wire.waitForAdvert({ from: lan.b, sinceMs: downMs });
        expect(takeover.atMs - downMs).toBeLessThan(masterDownMs(V3, 100) + SLACK_MS);
        await waitForOwner(lan, lan.b);
        const { faults } = await untilRouter(first, "FAULT", ({ state }) => state === "FAULT");
        expect(faults.join()).toContain(DEVICE);

        if (how === "its cable is pulled") await plugCable(lan, lan.a);
        else await setLink(lan.a, "up");
        await waitForOwner(lan, lan.a);
      },
      60_000,
    );

  test.skipIf(skip).concurrent(
    "is renamed: FAULT, and MASTER again under its old name",
    async () => {
      const { lan, first } = await standOf({ second: "keepalived" });
      const { ns } = lan.a;
      await ns.ip("link", "set", DEVICE, "down");
      await ns.ip("link", "set", DEVICE, "name", "eth9");
      await ns.ip("link", "set", "eth9", "up");
      await waitForOwner(lan, lan.b);
      await untilRouter(first, "FAULT", ({ state }) => state === "FAULT");
      expect(await holds(lan.a)).toBe(false);

      await ns.ip("link", "set", "eth9", "down");
      await ns.ip("link", "set", "eth9", "name", DEVICE);
      await ns.ip("link", "set", DEVICE, "up");
      await waitForOwner(lan, lan.a);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "is removed and made anew: FAULT, and MASTER again on the new one, that hears the group",
    async () => {
      const { lan, wire, first } = await standOf({ second: "keepalived" });
      await lan.a.ns.ip("link", "del", DEVICE);
      await waitForOwner(lan, lan.b);
      await untilRouter(first, "FAULT", ({ state }) => state === "FAULT");

      const addresses = [`${lan.a.address}/24`];
      await link({ ns: lan.wire, device: lan.a.port, addresses: [] }, { ns: lan.a.ns, device: DEVICE, addresses });
      await lan.wire.ip("link", "set", lan.a.port, "master", "br0");
      await waitForOwner(lan, lan.a);
      // It has heard the other, so it is not MASTER for want of adverts.
      const { lastTransition } = await untilRouter(first, "MASTER", ({ state }) => state === "MASTER");
      expect(lastTransition?.cause).toContain(lan.b.address);
      expect(wire.adverts({ from: lan.a, priority: 0 })).toEqual([]);
    },
    60_000,
  );
});
