import { AF_INET6 } from "./libc.ts";
import {
  cString,
  decodeAttributes,
  type NetlinkRequest,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
  readCString,
  readU32,
  u32,
  viewOf,
} from "./netlinkMessages.ts";

/**
 * Interfaces in rtnetlink's words. Pure; see rtnetlink(7).
 *
 *     ifinfomsg: family u8 | padding u8 | hardware type u16 | ifindex i32 | flags u32 | change mask u32
 */

const HEADER_BYTES = 16;
const AF_UNSPEC = 0;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_AF_SPEC = 26;
const IFLA_EXT_MASK = 29;
const IFLA_LINK_NETNSID = 37;

const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_MACVLAN_MODE = 1;
const MACVLAN_MODE_PRIVATE = 1;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;
const RTEXT_FILTER_SKIP_STATS = 8;

const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_RUNNING = 0x40;
const IFF_NOARP = 0x80;
const IFF_LOWER_UP = 0x10000;

/** A network interface. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Switched on by the operator. */
  readonly up: boolean;
  /** Up, with carrier, and ready to send. */
  readonly running: boolean;
  /** Hardware address, 6 bytes for Ethernet; empty when it has none. */
  readonly mac: Uint8Array;
  readonly mtuBytes: number;
  readonly noArp: boolean;
  readonly loopback: boolean;
  /** "macvlan", "veth", "bridge", …; null for real hardware. */
  readonly kind: string | null;
  /** The bridge or bond that it is a port of. */
  readonly masterIndex: number | null;
  /** The interface below it, if that is in our namespace. */
  readonly parentIndex: number | null;
  /** Of a macvlan: mode private, as we make them. */
  readonly privateMacvlan: boolean;
}

/** A macvlan to make: an interface with a MAC address of its own on top of another. */
export interface MacvlanRequest {
  readonly parentIndex: number;
  /** At most 15 characters. */
  readonly name: string;
  /** 6 bytes. */
  readonly mac: Uint8Array;
}

/** Asks for all interfaces. */
export function dumpLinksRequest(): NetlinkRequest {
  return {
    type: RTM_GETLINK,
    flags: 0,
    header: header(0),
    attributes: [[IFLA_EXT_MASK, u32(RTEXT_FILTER_SKIP_STATS)]],
  };
}

/** Makes a macvlan in mode private, as keepalived's use_vmac: its siblings on the same parent do not hear it. */
export function addMacvlanRequest({ parentIndex, name, mac }: MacvlanRequest): NetlinkRequest {
  return {
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    header: header(0),
    attributes: [
      [IFLA_IFNAME, cString(name)],
      [IFLA_LINK, u32(parentIndex)],
      [IFLA_ADDRESS, mac],
      [
        IFLA_LINKINFO,
        [
          [IFLA_INFO_KIND, cString("macvlan")],
          [IFLA_INFO_DATA, [[IFLA_MACVLAN_MODE, u32(MACVLAN_MODE_PRIVATE)]]],
        ],
      ],
    ],
  };
}

/**
 * A macvlan on top of nothing, which no kernel makes: EINVAL from one that knows macvlans and misses the parent, EOPNOTSUPP
 * from one that does not know them.
 */
export function probeMacvlanRequest(): NetlinkRequest {
  return {
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    header: header(0),
    attributes: [[IFLA_LINKINFO, [[IFLA_INFO_KIND, cString("macvlan")]]]],
  };
}

/** No IPv6 address of its own making, link-local included. */
export function noAddressGenerationRequest(ifindex: number): NetlinkRequest {
  return {
    type: RTM_NEWLINK,
    flags: 0,
    header: header(ifindex),
    attributes: [[IFLA_AF_SPEC, [[AF_INET6, [[IFLA_INET6_ADDR_GEN_MODE, Uint8Array.of(IN6_ADDR_GEN_MODE_NONE)]]]]]],
  };
}

/** `ip link set IFINDEX up`. */
export function setUpRequest(ifindex: number): NetlinkRequest {
  return { type: RTM_NEWLINK, flags: 0, header: header(ifindex, IFF_UP), attributes: [] };
}

export function deleteLinkRequest(ifindex: number): NetlinkRequest {
  return { type: RTM_DELLINK, flags: 0, header: header(ifindex), attributes: [] };
}

/** The interface in the payload of an RTM_NEWLINK or RTM_DELLINK; null when it tells of something else. Never throws. */
export function decodeLink(payload: Uint8Array): Link | null {
  if (payload.length < HEADER_BYTES) return null;
  const view = viewOf(payload);
  // Bridges tell of their ports in the same messages: a port's RTM_DELLINK is no end of the interface.
  if (view.getUint8(0) !== AF_UNSPEC) return null;
  const attributes = decodeAttributes(payload.subarray(HEADER_BYTES));
  const name = readCString(attributes.get(IFLA_IFNAME));
  const mtuBytes = readU32(attributes.get(IFLA_MTU));
  // Events of wireless drivers carry the name and nothing else of the interface.
  if (name === null || mtuBytes === null) return null;
  const info = decodeAttributes(attributes.get(IFLA_LINKINFO) ?? NOTHING);
  const kind = readCString(info.get(IFLA_INFO_KIND));
  const flags = view.getUint32(8, true);
  const elsewhere = attributes.has(IFLA_LINK_NETNSID);
  return {
    index: view.getInt32(4, true),
    name,
    up: (flags & IFF_UP) !== 0,
    // RUNNING follows the carrier with a delay; both are also set on interfaces that know no carrier.
    running: (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0 && (flags & IFF_LOWER_UP) !== 0,
    mac: (attributes.get(IFLA_ADDRESS) ?? NOTHING).slice(),
    mtuBytes,
    noArp: (flags & IFF_NOARP) !== 0,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    kind,
    masterIndex: readU32(attributes.get(IFLA_MASTER)),
    parentIndex: elsewhere ? null : readU32(attributes.get(IFLA_LINK)),
    privateMacvlan: kind === "macvlan" && macvlanMode(info) === MACVLAN_MODE_PRIVATE,
  };
}

const NOTHING = new Uint8Array(0);

function macvlanMode(info: Map<number, Uint8Array>): number | null {
  return readU32(decodeAttributes(info.get(IFLA_INFO_DATA) ?? NOTHING).get(IFLA_MACVLAN_MODE));
}

/** @param flags interface flags to switch on; the others stay */
function header(ifindex: number, flags = 0): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = viewOf(bytes);
  view.setInt32(4, ifindex, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, flags, true);
  return bytes;
}
