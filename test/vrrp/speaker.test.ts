import { describe, expect, test } from "bun:test";
import { canMakeNetns, link, makeNetns, type Netns } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { type SpeakerAgent, startSpeaker, vrrpConfig } from "./support/speakerAgent.ts";
import type { Happening } from "./support/speakerProcess.ts";

const VIP = "192.0.2.100";
/** Down interval of version 3 at 100 ms, whatever the priority. */
const DOWN_MS = 400;

/** One virtual router on eth0 at 100 ms; `lines` may say more. */
function instance(name: string, vrid: number, vip: string, lines = ""): string {
  return `
    [vrrp.instance.${name}]
    interface = "eth0"
    virtual_router_id = ${vrid}
    version = 3
    advert_int = "100ms"
    virtual_ipaddress = ["${vip}/24"]
    ${lines}`;
}

const VI_1 = instance("VI_1", 51, VIP);

interface Stand {
  ns: Netns;
  speaker: SpeakerAgent;
  /** Transitions, and lines of the log, since the last call. */
  heard(): Promise<string[]>;
  /** Waits until this was heard; what was heard until then. */
  hears(pattern: RegExp): Promise<string[]>;
  /** The addresses of eth0, with their prefix lengths. */
  addresses(device?: string): Promise<string[]>;
}

async function stand(): Promise<Stand> {
  const [ns, peer] = [await makeNetns(), await makeNetns()];
  await link({ ns, addresses: ["192.0.2.1/24"] }, { ns: peer, addresses: ["192.0.2.2/24"] });
  const speaker = startSpeaker(ns);
  const heard = async () => (await speaker.call("take")).map(({ text }: Happening) => text);
  return {
    ns,
    speaker,
    heard,
    async hears(pattern) {
      const all: string[] = [];
      await until(String(pattern), async () => {
        all.push(...(await heard()));
        if (!all.some((text) => pattern.test(text))) throw new Error(all.join("\n"));
        return true;
      });
      return all;
    },
    async addresses(device = "eth0") {
      const said = await ns.ip("-o", "address", "show", "dev", device, "scope", "global");
      return [...said.matchAll(/inet6? (\S+)/g)].map(([, address]) => address ?? "");
    },
  };
}

describe.skipIf(!canMakeNetns())("the speaker on a real interface", () => {
  test("takes its address after the down interval, and gives it back when it stops", async () => {
    const { speaker, heard, addresses } = await stand();
    await speaker.call("start", vrrpConfig(VI_1));
    await speaker.call("pass", DOWN_MS);
    expect(await addresses()).toEqual(["192.0.2.1/24", `${VIP}/24`]);
    expect((await speaker.call("snapshot")).instances[0]).toMatchObject({
      state: "MASTER",
      addresses: [{ present: true }],
    });
    await speaker.call("stop");
    expect(await addresses()).toEqual(["192.0.2.1/24"]);
    expect((await heard()).map((text) => text.replace(/:.*/, ""))).toEqual([
      "VI_1 INIT > BACKUP",
      "VI_1 BACKUP > MASTER",
      "VI_1 MASTER > INIT",
      "VI_1 STOP",
    ]);
  });

  test("addresses of an earlier life go at the start, whatever their prefix lengths, and are named", async () => {
    const { ns, speaker, heard, addresses } = await stand();
    for (const length of [32, 16, 24]) await ns.ip("address", "add", `${VIP}/${length}`, "dev", "eth0");
    await speaker.call("start", vrrpConfig(VI_1));
    expect(await addresses()).toEqual(["192.0.2.1/24"]);
    const named = (await heard()).filter((text) => text.includes("earlier life"));
    expect(named.map((text) => /removed (\S+) from/.exec(text)?.[1]).sort()).toEqual([
      `${VIP}/16`,
      `${VIP}/24`,
      `${VIP}/32`,
    ]);
  });

  test("an address that the host has for itself stays with its owner, also after the end", async () => {
    const { ns, speaker, heard, addresses } = await stand();
    await ns.ip("address", "add", `${VIP}/24`, "dev", "eth0");
    await speaker.call("start", vrrpConfig(instance("VI_1", 51, VIP, 'priority = 255\nstate = "MASTER"')));
    expect((await heard()).join()).toContain("VI_1 INIT > MASTER: it owns the addresses (priority 255)");
    await speaker.call("stop");
    expect(await addresses()).toEqual(["192.0.2.1/24", `${VIP}/24`]);
  });

  test("an address that the kernel refuses is a fault until it takes it, and nobody is MASTER for a try", async () => {
    const { ns, speaker, heard, addresses } = await stand();
    const ipv6 = (disabled: number) =>
      ns.run(["sh", "-c", `echo ${disabled} > /proc/sys/net/ipv6/conf/eth0/disable_ipv6`]);
    await ipv6(1);
    const more = 'virtual_ipaddress_excluded = ["2001:db8::100/64"]';
    await speaker.call("start", vrrpConfig(instance("VI_1", 51, VIP, more)));
    await speaker.call("pass", DOWN_MS);
    expect((await heard()).at(-1)).toMatch(/^VI_1 MASTER > FAULT: the kernel refuses 2001:db8::100\/64 on eth0: /);
    await speaker.call("pass", 65_000);
    expect(await heard()).toEqual([]);
    expect(await addresses()).toEqual(["192.0.2.1/24"]);

    await ipv6(0);
    await speaker.call("pass", 30_000);
    expect((await heard()).join()).toMatch(/FAULT > BACKUP.*BACKUP > MASTER/);
    expect(await addresses()).toEqual(["192.0.2.1/24", `${VIP}/24`, "2001:db8::100/64"]);
  });

  test("a reload with an address that the kernel takes ends such a fault at once", async () => {
    const { ns, speaker, heard } = await stand();
    await ns.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6"]);
    await speaker.call(
      "start",
      vrrpConfig(instance("VI_1", 51, VIP, 'virtual_ipaddress_excluded = ["2001:db8::1/64"]')),
    );
    await speaker.call("pass", DOWN_MS);
    expect((await heard()).at(-1)).toContain("MASTER > FAULT");
    await speaker.call("reload", vrrpConfig(VI_1));
    expect((await heard()).join()).toContain("FAULT > BACKUP");
  });

  test("a renamed interface is a fault; under its old name again it is taken with all its settings", async () => {
    const { ns, speaker, hears, addresses } = await stand();
    await speaker.call("start", vrrpConfig(VI_1));
    await speaker.call("pass", DOWN_MS);
    for (let round = 0; round < 3; round++) {
      await ns.ip("link", "set", "eth0", "name", "uplink");
      await hears(/> FAULT: interface eth0 does not exist/);
      expect(await addresses("uplink")).toEqual(["192.0.2.1/24"]);
      await ns.ip("link", "set", "uplink", "name", "eth0");
      expect((await hears(/FAULT > BACKUP/)).join()).not.toContain("cannot set");
    }
    await speaker.call("pass", DOWN_MS);
    expect(await addresses()).toEqual(["192.0.2.1/24", `${VIP}/24`]);
  });

  test("an interface that is deleted and made anew is taken again, address and all", async () => {
    const { ns, speaker, hears, addresses } = await stand();
    await speaker.call("start", vrrpConfig(VI_1));
    await speaker.call("pass", DOWN_MS);
    await ns.ip("link", "delete", "eth0");
    await hears(/MASTER > FAULT: interface eth0/);
    await ns.ip("link", "add", "eth0", "type", "veth", "peer", "name", "far0");
    for (const device of ["far0", "eth0"]) await ns.ip("link", "set", device, "up");
    await ns.ip("address", "add", "192.0.2.1/24", "dev", "eth0");
    await hears(/FAULT > BACKUP/);
    await speaker.call("pass", DOWN_MS);
    expect(await addresses()).toEqual(["192.0.2.1/24", `${VIP}/24`]);
  });

  test("without an address of its own to send from it is in FAULT, and says so", async () => {
    const { ns, speaker, heard, hears } = await stand();
    await speaker.call("start", vrrpConfig(VI_1));
    await speaker.call("pass", DOWN_MS);
    await heard();
    await ns.ip("address", "del", "192.0.2.1/24", "dev", "eth0");
    await hears(/MASTER > FAULT: eth0 has no IPv4 address of its own to send from/);
    await ns.ip("address", "add", "192.0.2.7/24", "dev", "eth0");
    await hears(/FAULT > BACKUP/);
  });
});

describe.skipIf(!canMakeNetns())("a reload", () => {
  const group = (priority: number) =>
    instance("VI_1", 51, VIP, 'sync_group = "edge"\ntrack_interface = ["uplink0"]') +
    instance("VI_2", 52, "192.0.2.101", `sync_group = "edge"\npriority = ${priority}`);

  test("of a sync group in FAULT changes nobody's state", async () => {
    const { speaker, heard } = await stand();
    await speaker.call("start", vrrpConfig(group(100)));
    expect((await heard()).at(-1)).toBe("group edge FAULT");
    expect(await speaker.call("reload", vrrpConfig(group(90)))).toEqual(["VI_2: priority 100 → 90"]);
    const said = await heard();
    expect(said.filter((text) => / > |group/.test(text))).toEqual([]);
  });

  test("that takes the faulty member out of its group frees the others, and only them", async () => {
    const { speaker, heard } = await stand();
    await speaker.call("start", vrrpConfig(group(100)));
    await heard();
    const apart = group(100).replace('sync_group = "edge"', "");
    await speaker.call("reload", vrrpConfig(apart));
    const moved = (await heard()).filter((text) => text.includes(" > "));
    expect(moved.map((text) => text.replace(/:.*/, ""))).toEqual(["VI_2 FAULT > BACKUP"]);
    await speaker.call("pass", DOWN_MS);
    expect((await heard()).join()).toContain("VI_2 BACKUP > MASTER");
  });

  test("that gives a router another id does not take its addresses for somebody else's", async () => {
    const { speaker, heard, addresses } = await stand();
    await speaker.call("start", vrrpConfig(VI_1));
    await speaker.call("pass", DOWN_MS);
    await heard();
    await speaker.call("reload", vrrpConfig(instance("VI_1", 53, VIP)));
    const said = await heard();
    expect(said.map((text) => text.replace(/:.*/, ""))).toEqual(["VI_1 MASTER > INIT", "VI_1 INIT > BACKUP"]);
    expect(await addresses()).toEqual(["192.0.2.1/24"]);
  });
});

test.skipIf(!canMakeNetns())("after the stop nothing is left to be done", async () => {
  const { ns, speaker, heard } = await stand();
  await speaker.call("start", vrrpConfig(VI_1 + instance("VI_2", 52, "192.0.2.101")));
  await speaker.call("pass", DOWN_MS);
  await speaker.call("stop");
  await heard();
  await ns.ip("link", "set", "eth0", "down");
  await speaker.call("pass", 120_000);
  expect(await heard()).toEqual([]);
});
