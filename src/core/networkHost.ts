import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

/** What this machine can do for virtual addresses: its network interfaces, and what this process may do to them. */

/** A network interface as it stands now. What is null is unknown. */
export interface NetworkInterface {
  /** Switched on, and its link carries frames. */
  readonly up: boolean | null;
  readonly loopback: boolean;
  readonly multicast: boolean;
  /** Without prefix lengths, in the kernel's order: its first IPv4 address is the primary one. */
  readonly addresses: readonly string[] | null;
}

/** <net/if.h> */
const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_MULTICAST = 0x1000;

/** The interfaces of this process's network namespace by name; null: the kernel does not say. */
export function localInterfaces(): ReadonlyMap<string, NetworkInterface> | null {
  const names = interfaceNames();
  if (names === null) return null;
  const addresses = addressesByInterface();
  return new Map(
    names.map((name) => {
      const flags = Number(attribute(name, "flags"));
      const operstate = attribute(name, "operstate");
      const known = Number.isInteger(flags) && operstate !== "";
      // "unknown" is the state of what has no link to lose: loopback, tunnels.
      const up = known ? (flags & IFF_UP) !== 0 && (operstate === "up" || operstate === "unknown") : null;
      const found: NetworkInterface = {
        up,
        loopback: known ? (flags & IFF_LOOPBACK) !== 0 : name === "lo",
        multicast: known ? (flags & IFF_MULTICAST) !== 0 : true,
        // The runtime lists no interface that is down, although it may have addresses.
        addresses: addresses.get(name) ?? (up === true ? [] : null),
      };
      return [name, found];
    }),
  );
}

/** /proc/self/net is always of our own namespace; /sys/class/net is of the one in which it was mounted. */
function interfaceNames(): string[] | null {
  try {
    const lines = readFileSync("/proc/self/net/dev", "utf8").split("\n").slice(2);
    return lines.flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? []);
  } catch {
    return null;
  }
}

/** What /sys says of an interface; "": nothing. */
function attribute(name: string, file: string): string {
  try {
    return readFileSync(`/sys/class/net/${name}/${file}`, "utf8").trim();
  } catch {
    return "";
  }
}

function addressesByInterface(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [label, list] of Object.entries(networkInterfaces())) {
    // An IPv4 address may be listed under a label of its own, "eth0:1".
    const name = label.split(":")[0] ?? label;
    const addresses = found.get(name) ?? [];
    found.set(name, addresses);
    addresses.push(...(list ?? []).map(({ address }) => address));
  }
  return found;
}

const NEEDED = [
  ["CAP_NET_ADMIN", 12n],
  ["CAP_NET_RAW", 13n],
] as const;

/** What virtual addresses need of a process: to set addresses, and to open raw sockets (capabilities(7)). */
export type NetworkCapability = (typeof NEEDED)[number][0];

/** Those that this process lacks. Root of a container often does, so its user id does not tell. */
export function missingNetworkCapabilities(): readonly NetworkCapability[] {
  let effective: bigint;
  try {
    const set = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "";
    effective = BigInt(`0x${set}`);
  } catch {
    effective = process.geteuid?.() === 0 ? -1n : 0n;
  }
  return NEEDED.filter(([, bit]) => (effective & (1n << bit)) === 0n).map(([name]) => name);
}
