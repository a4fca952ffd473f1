import type { ListenConfig, VrrpConfig, VrrpInstanceConfig } from "../../config/schema.ts";
import { canonicalHost, ipVersion } from "../../core/endpoint.ts";
import { addressFamily } from "../adverts.ts";

/** One of the two hosts: what its file says, and what is known of the host beside it. */
export interface Side {
  /** As people know it: its router_id, or the name of its file. Not the other's. */
  readonly name: string;
  /** Who speaks VRRP there. */
  readonly daemon: "haproxy-lite" | "keepalived";
  readonly vrrp: VrrpConfig;
  readonly listens: readonly ListenConfig[];
  /** Why a program of the file cannot be run on that host, as the end of "PATH …"; null: it can, or nobody knows. */
  programProblem(path: string): string | null;
  /** An address of this family that the interface has for itself; null: unknown. */
  addressOn(device: string, family: 4 | 6): string | null;
}

/** The two hosts. The first is the one whose file is checked. */
export type Pair = readonly [Side, Side];

/** Which of the two. */
export type Which = 0 | 1;

/** One virtual router of the pair. null: the other host has no counterpart. */
export interface Subject {
  /** "VI_1", or "VI_1/VI_2" where the hosts call it differently. */
  readonly name: string;
  readonly instances: readonly [VrrpInstanceConfig | null, VrrpInstanceConfig | null];
}

/** The other one. */
export function other(which: Which): Which {
  return which === 0 ? 1 : 0;
}

/** Both, in order. */
export const BOTH: readonly Which[] = [0, 1];

/**
 * Who belongs to whom: those that share a virtual address, for that is what clients see; then those of one VRID and family;
 * then those of one name; and when one is left over on each host, these two.
 */
export function subjectsOf([a, b]: Pair): Subject[] {
  const left = new Set(b.vrrp.instances);
  const matched = new Map<VrrpInstanceConfig, VrrpInstanceConfig>();
  const rules = [sharesAddress, sharesIdentity, sharesName];
  for (const rule of rules) {
    for (const one of a.vrrp.instances) {
      if (matched.has(one)) continue;
      const found = [...left].find((candidate) => rule(one, candidate));
      if (found === undefined) continue;
      matched.set(one, found);
      left.delete(found);
    }
  }
  const lonely = a.vrrp.instances.filter((one) => !matched.has(one));
  const [last] = lonely;
  const [candidate] = left;
  if (lonely.length === 1 && left.size === 1 && last !== undefined && candidate !== undefined) {
    matched.set(last, candidate);
    left.delete(candidate);
  }
  return [
    ...a.vrrp.instances.map((one) => subject(one, matched.get(one) ?? null)),
    ...[...left].map((one) => subject(null, one)),
  ];
}

function subject(a: VrrpInstanceConfig | null, b: VrrpInstanceConfig | null): Subject {
  const names = new Set([a, b].flatMap((each) => each?.name ?? []));
  return { name: [...names].join("/"), instances: [a, b] };
}

function sharesAddress(a: VrrpInstanceConfig, b: VrrpInstanceConfig): boolean {
  const theirs = new Set(b.virtualIpAddresses.map(({ address }) => canonicalHost(address)));
  return a.virtualIpAddresses.some(({ address }) => theirs.has(canonicalHost(address)));
}

function sharesIdentity(a: VrrpInstanceConfig, b: VrrpInstanceConfig): boolean {
  return a.virtualRouterId === b.virtualRouterId && addressFamily(a) === addressFamily(b);
}

function sharesName(a: VrrpInstanceConfig, b: VrrpInstanceConfig): boolean {
  return a.name === b.name;
}

/** The listens that clients of these virtual addresses reach: bound to one of them, or to every address. */
export function listensBehind(side: Side, instance: VrrpInstanceConfig): ListenConfig[] {
  const addresses = [...instance.virtualIpAddresses, ...instance.virtualIpAddressesExcluded];
  const reachable = new Set(addresses.map(({ address }) => canonicalHost(address)));
  for (const { address } of addresses) reachable.add(ipVersion(address) === 4 ? "0.0.0.0" : "::");
  return side.listens.filter(
    ({ binds, servers }) =>
      servers.length > 0 && binds.some((bind) => bind.kind !== "unix" && reachable.has(canonicalHost(bind.host))),
  );
}

/** Our address in adverts, as well as the two files tell; else one that is nobody's, the first host's the lower one. */
export function sourceOf(
  pair: Pair,
  which: Which,
  instance: VrrpInstanceConfig,
  peer: VrrpInstanceConfig | null,
): string {
  const family = addressFamily(instance);
  const [named] = peer?.unicastPeers ?? [];
  if (instance.unicastSrcIp !== null) return instance.unicastSrcIp;
  const own = pair[which].addressOn(instance.interface, family);
  if (own !== null) return own;
  if (named !== undefined && peer?.unicastPeers.length === 1 && ipVersion(named) === family) return named;
  return family === 6 ? `fe80::ffff:${which + 1}` : `169.254.255.${which + 1}`;
}
