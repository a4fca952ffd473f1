import { describe, expect, test } from "bun:test";
import { killEverything } from "./support/faults.ts";
import { type Host, makeLan } from "./support/lan.ts";
import { type OurNode, startOurs } from "./support/ours.ts";
import { holds, waitForOwner } from "./support/owners.ts";
import { cannotMakeLan } from "./support/skip.ts";

const skip = cannotMakeLan();

const VIP_1 = "10.9.0.100";
const VIP_2 = "10.9.0.101";

function lines(vrid: number, vip: string, priority: number, more = ""): string {
  return [
    `virtual_router_id = ${vrid}`,
    `priority = ${priority}`,
    'version = 3\nadvert_int = "100ms"',
    `virtual_ipaddress = ["${vip}/24"]`,
    more,
  ].join("\n");
}

/** A node with two virtual routers. */
function startTwo(host: Host, priorities: readonly [number, number], more = "", of2 = ""): Promise<OurNode> {
  return startOurs(host, {
    instance: lines(51, VIP_1, priorities[0], more),
    more: `[vrrp.instance.VI_2]\ninterface = "eth0"\n${lines(52, VIP_2, priorities[1], `${more}\n${of2}`)}`,
  });
}

describe("two virtual routers on each host", () => {
  test.skipIf(skip).concurrent(
    "active-active: each host has its own address, and the survivor has both",
    async () => {
      const lan = await makeLan();
      await startTwo(lan.a, [101, 100]);
      await startTwo(lan.b, [100, 101]);
      await waitForOwner(lan, lan.a, { address: VIP_1 });
      await waitForOwner(lan, lan.b, { address: VIP_2 });
      await killEverything(lan.a);
      await waitForOwner(lan, lan.b, { address: VIP_1 });
      expect(await holds(lan.b, VIP_2)).toBe(true);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "of one sync group: what one of them has to give up, both give up",
    async () => {
      const lan = await makeLan();
      const group = 'sync_group = "edge"';
      // A link of its own that only the second depends on.
      await lan.a.ns.ip("link", "add", "uplink0", "type", "veth", "peer", "name", "far0");
      await lan.a.ns.ip("link", "set", "uplink0", "up");
      await lan.a.ns.ip("link", "set", "far0", "up");
      await startTwo(lan.b, [100, 100], group);
      const first = await startTwo(lan.a, [101, 101], group, 'track_interface = ["uplink0"]');
      for (const address of [VIP_1, VIP_2]) await waitForOwner(lan, lan.a, { address });

      await lan.a.ns.ip("link", "set", "far0", "down");
      for (const address of [VIP_1, VIP_2]) await waitForOwner(lan, lan.b, { address });
      expect((await first.router("VI_2")).faults.join()).toContain("uplink0");

      await lan.a.ns.ip("link", "set", "far0", "up");
      for (const address of [VIP_1, VIP_2]) await waitForOwner(lan, lan.a, { address });
    },
    60_000,
  );
});
