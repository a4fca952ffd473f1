import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { localInterfaces } from "../../src/core/networkHost.ts";
import { canMakeNetns, makeNetns, type Netns } from "../support/netns.ts";
import { run } from "../support/process.ts";
import { root } from "../support/tools.ts";

const MODULE = JSON.stringify(join(import.meta.dir, "../../src/core/networkHost.ts"));
const SHOW = `const { localInterfaces, missingNetworkCapabilities } = await import(${MODULE});
console.log(JSON.stringify({ interfaces: Object.fromEntries(localInterfaces()), missing: missingNetworkCapabilities() }));`;
const SHOW_INTERFACES = [process.execPath, "-e", SHOW];

async function seen(ns: Netns): Promise<Record<string, unknown>> {
  return JSON.parse((await ns.run(SHOW_INTERFACES)).stdout).interfaces;
}

describe("the interfaces of a network namespace", () => {
  test.skipIf(!canMakeNetns())("are known by name, state and address", async () => {
    const ns = await makeNetns();
    await ns.ip("link", "add", "veth0", "type", "veth", "peer", "name", "veth1");
    await ns.ip("address", "add", "192.0.2.1/24", "dev", "veth0");
    await ns.ip("address", "add", "192.0.2.100/24", "dev", "veth0", "label", "veth0:vip");
    await ns.ip("link", "set", "veth0", "up");
    const lo = { up: true, loopback: true, multicast: false, addresses: ["127.0.0.1", "::1"] };
    // Up by its flag, but the other end is not: no carrier.
    expect(await seen(ns)).toMatchObject({ lo, veth0: { up: false }, veth1: { up: false, addresses: null } });
    await ns.ip("link", "set", "veth1", "up");
    expect(await seen(ns)).toMatchObject({
      veth0: { up: true, loopback: false, multicast: true },
      veth1: { up: true },
    });
    const { veth0, veth1 } = (await seen(ns)) as Record<string, { addresses: string[] }>;
    expect(veth0?.addresses.filter((address) => !address.includes(":"))).toEqual(["192.0.2.1", "192.0.2.100"]);
    expect(veth1?.addresses.filter((address) => !address.includes(":"))).toEqual([]);
  });

  test.skipIf(!canMakeNetns())("are our own even where /sys shows another's", async () => {
    const ns = await makeNetns();
    await ns.ip("link", "add", "only0", "type", "bridge");
    const { stdout } = await run(["nsenter", `--net=/run/netns/${ns.name}`, ...SHOW_INTERFACES]);
    expect(Object.keys(JSON.parse(stdout).interfaces).toSorted()).toEqual(["lo", "only0"]);
  });

  test("have loopback among them", () => {
    expect(localInterfaces()?.get("lo")?.loopback).toBe(true);
  });
});

describe("the capabilities that virtual addresses need", () => {
  test.skipIf(!root())("are missed by name, also by root", async () => {
    const missing = async (...drop: string[]) => {
      const { stdout } = await run(["setpriv", ...drop, ...SHOW_INTERFACES]);
      return JSON.parse(stdout).missing;
    };
    expect(await missing("--bounding-set=-net_admin")).toEqual(["CAP_NET_ADMIN"]);
    expect(await missing("--bounding-set=-net_admin,-net_raw")).toEqual(["CAP_NET_ADMIN", "CAP_NET_RAW"]);
    expect(await missing("--bounding-set=-sys_time")).toEqual([]);
  });
});
