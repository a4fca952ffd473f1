import { type UntilOptions, until } from "../../../support/until.ts";
import type { Arp } from "./frames.ts";
import { arpRequest, sendFrame } from "./inject.ts";
import { type Host, type Lan, VIP } from "./lan.ts";
import type { Wire } from "./wire.ts";

interface Device {
  ifname: string;
  addr_info: { local: string; prefixlen: number; valid_life_time?: number }[];
}

/** True when the address is on one of the host's interfaces, whatever program put it there. */
export async function holds(host: Host, address = VIP): Promise<boolean> {
  const devices = JSON.parse(await host.ns.ip("-j", "address", "show")) as Device[];
  return devices.some((device) => device.addr_info?.some(({ local }) => local === address));
}

/** Names of the routers that have the address, by the kernel's tables. */
export async function ownersOf(lan: Lan, address = VIP): Promise<string> {
  const routers = [lan.a, lan.b];
  const held = await Promise.all(routers.map((host) => holds(host, address)));
  return routers.flatMap(({ name }, i) => (held[i] ? [name] : [])).join("+");
}

/** Watches who has the address until this router alone has it: each answer of {@link ownersOf} in the order it first came. */
export async function ownersUntil(lan: Lan, owner: Host, options: UntilOptions): Promise<string[]> {
  const seen = new Set<string>();
  await until(
    `${owner.name} to take over`,
    async () => {
      const owners = await ownersOf(lan);
      seen.add(owners);
      return owners === owner.name;
    },
    { everyMs: 20, ...options },
  );
  return [...seen];
}

/** Waits until exactly this router has the address, and the other has not. */
export async function waitForOwner(
  lan: Lan,
  owner: Host,
  { address = VIP, timeoutMs = 10_000 }: UntilOptions & { address?: string } = {},
): Promise<void> {
  let owners = "";
  await until(
    `${owner.name} alone to have ${address}`,
    async () => {
      const now = await ownersOf(lan, address);
      if (now !== owners) owners = now;
      return owners === owner.name;
    },
    { timeoutMs, everyMs: 20 },
  ).catch((failure: Error) => {
    throw new Error(`${failure.message}; owners: "${owners}"`);
  });
}

/** Waits until a host has the address no more; returns the ms that took. */
export async function waitUntilGone(host: Host, address = VIP, timeoutMs = 10_000): Promise<number> {
  const startMs = performance.now();
  await until(`${address} to leave ${host.name}`, async () => !(await holds(host, address)), {
    timeoutMs,
    everyMs: 20,
  });
  return performance.now() - startMs;
}

/** Waits until the client's neighbour table leads to this MAC address. */
export async function waitForNeighbour(client: Host, mac: string, address = VIP): Promise<void> {
  let seen: string | null = null;
  await until(`${client.name} to know ${address} at ${mac}`, async () => {
    seen = await neighbourOf(client, address);
    return seen === mac;
  }).catch((failure: Error) => {
    throw new Error(`${failure.message}; seen at ${seen}`);
  });
}

/** MAC address that the client's neighbour table has for the address; null: none. */
async function neighbourOf(client: Host, address: string): Promise<string | null> {
  const entries = JSON.parse(await client.ns.ip("-j", "neighbour", "show", address)) as { lladdr?: string }[];
  return entries[0]?.lladdr ?? null;
}

/**
 * MAC addresses that answer when the client asks by ARP who has the address. Looks again until somebody has
 * answered, then stays open for another 100 ms: the second answer of two is what this is for.
 */
export async function whoAnswers(lan: Lan, wire: Wire, address = VIP): Promise<string[]> {
  const sinceMs = Date.now();
  const answers = (): string[] =>
    wire
      .seen()
      .filter((frame): frame is Arp => frame.kind === "arp" && frame.atMs >= sinceMs)
      .filter(({ op, sender, to }) => op === "reply" && sender === address && to === lan.c.mac)
      .map(({ senderMac }) => senderMac);
  await sendFrame(lan.c, arpRequest(lan.c, address));
  await until(`an answer to ARP for ${address}`, () => answers().length > 0);
  await Bun.sleep(100);
  return [...new Set(answers())].sort();
}
