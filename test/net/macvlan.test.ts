import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { VMAC_PARENT_SETTINGS, virtualMac } from "../../src/net/macvlan.ts";
import { canMakeNetns, link, makeNetns, type Netns } from "../support/netns.ts";
import { type Agent, startAgent } from "./support/agent.ts";
import { bytesOf, seenLink } from "./support/ip.ts";

const { EADDRINUSE, EEXIST, ENODEV, EPERM } = constants.errno;

interface Host {
  ns: Netns;
  peer: Netns;
  agent: Agent;
  wanted: { parentIndex: number; name: string; mac: Uint8Array };
}

async function host(): Promise<Host> {
  const [ns, peer] = [await makeNetns(), await makeNetns()];
  await link({ ns, addresses: ["192.0.2.1/24"] }, { ns: peer, addresses: ["192.0.2.2/24"] });
  const { ifindex: parentIndex } = await seenLink(ns, "eth0");
  return { ns, peer, agent: startAgent(ns), wanted: { parentIndex, name: "vrrp.51", mac: virtualMac(4, 51) } };
}

async function sysctl(ns: Netns, device: string, ...keys: string[]): Promise<Record<string, number>> {
  const values = await Promise.all(
    keys.map((key) => ns.run(["cat", `/proc/sys/net/ipv4/conf/${device}/${key}`]).then(({ stdout }) => Number(stdout))),
  );
  return Object.fromEntries(keys.map((key, index) => [key, values[index] ?? -1]));
}

/** Makes it, or fails the test. */
async function made(agent: Agent, wanted: Host["wanted"]): Promise<{ ifindex: number; adopted: boolean }> {
  const outcome = await agent.call("createMacvlan", wanted);
  if (!outcome.ok) throw new Error(`errno ${outcome.errno}`);
  expect(outcome.refused).toEqual([]);
  return outcome;
}

test("virtual MAC addresses are those of RFC 9568", () => {
  expect(virtualMac(4, 51).toHex()).toBe("00005e000133");
  expect(virtualMac(6, 255).toHex()).toBe("00005e0002ff");
});

describe.skipIf(!canMakeNetns())("a virtual MAC interface", () => {
  test("is a private macvlan, up, without IPv6 addresses of its own, set up as keepalived's", async () => {
    const { ns, agent, wanted } = await host();
    const { ifindex, adopted } = await made(agent, wanted);
    const seen = await seenLink(ns, "vrrp.51");
    expect(seen).toMatchObject({
      ifindex,
      link: "eth0",
      address: "00:00:5e:00:01:33",
      inet6_addr_gen_mode: "none",
      linkinfo: { info_kind: "macvlan", info_data: { mode: "private" } },
    });
    expect(seen.flags).toContain("UP");
    expect(adopted).toBe(false);
    expect(await ns.ip("address", "show", "dev", "vrrp.51")).not.toContain("inet");
    expect(await sysctl(ns, "vrrp.51", "arp_ignore", "rp_filter", "accept_local", "promote_secondaries")).toEqual({
      arp_ignore: 1,
      rp_filter: 0,
      accept_local: 1,
      promote_secondaries: 1,
    });
    expect(await agent.call("deleteMacvlan", ifindex)).toBe(0);
    expect((await ns.run(["ip", "link", "show", "vrrp.51"])).code).toBe(1);
    expect(await agent.call("deleteMacvlan", ifindex)).toBe(-ENODEV);
  });

  test("from an earlier life is adopted, and put right", async () => {
    const { ns, agent, wanted } = await host();
    const first = await made(agent, wanted);
    await ns.ip("link", "set", "vrrp.51", "down");
    expect(await made(agent, wanted)).toMatchObject({ ifindex: first.ifindex, adopted: true });
    expect((await seenLink(ns, "vrrp.51")).flags).toContain("UP");
  });

  test.each([
    ["another MAC address", ["link", "eth0", "address", "00:00:5e:00:01:34", "type", "macvlan", "mode", "private"]],
    ["another mode", ["link", "eth0", "address", "00:00:5e:00:01:33", "type", "macvlan", "mode", "bridge"]],
    ["another kind", ["type", "bridge"]],
  ])("is not taken for one of the same name with %s", async (_, args) => {
    const { ns, agent, wanted } = await host();
    const [on, parent, ...rest] = args as [string, string, ...string[]];
    const line = on === "link" ? ["add", on, parent, "name", "vrrp.51", ...rest] : ["add", "vrrp.51", on, parent];
    await ns.ip("link", ...line);
    expect(await agent.call("createMacvlan", wanted)).toEqual({ ok: false, errno: EEXIST });
  });

  test("that cannot be made says why", async () => {
    const { ns, agent, wanted } = await host();
    expect(await agent.call("createMacvlan", { ...wanted, parentIndex: 9999 })).toEqual({ ok: false, errno: ENODEV });
    await made(agent, wanted);
    const twin = { ...wanted, name: "twin" };
    expect(await agent.call("createMacvlan", twin)).toEqual({ ok: false, errno: EADDRINUSE });
    const weak = startAgent({
      ...ns,
      inside: (cmd) => ns.inside(["setpriv", "--bounding-set=-net_admin", "--", ...cmd]),
    });
    expect(await weak.call("createMacvlan", twin)).toEqual({ ok: false, errno: EPERM });
    expect(await weak.call("probeMacvlan")).toBe(-EPERM);
  });

  test("is offered by this kernel, and asking makes none", async () => {
    const { ns, agent } = await host();
    const before = await ns.ip("-j", "link");
    expect(await agent.call("probeMacvlan")).toBe(0);
    expect(await ns.ip("-j", "link")).toBe(before);
  });

  test("keeps the real MAC address out of its clients' neighbour tables", async () => {
    const { ns, peer, agent, wanted } = await host();
    const { ifindex } = await made(agent, wanted);
    await agent.call("open");
    await agent.call("hold", wanted.parentIndex, VMAC_PARENT_SETTINGS);
    await agent.call("addAddress", { ifindex, address: bytesOf("192.0.2.100"), prefixLength: 24, validSeconds: 60 });
    // Refused by the host itself: its answer needs the client's MAC address, and it asks from the real interface.
    const dial =
      'Bun.connect({ hostname: "192.0.2.100", port: 9, socket: { data() {} } }).catch((e) => console.log(e.code))';
    expect((await peer.run([process.execPath, "-e", dial])).stdout).toBe("ECONNREFUSED\n");
    expect(await ns.ip("neigh", "show", "192.0.2.2", "dev", "eth0")).toContain("lladdr");
    expect(await peer.ip("neigh", "show", "192.0.2.100")).toContain("00:00:5e:00:01:33");
  });
});

describe.skipIf(!canMakeNetns())("settings of an interface that is not ours", () => {
  const KEYS = ["arp_ignore", "arp_filter", "arp_announce"] as const;

  test("are given back as they were, by the last holder", async () => {
    const { ns, agent, wanted } = await host();
    await ns.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/arp_announce"]);
    await agent.call("open");
    const first = await agent.call("hold", wanted.parentIndex, VMAC_PARENT_SETTINGS);
    const second = await agent.call("hold", wanted.parentIndex, VMAC_PARENT_SETTINGS);
    expect(await sysctl(ns, "eth0", ...KEYS)).toEqual({ arp_ignore: 1, arp_filter: 1, arp_announce: 2 });
    await agent.call("release", first);
    await agent.call("release", first);
    expect(await sysctl(ns, "eth0", ...KEYS)).toEqual({ arp_ignore: 1, arp_filter: 1, arp_announce: 2 });
    await agent.call("release", second);
    expect(await sysctl(ns, "eth0", ...KEYS)).toEqual({ arp_ignore: 0, arp_filter: 0, arp_announce: 1 });
  });

  test("that somebody changed meanwhile are theirs, and the interface may have a new name", async () => {
    const { ns, agent, wanted } = await host();
    await agent.call("open");
    const held = await agent.call("hold", wanted.parentIndex, VMAC_PARENT_SETTINGS);
    await ns.run(["sh", "-c", "echo 8 > /proc/sys/net/ipv4/conf/eth0/arp_ignore"]);
    await ns.ip("link", "set", "eth0", "name", "lan0");
    await agent.call("refreshAfter", ["true"]);
    await agent.call("release", held);
    expect(await sysctl(ns, "lan0", ...KEYS)).toEqual({ arp_ignore: 8, arp_filter: 0, arp_announce: 0 });
  });
});
