import { describe, expect, test } from "bun:test";
import type { Running } from "../../support/process.ts";
import { until } from "../../support/until.ts";
import type { Advert } from "../vrrp/support/frames.ts";
import { startKeepalived } from "../vrrp/support/keepalived.ts";
import { type Host, type Lan, makeLan, VIP } from "../vrrp/support/lan.ts";
import { type OurWishes, startOurs } from "../vrrp/support/ours.ts";
import { waitForOwner } from "../vrrp/support/owners.ts";
import { type Profile, V3, V3_IPV6 } from "../vrrp/support/profiles.ts";
import { cannotMakeLan } from "../vrrp/support/skip.ts";
import { longestPauseMs, record } from "../vrrp/support/wire.ts";

const skip = cannotMakeLan();

const ROUNDS = 3;
const VIP_2 = "10.9.0.110";
/** A host that is busy with other tests keeps no shorter one. */
const ADVERT_MS = 300;
/** RFC 9568 §6.1 at priority 100: three intervals and the skew of (256 - 100) / 256 of one. */
const DOWN_MS = (3 + 156 / 256) * ADVERT_MS;

/** A way to speak VRRP, as ours on A and as keepalived's file on B, and the addresses that must stay. */
interface Shape {
  readonly ours: OurWishes;
  readonly keepalived: (host: Host) => string;
  readonly vips: readonly string[];
}

function shape(profile: Profile, lan: Lan, lines = ""): Shape {
  return {
    ours: { instance: `${profile.ours(lan.a, "first").replace("100ms", `${ADVERT_MS}ms`)}\n${lines}` },
    keepalived: (host) => profile.keepalived(host, "second").replace(/advert_int .*/, `advert_int ${ADVERT_MS / 1000}`),
    vips: [profile.vip],
  };
}

function synchronous(): Shape {
  const ours = (vrid: number, vip: string) =>
    `virtual_router_id = ${vrid}\npriority = 101\nversion = 3\nadvert_int = "${ADVERT_MS}ms"\nvirtual_ipaddress = ["${vip}/24"]\nsync_group = "edge"`;
  const theirs = (name: string, vrid: number, vip: string) =>
    `vrrp_instance ${name} {\n state BACKUP\n interface eth0\n virtual_router_id ${vrid}\n priority 100\n version 3\n advert_int ${ADVERT_MS / 1000}\n virtual_ipaddress {\n ${vip}/24\n }\n}`;
  return {
    ours: {
      instance: ours(51, VIP),
      more: `[vrrp.instance.VI_2]\ninterface = "eth0"\n${ours(52, VIP_2)}`,
    },
    keepalived: () =>
      `${theirs("VI_1", 51, VIP)}\n${theirs("VI_2", 52, VIP_2)}\nvrrp_sync_group edge {\n group {\n VI_1\n VI_2\n }\n}\n`,
    vips: [VIP, VIP_2],
  };
}

const SHAPES: readonly (readonly [string, (lan: Lan) => Shape])[] = [
  ["with use_vmac", (lan) => shape(V3, lan, "use_vmac = true")],
  ["with the priority of an owner, 255", (lan) => withPriority(shape(V3, lan), 255)],
  ["with addresses of IPv6", (lan) => shape(V3_IPV6, lan)],
  ["of two routers in a sync group", () => synchronous()],
];

function withPriority(shape: Shape, priority: number): Shape {
  const instance = shape.ours.instance.replace("priority = 101", `priority = ${priority}`);
  return { ...shape, ours: { ...shape.ours, instance } };
}

/** What the kernel of a host tells of its addresses, from now on. */
async function watchAddresses({ ns }: Host): Promise<Running> {
  const monitor = ns.start(["ip", "-o", "monitor", "address"]);
  await until("it to listen", async () => {
    await ns.ip("address", "replace", "192.0.2.77/32", "dev", "lo");
    return monitor.output().includes("192.0.2.77");
  });
  return monitor;
}

/** Lines about one of the addresses. */
function linesAbout(monitor: Running, vips: readonly string[]): string[] {
  const about = vips.map((vip) => new RegExp(`\\b${vip}/`));
  return monitor
    .output()
    .split("\n")
    .filter((line) => about.some((vip) => vip.test(line)));
}

describe("three upgrades of a MASTER beside a real keepalived, which stays BACKUP", () => {
  test.skipIf(skip).each(SHAPES)(
    "%s: no address moves, no pause is as long as the others wait",
    async (_name, shapeOf) => {
      const lan = await makeLan();
      const wire = await record(lan);
      const { ours, keepalived, vips } = shapeOf(lan);
      const second = await startKeepalived(lan.b, { config: keepalived(lan.b) });
      const first = await startOurs(lan.a, ours);
      for (const address of vips) await waitForOwner(lan, lan.a, { address });
      const watched = await Promise.all([lan.a, lan.b].map(watchAddresses));
      const sinceMs = Date.now();
      const heard = second.output().length;
      for (let round = 0; round < ROUNDS; round++) {
        const [from, beganMs] = [first.output().length, Date.now()];
        first.proxy.process.signal("SIGUSR2");
        await first.proxy.process.waitFor(/upgraded from/, { from });
        await until("5 adverts of each router", () => wire.adverts({ sinceMs: beganMs }).length >= 5 * vips.length);
      }
      const byRouter = Map.groupBy(wire.adverts({ sinceMs }), ({ vrid }: Advert) => vrid);
      expect(byRouter.size).toBe(vips.length);
      for (const adverts of byRouter.values()) {
        expect(longestPauseMs(adverts)).toBeLessThan(DOWN_MS);
        expect(new Set(adverts.map(({ source, priority }) => `${source} ${priority}`)).size).toBe(1);
      }
      expect(second.output().slice(heard)).not.toMatch(/STATE|state/);
      const [onA, onB] = watched.map((monitor) => linesAbout(monitor, vips));
      expect(onA?.filter((line) => line.includes("Deleted"))).toEqual([]);
      expect(onB).toEqual([]);
      expect(first.output().match(/-> MASTER/g)).toHaveLength(vips.length);
    },
    60_000,
  );
});
