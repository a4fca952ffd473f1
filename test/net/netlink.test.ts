import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { ADDRESS_TAG } from "../../src/net/addressMessages.ts";
import { canMakeNetns, link, makeNetns, type Netns } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { type Agent, startAgent } from "./support/agent.ts";
import { bytesOf, FOREVER, seenAddress, seenAddresses, seenLink } from "./support/ip.ts";

const { EADDRNOTAVAIL, EINVAL, ENODEV, EPERM } = constants.errno;
const WIDE = 600; // seconds: long enough not to matter

interface Host {
  ns: Netns;
  agent: Agent;
  /** Of eth0. */
  ifindex: number;
  vip(cidr: string): { ifindex: number; address: Uint8Array; prefixLength: number };
}

/** A host on a network of its own, with our netlink code on it. */
async function host(...addresses: string[]): Promise<Host> {
  const [ns, other] = [await makeNetns(), await makeNetns()];
  await link({ ns, addresses }, { ns: other, addresses: [] });
  const { ifindex } = await seenLink(ns, "eth0");
  const vip: Host["vip"] = (cidr) => {
    const [address = "", prefixLength] = cidr.split("/");
    return { ifindex, address: bytesOf(address), prefixLength: Number(prefixLength) };
  };
  return { ns, agent: startAgent(ns), ifindex, vip };
}

describe.skipIf(!canMakeNetns())("an address", () => {
  test.each([
    ["192.0.2.100/24", "192.0.2.100"],
    ["192.0.2.100/32", "192.0.2.100"],
    ["2001:db8::100/64", "2001:db8::100"],
    ["2001:db8::100/128", "2001:db8::100"],
    ["fe80::100/64", "fe80::100"],
  ])("%s is added for a while, renewed and removed", async (cidr, text) => {
    const { ns, agent, vip } = await host("192.0.2.1/24", "2001:db8::1/64");
    const which = vip(cidr);
    expect(await agent.call("addAddress", { ...which, validSeconds: 100 })).toBe(0);
    const added = await seenAddress(ns, text);
    expect(added).toMatchObject({ prefixlen: which.prefixLength, dynamic: true });
    expect(added?.valid_life_time).toBeWithin(98, 101);
    expect(added?.broadcast).toBeUndefined();

    expect(await agent.call("addAddress", { ...which, validSeconds: WIDE })).toBe(0);
    expect((await seenAddress(ns, text))?.valid_life_time).toBeWithin(WIDE - 2, WIDE + 1);
    expect((await seenAddresses(ns)).filter(({ local }) => local === text)).toHaveLength(1);

    expect(await agent.call("removeAddress", which)).toBe(0);
    expect(await seenAddress(ns, text)).toBeUndefined();
    expect(await agent.call("removeAddress", which)).toBe(-EADDRNOTAVAIL);
  });

  test("of IPv4 has scope global, the interface's label, and is preferred as long as it is valid", async () => {
    const { ns, agent, vip } = await host();
    await agent.call("addAddress", { ...vip("192.0.2.100/24"), validSeconds: WIDE });
    const seen = await seenAddress(ns, "192.0.2.100");
    expect(seen).toMatchObject({ scope: "global", label: "eth0" });
    expect(seen?.preferred_life_time).toBe(seen?.valid_life_time as number);
    await agent.call("addAddress", { ...vip("192.0.2.101/24"), validSeconds: WIDE, label: "eth0:vip" });
    expect(await seenAddress(ns, "192.0.2.101")).toMatchObject({ label: "eth0:vip", secondary: true });
  });

  test("of IPv6 is usable at once, and never chosen as a source while there is another, renewed or not", async () => {
    const { ns, agent, vip } = await host("2001:db8::1/64");
    for (let times = 0; times < 2; times++) {
      await agent.call("addAddress", { ...vip("2001:db8::100/64"), validSeconds: WIDE });
      const seen = await seenAddress(ns, "2001:db8::100");
      expect(seen).toMatchObject({ scope: "global", nodad: true, deprecated: true, preferred_life_time: 0 });
      expect(seen?.tentative).toBeUndefined();
      expect(await ns.ip("-6", "route", "get", "2001:db8::7")).toContain("src 2001:db8::1 ");
    }
  });

  test("without a lifetime stays, and one with a lifetime can be made to stay", async () => {
    const { ns, agent, vip } = await host();
    for (const cidr of ["192.0.2.100/24", "2001:db8::100/64"]) {
      await agent.call("addAddress", { ...vip(cidr), validSeconds: 100 });
      await agent.call("addAddress", { ...vip(cidr), validSeconds: null });
      const seen = await seenAddress(ns, cidr.replace(/\/.*/, ""));
      expect(seen?.valid_life_time).toBe(FOREVER);
    }
  });

  test("outlives its lifetime as long as it is renewed, and is removed by the kernel when it is not", async () => {
    const { ns, agent, vip } = await host();
    const there = async () => (await seenAddresses(ns)).filter(({ dynamic }) => dynamic).map(({ local }) => local);
    for (let times = 0; times < 3; times++) {
      expect(await agent.call("addAddress", { ...vip("192.0.2.100/24"), validSeconds: 2 })).toBe(0);
      expect(await agent.call("addAddress", { ...vip("2001:db8::100/64"), validSeconds: 2 })).toBe(0);
      await Bun.sleep(800);
    }
    expect(await there()).toEqual(["192.0.2.100", "2001:db8::100"]);
    await until("the kernel to remove them", async () => (await there()).length === 0);
  });

  test("can come without a route to its subnet", async () => {
    const { ns, agent, vip } = await host();
    const quiet = { validSeconds: WIDE, noPrefixRoute: true };
    await agent.call("addAddress", { ...vip("198.51.100.100/24"), ...quiet });
    await agent.call("addAddress", { ...vip("2001:db8:1::100/64"), ...quiet });
    expect(await ns.ip("route")).not.toContain("198.51.100");
    expect(await ns.ip("-6", "route")).not.toContain("2001:db8:1::");
    expect(await agent.call("dumpAddresses", 0)).toContainEqual(expect.objectContaining({ noPrefixRoute: true }));
  });

  test("is removed only with its own prefix length", async () => {
    const { ns, agent, vip } = await host("192.0.2.1/24", "192.0.2.100/24");
    await agent.call("addAddress", { ...vip("192.0.2.100/32"), validSeconds: WIDE });
    expect(await agent.call("removeAddress", vip("192.0.2.100/25"))).toBe(-EADDRNOTAVAIL);
    expect(await agent.call("removeAddress", vip("192.0.2.100/32"))).toBe(0);
    expect(await seenAddress(ns, "192.0.2.100")).toMatchObject({ prefixlen: 24 });
  });

  test("that a killed keepalived left behind for ever gets a lifetime, and its subnet keeps its route", async () => {
    const { ns, agent, vip } = await host("192.0.2.1/24", "2001:db8::1/64", "192.0.2.100/24", "2001:db8::100/64");
    for (const cidr of ["192.0.2.100/24", "2001:db8::100/64"]) {
      expect(await agent.call("addAddress", { ...vip(cidr), validSeconds: WIDE })).toBe(0);
      expect((await seenAddress(ns, cidr.replace(/\/.*/, "")))?.valid_life_time).toBeLessThanOrEqual(WIDE);
    }
    const routes = JSON.parse(await ns.ip("-j", "-6", "route", "show", "2001:db8::/64")) as { expires?: number }[];
    expect(routes).toHaveLength(1);
    expect(routes[0]?.expires).toBeUndefined();
    expect(await ns.ip("-6", "route", "get", "2001:db8::7")).toContain("dev eth0");
  });

  test("of IPv6 that is there with another prefix length becomes ours with ours", async () => {
    const { ns, agent, vip } = await host();
    expect(await agent.call("addAddress", { ...vip("2001:db8::100/128"), validSeconds: WIDE })).toBe(0);
    expect(await agent.call("addAddress", { ...vip("2001:db8::100/64"), validSeconds: WIDE })).toBe(0);
    expect(await seenAddress(ns, "2001:db8::100")).toMatchObject({ prefixlen: 64, dynamic: true });
    expect(await agent.call("removeAddress", vip("2001:db8::100/64"))).toBe(0);
  });

  test("carries our tag, and those of others do not", async () => {
    const { agent, ifindex, vip } = await host("192.0.2.1/24");
    await agent.call("addAddress", { ...vip("192.0.2.100/24"), validSeconds: WIDE });
    await agent.call("addAddress", { ...vip("2001:db8::100/64"), validSeconds: WIDE });
    const tagged = (await agent.call("dumpAddresses", ifindex)).filter(({ protocol }) => protocol === ADDRESS_TAG);
    expect(tagged.map(({ address }) => address)).toEqual([bytesOf("192.0.2.100"), bytesOf("2001:db8::100")]);
  });

  test("on no interface, or for no time, is refused with the reason", async () => {
    const { agent, vip } = await host();
    const which = vip("192.0.2.100/24");
    expect(await agent.call("addAddress", { ...which, ifindex: 9999, validSeconds: 1 })).toBe(-ENODEV);
    expect(await agent.call("removeAddress", { ...which, ifindex: 9999 })).toBe(-ENODEV);
    expect(await agent.call("addAddress", { ...which, validSeconds: 0 })).toBe(-EINVAL);
  });

  test("is refused to a process without the capability", async () => {
    const { ns, vip } = await host();
    const agent = startAgent({
      ...ns,
      inside: (cmd) => ns.inside(["setpriv", "--bounding-set=-net_admin", "--", ...cmd]),
    });
    expect(await agent.call("addAddress", { ...vip("192.0.2.100/24"), validSeconds: 1 })).toBe(-EPERM);
  });

  test("can be asked for by interface, or all at once", async () => {
    const { agent, ifindex } = await host("192.0.2.1/24");
    const texts = async (of: number) => (await agent.call("dumpAddresses", of)).map(({ address }) => address.join("."));
    expect(await texts(ifindex)).toContain("192.0.2.1");
    expect(await texts(ifindex)).not.toContain("127.0.0.1");
    expect(await texts(0)).toEqual(expect.arrayContaining(["127.0.0.1", "192.0.2.1"]));
  });
});
