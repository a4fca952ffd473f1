import { canonicalHost, ipVersion } from "../core/endpoint.ts";
import { text } from "./keys.ts";
import type { Reading } from "./units.ts";

/** An address with its prefix length, e.g. 192.0.2.100/24. */
export interface VirtualIp {
  /** IP literal, as written. */
  readonly address: string;
  /** 0..32 for IPv4, 0..128 for IPv6; without one in the file the whole address (keepalived's default). */
  readonly prefixLength: number;
}

function readVirtualIp(raw: string): Reading<VirtualIp> {
  const slash = raw.indexOf("/");
  const address = slash < 0 ? raw : raw.slice(0, slash);
  const version = ipVersion(address);
  const hint = 'write an IP address with its prefix length, as in "192.0.2.100/24"';
  if (version === 0) return { ok: false, problem: "is not an IP address", hint };
  const bits = version === 4 ? 32 : 128;
  const prefix = slash < 0 ? String(bits) : raw.slice(slash + 1);
  if (!/^[0-9]{1,3}$/.test(prefix) || Number(prefix) > bits) {
    return {
      ok: false,
      problem: `has no valid prefix length after the slash`,
      hint: `an IPv${version} prefix length is 0..${bits}`,
    };
  }
  if (!isUnicast(address)) return { ok: false, problem: "is not an address that a host can own", hint };
  return { ok: true, value: { address, prefixLength: Number(prefix) } };
}

function isUnicast(address: string): boolean {
  const canonical = canonicalHost(address);
  if (ipVersion(address) === 6) return canonical !== "::" && canonical !== "::1" && !canonical.startsWith("ff");
  const first = Number(canonical.split(".")[0]);
  return first !== 0 && first !== 127 && first < 224;
}

/** One entry of virtual_ipaddress. */
export const virtualIp = text(
  readVirtualIp,
  { values: '"IP/PREFIX"', example: '"192.0.2.100/24"' },
  "An address and its prefix length; without one /32 or /128.",
);

/** What is wrong with the place of an address in its network. */
export interface HostPartProblem {
  /** No host can own it; otherwise it can, and somebody will be surprised. */
  readonly fatal: boolean;
  readonly message: string;
  readonly hint: string;
}

/**
 * Judges the bits behind the prefix: an IPv4 network keeps the first and the last address for itself (RFC 1122 §3.2.1.3; not
 * from /31 on, RFC 3021), an IPv6 one the first (subnet-router anycast, RFC 4291 §2.6.1; not from /127 on, RFC 6164).
 */
export function hostPartProblem({ address, prefixLength }: VirtualIp): HostPartProblem | null {
  const version = ipVersion(address);
  const hostBits = (version === 4 ? 32 : 128) - prefixLength;
  if (hostBits < 2) return null;
  const all = (1n << BigInt(hostBits)) - 1n;
  const value = addressNumber(address);
  const host = value & all;
  if (version === 6) {
    if (host !== 0n) return null;
    const message = `${address} is the anycast address of the routers of its /${prefixLength}`;
    return { fatal: false, message, hint: "write an address whose last part is not zero" };
  }
  if (host !== 0n && host !== all) return null;
  const network = value - host;
  const what = host === 0n ? "network" : "broadcast";
  return {
    fatal: true,
    message: `${address} is the ${what} address of its /${prefixLength}: no host can have it`,
    hint: `write one of ${dotted(network + 1n)}..${dotted(network + all - 1n)}, or the prefix length of its network`,
  };
}

function addressNumber(address: string): bigint {
  if (ipVersion(address) === 4) return address.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  const [left = "", right = ""] = canonicalHost(address).split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const missing = 8 - groups(left).length - groups(right).length;
  const whole = [...groups(left), ...Array.from({ length: missing }, () => "0"), ...groups(right)];
  return whole.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

function dotted(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
}
