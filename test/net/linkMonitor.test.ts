import { describe, expect, test } from "bun:test";
import type { Change } from "../../src/net/linkTable.ts";
import { canMakeNetns, link, makeNetns, type Netns } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { type Agent, startAgent } from "./support/agent.ts";
import { bytesOf, seenLink } from "./support/ip.ts";

interface Watched {
  ns: Netns;
  /** The other end of eth0. */
  peer: Netns;
  agent: Agent;
  /** Of eth0. */
  ifindex: number;
  /** Waits until observers have heard all of these, whatever else; forgets all that was heard, and returns it. */
  hears(...wanted: string[]): Promise<string[]>;
}

/** A host whose interfaces are watched. Its interfaces make no IPv6 addresses of their own. */
async function watched(addresses: string[] = [], receiveBufferBytes?: number): Promise<Watched> {
  const [ns, peer] = [await makeNetns(), await makeNetns()];
  for (const one of [ns, peer]) await one.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode"]);
  await link({ ns, addresses }, { ns: peer, addresses: [] });
  await until("the carrier", async () => (await seenLink(ns, "eth0")).operstate === "UP");
  const agent = startAgent(ns);
  await agent.call("open", receiveBufferBytes);
  return { ns, peer, agent, ifindex: (await seenLink(ns, "eth0")).ifindex, hears: hearing(agent) };
}

function hearing(agent: Agent): Watched["hears"] {
  const heard: string[] = [];
  return async (...wanted) => {
    await until(wanted.join(", "), async () => {
      heard.push(...(await agent.call("takeChanges")).map(say));
      if (!wanted.every((kind) => heard.includes(kind))) throw new Error(`heard ${heard.join(", ")}`);
      return true;
    });
    return heard.splice(0);
  };
}

/** "addressAdded 192.0.2.9", "linkChanged eth0 up running". */
function say(change: Change): string {
  if ("address" in change) return `${change.kind} ${change.address.address.join(".")}`;
  const { name, up, running } = change.link;
  return [change.kind, name, ...(up ? ["up"] : []), ...(running ? ["running"] : [])].join(" ");
}

describe.skipIf(!canMakeNetns())("the link monitor", () => {
  test("knows every interface and address as soon as it is open", async () => {
    const { ns, agent, ifindex } = await watched(["192.0.2.1/24", "2001:db8::1/64"]);
    const { address } = await seenLink(ns, "eth0");
    expect(await agent.call("linkByName", "eth0")).toEqual({
      index: ifindex,
      name: "eth0",
      up: true,
      running: true,
      mac: Uint8Array.fromHex(address.replaceAll(":", "")),
      mtuBytes: 1500,
      noArp: false,
      loopback: false,
      kind: "veth",
      masterIndex: null,
      parentIndex: null,
      privateMacvlan: false,
    });
    expect(await agent.call("linkByName", "lo")).toMatchObject({ loopback: true, running: true, kind: null });
    expect(await agent.call("linkByName", "eth1")).toBeNull();
    expect(await agent.call("addressesOf", ifindex)).toMatchObject([
      { address: bytesOf("192.0.2.1"), prefixLength: 24, scope: 0, validSeconds: null, secondary: false },
      { address: bytesOf("2001:db8::1"), prefixLength: 64, scope: 0, validSeconds: null, tentative: false },
    ]);
    expect(await agent.call("hasAddress", ifindex, bytesOf("2001:db8::1"))).toBe(true);
    expect(await agent.call("hasAddress", ifindex, bytesOf("2001:db8::2"))).toBe(false);
    expect(await agent.call("hasAddress", ifindex + 1, bytesOf("192.0.2.1"))).toBe(false);
  });

  test("tells of addresses added and removed by hand", async () => {
    const { ns, agent, ifindex, hears } = await watched();
    await ns.ip("address", "add", "192.0.2.9/24", "dev", "eth0");
    expect(await hears("addressAdded 192.0.2.9")).toHaveLength(1);
    expect(await agent.call("hasAddress", ifindex, bytesOf("192.0.2.9"))).toBe(true);
    await ns.ip("address", "del", "192.0.2.9/24", "dev", "eth0");
    expect(await hears("addressRemoved 192.0.2.9")).toHaveLength(1);
    expect(await agent.call("hasAddress", ifindex, bytesOf("192.0.2.9"))).toBe(false);
  });

  test("tells when an IPv6 address becomes usable, and when another host has it", async () => {
    const { ns, peer, agent, ifindex, hears } = await watched();
    await peer.ip("address", "add", "2001:db8::9/64", "dev", "eth0", "nodad");
    await ns.ip("address", "add", "2001:db8::8/64", "dev", "eth0");
    await ns.ip("address", "add", "2001:db8::9/64", "dev", "eth0");
    const [mine, taken] = [bytesOf("2001:db8::8").join("."), bytesOf("2001:db8::9").join(".")];
    await hears(`addressAdded ${mine}`, `addressChanged ${mine}`, `addressAdded ${taken}`, `addressChanged ${taken}`);
    const flags = (await agent.call("addressesOf", ifindex)).map(({ tentative, dadFailed }) => ({
      tentative,
      dadFailed,
    }));
    expect(flags).toContainEqual({ tentative: false, dadFailed: false });
    expect(flags).toContainEqual({ tentative: true, dadFailed: true });
  });

  test("says nothing of a renewed lifetime, but knows it", async () => {
    const { agent, ifindex, hears } = await watched();
    const vip = { ifindex, address: bytesOf("192.0.2.100"), prefixLength: 24 };
    const vip6 = { ifindex, address: bytesOf("2001:db8::100"), prefixLength: 64 };
    await agent.call("addAddress", { ...vip, validSeconds: 300 });
    await agent.call("addAddress", { ...vip6, validSeconds: 300 });
    await hears("addressAdded 192.0.2.100", `addressAdded ${vip6.address.join(".")}`);
    for (let times = 1; times <= 5; times++) {
      await agent.call("addAddress", { ...vip, validSeconds: 600 });
      await agent.call("addAddress", { ...vip6, validSeconds: 600 });
    }
    await until("the renewal", async () =>
      (await agent.call("addressesOf", ifindex)).every(({ validSeconds }) => (validSeconds ?? 0) > 300),
    );
    await agent.call("removeAddress", vip);
    await agent.call("removeAddress", vip6);
    expect(await hears("addressRemoved 192.0.2.100", `addressRemoved ${vip6.address.join(".")}`)).toHaveLength(2);
  });

  test("tells when the kernel removes an address whose time is over", async () => {
    const { agent, ifindex, hears } = await watched();
    for (const [text, prefixLength] of [
      ["192.0.2.100", 24],
      ["2001:db8::100", 64],
    ] as const) {
      await agent.call("addAddress", { ifindex, address: bytesOf(text), prefixLength, validSeconds: 1 });
      await hears(`addressAdded ${bytesOf(text).join(".")}`, `addressRemoved ${bytesOf(text).join(".")}`);
    }
  });

  test("tells of a carrier lost and back, and of an interface switched off and on", async () => {
    const { ns, peer, hears } = await watched();
    await peer.ip("link", "set", "eth0", "down");
    await hears("linkChanged eth0 up");
    await peer.ip("link", "set", "eth0", "up");
    await hears("linkChanged eth0 up running");
    await ns.ip("link", "set", "eth0", "down");
    await hears("linkChanged eth0");
    await ns.ip("link", "set", "eth0", "up");
    await hears("linkChanged eth0 up running");
  });

  test("tells of an interface renamed, in use", async () => {
    const { ns, agent, ifindex, hears } = await watched();
    await ns.ip("link", "set", "eth0", "name", "lan0");
    await hears("linkRenamed lan0 up running");
    expect(await agent.call("linkByName", "eth0")).toBeNull();
    expect(await agent.call("linkByName", "lan0")).toMatchObject({ index: ifindex });
  });

  test("tells of an interface that goes away with its addresses, and of another of the same name", async () => {
    const { ns, peer, agent, ifindex, hears } = await watched(["192.0.2.1/24"]);
    await ns.ip("link", "del", "eth0");
    const heard = await hears("addressRemoved 192.0.2.1", "linkRemoved eth0");
    expect(heard.at(-1)).toBe("linkRemoved eth0");
    expect(await agent.call("linkByName", "eth0")).toBeNull();
    expect(await agent.call("addressesOf", ifindex)).toEqual([]);
    await link({ ns, addresses: ["192.0.2.1/24"] }, { ns: peer, addresses: [] });
    await hears("linkAdded eth0", "addressAdded 192.0.2.1", "linkChanged eth0 up running");
    const { ifindex: now } = await seenLink(ns, "eth0");
    expect(now).not.toBe(ifindex);
    expect(await agent.call("linkByName", "eth0")).toMatchObject({ index: now });
    expect(await agent.call("hasAddress", now, bytesOf("192.0.2.1"))).toBe(true);
  });

  test("tells of a bridge's new port as a change, and does not take the port's leaving for the interface's end", async () => {
    const { ns, agent, ifindex, hears } = await watched();
    await ns.ip("link", "add", "br0", "type", "bridge");
    await hears("linkAdded br0");
    await ns.ip("link", "set", "eth0", "master", "br0");
    await until("the master", async () => (await agent.call("linkByName", "eth0"))?.masterIndex !== null);
    await ns.ip("link", "set", "eth0", "nomaster");
    await until("no master", async () => (await agent.call("linkByName", "eth0"))?.masterIndex === null);
    await ns.ip("link", "del", "br0");
    const heard = await hears("linkRemoved br0");
    expect(heard.filter((change) => /^link(Removed|Added) eth0/.test(change))).toEqual([]);
    expect(await agent.call("linkByName", "eth0")).toMatchObject({ index: ifindex });
  });

  test("looks at once when asked to, and tells observers what it found", async () => {
    const { ns, agent, ifindex, hears } = await watched(["192.0.2.1/24"]);
    const inside = (command: string): string[] => ["sh", "-c", `${command.replaceAll("ip ", `ip -n ${ns.name} `)}`];
    expect(await agent.call("refreshAfter", inside("ip address add 192.0.2.9/24 dev eth0"))).toBe(true);
    expect(await agent.call("hasAddress", ifindex, bytesOf("192.0.2.9"))).toBe(true);
    expect(await hears("addressAdded 192.0.2.9")).toHaveLength(1);
    // What came and went unseen is told in its order, and never as the last word.
    const flap = "ip address add 192.0.2.8/24 dev eth0; ip address del 192.0.2.8/24 dev eth0";
    expect(await agent.call("refreshAfter", inside(flap))).toBe(true);
    expect(await hears("addressRemoved 192.0.2.8")).toEqual(["addressAdded 192.0.2.8", "addressRemoved 192.0.2.8"]);
  });

  test("that the kernel could not tell everything finds it all the same", async () => {
    const { ns, agent, ifindex, hears } = await watched(["192.0.2.1/24"], 4096);
    const many = Array.from({ length: 300 }, (_, i) => `address add 10.1.${i >> 8}.${i & 255}/32 dev eth0`);
    const script = ["address del 192.0.2.1/24 dev eth0", ...many].join("\n");
    await agent.call("blockDuring", ["sh", "-c", `ip -n ${ns.name} -batch - <<'END'\n${script}\nEND`]);
    await hears("addressRemoved 192.0.2.1", "addressAdded 10.1.0.0", "addressAdded 10.1.1.43");
    expect(await agent.call("addressesOf", ifindex)).toHaveLength(300);
    // And hears on.
    await ns.ip("address", "add", "192.0.2.9/24", "dev", "eth0");
    await hears("addressAdded 192.0.2.9");
  });

  test("closed, tells nothing any more and gives its socket back", async () => {
    const { ns, agent } = await watched();
    await agent.call("close");
    await ns.ip("address", "add", "192.0.2.9/24", "dev", "eth0");
    await ns.ip("address", "del", "192.0.2.9/24", "dev", "eth0");
    expect(await agent.call("takeChanges")).toEqual([]);
    expect(await agent.call("openNetlinkSockets")).toBe(1); // that of requests
  });
});
