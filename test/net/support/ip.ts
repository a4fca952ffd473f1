import type { Netns } from "../../support/netns.ts";

/** An address as `ip -j address` tells it: the independent view. */
export interface SeenAddress {
  local: string;
  prefixlen: number;
  scope: string;
  broadcast?: string;
  label?: string;
  secondary?: boolean;
  deprecated?: boolean;
  dynamic?: boolean;
  tentative?: boolean;
  noprefixroute?: boolean;
  nodad?: boolean;
  valid_life_time: number;
  preferred_life_time: number;
}

/** An interface as `ip -j -d link` tells it. */
export interface SeenLink {
  ifindex: number;
  ifname: string;
  link?: string;
  address: string;
  flags: string[];
  operstate: string;
  inet6_addr_gen_mode?: string;
  linkinfo?: { info_kind: string; info_data?: { mode?: string } };
}

/** `ip`'s name for "for ever". */
export const FOREVER = 0xffff_ffff;

export async function seenAddresses(ns: Netns, device = "eth0"): Promise<SeenAddress[]> {
  const seen = JSON.parse(await ns.ip("-j", "address", "show", "dev", device)) as { addr_info: SeenAddress[] }[];
  return seen.flatMap(({ addr_info }) => addr_info);
}

/** One address, whatever its prefix length; undefined when it is not there. */
export async function seenAddress(ns: Netns, local: string, device = "eth0"): Promise<SeenAddress | undefined> {
  return (await seenAddresses(ns, device)).find((address) => address.local === local);
}

export async function seenLink(ns: Netns, name: string): Promise<SeenLink> {
  const seen = JSON.parse(await ns.ip("-j", "-d", "link", "show", "dev", name)) as SeenLink[];
  if (seen[0] === undefined) throw new Error(`no ${name}`);
  return seen[0];
}

/** 4 or 16 bytes of an address in its text form. */
export function bytesOf(text: string): Uint8Array {
  if (!text.includes(":")) return Uint8Array.from(text.split("."), Number);
  const [head = "", tail] = text.split("::");
  const words = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((word) => Number.parseInt(word, 16));
  const [first, last] = [words(head), words(tail ?? "")];
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}
