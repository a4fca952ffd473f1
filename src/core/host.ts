import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";

/** What this machine's resolver and kernel say. */

/** The first address that the system's resolver (files, DNS, whatever nsswitch names) has for a name; rejects when it has none. */
export async function resolveHost(name: string): Promise<string> {
  return (await lookup(name)).address;
}

/** The kernel's range of ports for outgoing connections (net.ipv4.ip_local_port_range), both ends included; null: unknown. */
export function ephemeralPorts(): { low: number; high: number } | null {
  try {
    const [low, high] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/).map(Number);
    return low !== undefined && high !== undefined && low <= high ? { low, high } : null;
  } catch {
    return null; // not Linux, or /proc is not mounted
  }
}
