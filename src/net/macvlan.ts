import { constants } from "node:os";
import { sameBytes } from "../core/bytes.ts";
import { applyInterfaceSettings, type InterfaceSettings, type RefusedSysctl } from "./interfaceSysctl.ts";
import {
  addMacvlanRequest,
  decodeLink,
  deleteLinkRequest,
  dumpLinksRequest,
  type Link,
  type MacvlanRequest,
  noAddressGenerationRequest,
  probeMacvlanRequest,
  setUpRequest,
} from "./linkMessages.ts";
import { dump, request } from "./netlink.ts";

/**
 * The interface of a virtual router, keepalived's use_vmac: a macvlan with the virtual MAC address on top of the real one. The
 * virtual addresses live on it, so clients keep their neighbour entry when another host takes over.
 */

const { EAFNOSUPPORT, EEXIST, EINVAL, ENODEV, EOPNOTSUPP } = constants.errno;

/** As keepalived 2.2.7: answer ARP for its own addresses only, hear hosts of the subnet that live behind the other interface. */
const OWN_SETTINGS: InterfaceSettings = { arp_ignore: 1, accept_local: 1, rp_filter: 0, promote_secondaries: 1 };

/**
 * What the interface below needs, so that it does not answer for the virtual addresses. `arp_announce` is not among
 * keepalived's: without it the host asks for clients with the virtual address and the real MAC, and they learn the wrong one.
 */
export const VMAC_PARENT_SETTINGS: InterfaceSettings = { arp_ignore: 1, arp_filter: 1, arp_announce: 2 };

/** 00:00:5e:00:01:VRID for IPv4, 00:00:5e:00:02:VRID for IPv6 (RFC 9568 §7.3). */
export function virtualMac(family: 4 | 6, virtualRouterId: number): Uint8Array {
  return Uint8Array.of(0x00, 0x00, 0x5e, 0x00, family === 4 ? 0x01 : 0x02, virtualRouterId);
}

/** A macvlan that is up, or why there is none (`errno` is positive). */
export type MacvlanOutcome =
  | {
      readonly ok: true;
      readonly ifindex: number;
      readonly adopted: boolean;
      readonly refused: readonly RefusedSysctl[];
    }
  | { readonly ok: false; readonly errno: number };

/**
 * Makes the macvlan and brings it up, or adopts the one of this name that is there from an earlier life. It has no IPv6 address
 * of its own making. Failures: EEXIST the name belongs to another interface, ENODEV no such parent, EOPNOTSUPP a kernel
 * without macvlan, EPERM no CAP_NET_ADMIN, EADDRINUSE the parent has another macvlan with this MAC address, EBUSY the parent
 * is a port of a bridge. Throws SystemError when the interfaces cannot be listed.
 */
export function createMacvlan(wanted: MacvlanRequest): MacvlanOutcome {
  const code = request(addMacvlanRequest(wanted));
  if (code < 0 && code !== -EEXIST) return { ok: false, errno: -code };
  const link = linkNamed(wanted.name);
  if (link === null) return { ok: false, errno: ENODEV }; // removed since
  if (!matches(link, wanted)) return { ok: false, errno: EEXIST };
  return prepare(link, code === -EEXIST);
}

/** 0, or `-errno`: ENODEV when it is not there. Its addresses go with it. */
export function deleteMacvlan(ifindex: number): number {
  return request(deleteLinkRequest(ifindex));
}

/** Whether this kernel offers macvlan to us: 0, or `-errno`: EOPNOTSUPP not at all, EPERM no CAP_NET_ADMIN. */
export function probeMacvlan(): number {
  const code = request(probeMacvlanRequest());
  return code === -EINVAL ? 0 : code;
}

function prepare(link: Link, adopted: boolean): MacvlanOutcome {
  const failed = (code: number): MacvlanOutcome => {
    if (!adopted) deleteMacvlan(link.index);
    return { ok: false, errno: -code };
  };
  const generation = request(noAddressGenerationRequest(link.index));
  // Hosts without IPv6 generate no addresses anyway.
  if (generation < 0 && generation !== -EAFNOSUPPORT && generation !== -EOPNOTSUPP) return failed(generation);
  const refused = applyInterfaceSettings(link.name, OWN_SETTINGS);
  const up = request(setUpRequest(link.index));
  return up < 0 ? failed(up) : { ok: true, ifindex: link.index, adopted, refused };
}

function matches(link: Link, { parentIndex, mac }: MacvlanRequest): boolean {
  return link.privateMacvlan && link.parentIndex === parentIndex && sameBytes(link.mac, mac);
}

function linkNamed(name: string): Link | null {
  for (const { payload } of dump(dumpLinksRequest())) {
    const link = decodeLink(payload);
    if (link?.name === name) return link;
  }
  return null;
}
