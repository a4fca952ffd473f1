import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";

/** What this machine's resolver and kernel say. */

/** The first address that the system's resolver (files, DNS, whatever nsswitch names) has for a name; rejects when it has none. */
export async function resolveHost(name: string): Promise<string> {
  return (await lookup(name)).address;
}

/** Names of the accounts in this machine's own files; a directory service may know more. */
export interface LocalAccounts {
  readonly users: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
}

/** The accounts of /etc/passwd and /etc/group; null: they cannot be read, or the system also asks a directory service. */
export function localAccounts(): LocalAccounts | null {
  try {
    const sources = /^(?:passwd|group):(.*)$/gm;
    const services = [...readFileSync("/etc/nsswitch.conf", "utf8").matchAll(sources)].flatMap(([, names = ""]) =>
      names.trim().split(/\s+/),
    );
    // systemd invents accounts for running services only: none that a configuration names.
    if (services.some((service) => !["files", "compat", "systemd", "altfiles"].includes(service))) return null;
    return { users: firstFields("/etc/passwd"), groups: firstFields("/etc/group") };
  } catch {
    return null;
  }
}

function firstFields(path: string): Set<string> {
  return new Set(
    readFileSync(path, "utf8")
      .split("\n")
      .map((line) => line.split(":")[0] ?? ""),
  );
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
