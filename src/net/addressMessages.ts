import { AF_INET, AF_INET6 } from "./libc.ts";
import {
  type Attribute,
  cString,
  decodeAttributes,
  type NetlinkRequest,
  NLM_F_CREATE,
  NLM_F_REPLACE,
  RTM_DELADDR,
  RTM_GETADDR,
  RTM_NEWADDR,
  readU32,
  u32,
  viewOf,
} from "./netlinkMessages.ts";

/**
 * Addresses of interfaces in rtnetlink's words. Pure; see rtnetlink(7).
 *
 *     ifaddrmsg: family u8 | prefix length u8 | flags u8 | scope u8 | ifindex u32
 */

const HEADER_BYTES = 8;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_PROTO = 11;

const IFA_F_SECONDARY = 0x01; // of IPv6: temporary
const IFA_F_NODAD = 0x02;
const IFA_F_OPTIMISTIC = 0x04;
const IFA_F_DADFAILED = 0x08;
const IFA_F_DEPRECATED = 0x20;
const IFA_F_TENTATIVE = 0x40;
const IFA_F_NOPREFIXROUTE = 0x200;

const FOREVER = 0xffff_ffff;

/** Scopes as the kernel numbers them. */
export const SCOPE_GLOBAL = 0;
export const SCOPE_LINK = 253;

/** What we add is tagged with this IFA_PROTO (kernels since 5.18), VRRP's own number: `ip -d address` shows "proto 112". */
export const ADDRESS_TAG = 112;

/** An address as an interface has it. */
export interface Address {
  readonly ifindex: number;
  /** 4 or 16 bytes: our end, where the link has two. */
  readonly address: Uint8Array;
  readonly prefixLength: number;
  /** {@link SCOPE_GLOBAL}, {@link SCOPE_LINK}, or another of the kernel's. */
  readonly scope: number;
  /** IPv6: duplicate address detection is under way and the address not usable. */
  readonly tentative: boolean;
  /** IPv6: another host has it. */
  readonly dadFailed: boolean;
  /** Its preferred lifetime is over. */
  readonly deprecated: boolean;
  /** IPv6 privacy address. */
  readonly temporary: boolean;
  /** It brings no route to its subnet. */
  readonly noPrefixRoute: boolean;
  /** IPv4: another address of the subnet came first; removing that one removes this, unless promote_secondaries is set. */
  readonly secondary: boolean;
  /** Remaining lifetime when the kernel told; null: for ever. */
  readonly validSeconds: number | null;
  /** Who added it; {@link ADDRESS_TAG} for ours, 0 where the kernel does not say. */
  readonly protocol: number;
}

/** Which address: all three are needed, or the kernel may pick another of the same subnet. */
export interface AddressIdentity {
  readonly ifindex: number;
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly prefixLength: number;
}

/** An address to add or to renew. */
export interface AddressRequest extends AddressIdentity {
  /** Whole seconds, at least 1, from now until the kernel removes it; null: never. */
  readonly validSeconds: number | null;
  /**
   * Whole seconds, at most `validSeconds`, in which it may be chosen as a source; default: 0 for IPv6, so that an address
   * that moves is never chosen. IPv4 source selection does not look at it: there the default is `validSeconds`.
   */
  readonly preferredSeconds?: number | null;
  /** No route to the subnet comes with it; default false. Not changed by renewing an IPv4 address. */
  readonly noPrefixRoute?: boolean;
  /** IPv4: its name in old tools; default: the interface's. */
  readonly label?: string;
}

/** Adds the address, or gives the one that is there a new lifetime. IPv6 without duplicate address detection. */
export function addAddressRequest(request: AddressRequest): NetlinkRequest {
  const { ifindex, address, prefixLength, validSeconds, noPrefixRoute = false, label } = request;
  const version6 = address.length === 16;
  const { preferredSeconds = version6 ? 0 : validSeconds } = request;
  const cacheInfo = new Uint8Array(16);
  viewOf(cacheInfo).setUint32(0, preferredSeconds ?? FOREVER, true);
  viewOf(cacheInfo).setUint32(4, validSeconds ?? FOREVER, true);
  const attributes: Attribute[] = [
    [IFA_LOCAL, address],
    [IFA_ADDRESS, address],
    [IFA_CACHEINFO, cacheInfo],
    [IFA_FLAGS, u32((version6 ? IFA_F_NODAD : 0) | (noPrefixRoute ? IFA_F_NOPREFIXROUTE : 0))],
    [IFA_PROTO, Uint8Array.of(ADDRESS_TAG)],
  ];
  if (label !== undefined) attributes.push([IFA_LABEL, cString(label)]);
  return {
    type: RTM_NEWADDR,
    flags: NLM_F_CREATE | NLM_F_REPLACE,
    header: header(familyOfAddress(address), prefixLength, ifindex),
    attributes,
  };
}

/** Removes exactly this address. */
export function removeAddressRequest({ ifindex, address, prefixLength }: AddressIdentity): NetlinkRequest {
  return {
    type: RTM_DELADDR,
    flags: 0,
    header: header(familyOfAddress(address), prefixLength, ifindex),
    attributes: [
      [IFA_LOCAL, address],
      [IFA_ADDRESS, address],
    ],
  };
}

/** Asks for one IPv6 address of an interface, whatever its prefix length; the kernel has no such question for IPv4. */
export function getAddress6Request(ifindex: number, address: Uint8Array): NetlinkRequest {
  return { type: RTM_GETADDR, flags: 0, header: header(AF_INET6, 0, ifindex), attributes: [[IFA_ADDRESS, address]] };
}

/** Asks for the addresses of both families, of one interface where the kernel filters (0: of all). */
export function dumpAddressesRequest(ifindex: number): NetlinkRequest {
  return { type: RTM_GETADDR, flags: 0, header: header(0, 0, ifindex), attributes: [] };
}

/** The address in the payload of an RTM_NEWADDR or RTM_DELADDR; null when it is not one of our families. Never throws. */
export function decodeAddress(payload: Uint8Array): Address | null {
  if (payload.length < HEADER_BYTES) return null;
  const view = viewOf(payload);
  const family = view.getUint8(0);
  if (family !== AF_INET && family !== AF_INET6) return null;
  const attributes = decodeAttributes(payload.subarray(HEADER_BYTES));
  const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (address === undefined || address.length !== (family === AF_INET ? 4 : 16)) return null;
  const flags = readU32(attributes.get(IFA_FLAGS)) ?? view.getUint8(2);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  return {
    ifindex: view.getUint32(4, true),
    address: address.slice(),
    prefixLength: view.getUint8(1),
    scope: view.getUint8(3),
    // RFC 4429: an optimistic address is usable while it is checked.
    tentative: has(IFA_F_TENTATIVE) && !has(IFA_F_OPTIMISTIC),
    dadFailed: has(IFA_F_DADFAILED),
    deprecated: has(IFA_F_DEPRECATED),
    temporary: family === AF_INET6 && has(IFA_F_SECONDARY),
    noPrefixRoute: has(IFA_F_NOPREFIXROUTE),
    secondary: family === AF_INET && has(IFA_F_SECONDARY),
    validSeconds: validSecondsOf(attributes.get(IFA_CACHEINFO)),
    protocol: attributes.get(IFA_PROTO)?.[0] ?? 0,
  };
}

function validSecondsOf(cacheInfo: Uint8Array | undefined): number | null {
  const seconds = readU32(cacheInfo?.subarray(4));
  return seconds === FOREVER ? null : seconds;
}

function familyOfAddress(address: Uint8Array): number {
  return address.length === 16 ? AF_INET6 : AF_INET;
}

function header(family: number, prefixLength: number, ifindex: number): Uint8Array {
  const bytes = Uint8Array.of(family, prefixLength, 0, SCOPE_GLOBAL, 0, 0, 0, 0);
  viewOf(bytes).setUint32(4, ifindex, true);
  return bytes;
}
