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
