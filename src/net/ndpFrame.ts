import { inetChecksum } from "./inetChecksum.ts";

const ETHERNET_BYTES = 14;
const IPV6_BYTES = 40;
const ICMP_AT = ETHERNET_BYTES + IPV6_BYTES;
const ETHERTYPE_IPV6 = 0x86dd;
const ICMPV6 = 58;
const HOP_LIMIT = 255;
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;
const TARGET_LINK_LAYER_ADDRESS = 2;
const ROUTER = 0x80;
const SOLICITED = 0x40;
const OVERRIDE = 0x20;
/** Type, code, checksum, flags, target. */
const MESSAGE_BYTES = 24;

const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const SOLICITED_NODE_PREFIX = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff];

/** A neighbour advertisement (RFC 4861 §4.4). */
export interface NeighbourAdvertisement {
  /** Who sent the frame, by its Ethernet header; 6 bytes. */
  frameSource: Uint8Array;
  /** Sender by the IPv6 header, and the address spoken about; 16 bytes each. */
  source: Uint8Array;
  target: Uint8Array;
  /** Where the target is, if the message says so; 6 bytes. */
  targetMac: Uint8Array | null;
  router: boolean;
  solicited: boolean;
  override: boolean;
}

/**
 * An unsolicited neighbour advertisement, 86 bytes: "`address` is at `mac`" from the address itself to all nodes,
 * Override set, as keepalived sends it.
 *
 * @param mac of the interface, 6 bytes
 * @param address 16 bytes
 * @param router whether this host forwards IPv6 on the interface: a host that says no is dropped as a default router
 */
export function unsolicitedAdvertisement(mac: Uint8Array, address: Uint8Array, router: boolean): Uint8Array {
  const message = new Uint8Array(MESSAGE_BYTES + 8);
  message[0] = NEIGHBOUR_ADVERTISEMENT;
  message[4] = OVERRIDE | (router ? ROUTER : 0);
  message.set(address, 8);
  message.set([TARGET_LINK_LAYER_ADDRESS, 1], MESSAGE_BYTES);
  message.set(mac, MESSAGE_BYTES + 2);
  return icmpFrame(mac, address, ALL_NODES, message);
}

/**
 * A neighbour solicitation as duplicate address detection sends it (RFC 4862 §5.4.2), 78 bytes: asks who has `address`
 * from the unspecified address, so that no neighbour learns from it. Its owner answers to all nodes.
 */
export function duplicateAddressProbe(mac: Uint8Array, address: Uint8Array): Uint8Array {
  const message = new Uint8Array(MESSAGE_BYTES);
  message[0] = NEIGHBOUR_SOLICITATION;
  message.set(address, 8);
  const solicitedNode = Uint8Array.from([...SOLICITED_NODE_PREFIX, ...address.subarray(13)]);
  return icmpFrame(mac, new Uint8Array(16), solicitedNode, message);
}

/**
 * Reads an Ethernet frame; null when it is not a valid neighbour advertisement by RFC 4861 §7.1.2: hop limit 255, right
 * checksum, code 0, whole, no multicast target, not solicited when sent to many, no option of length 0. The fields are copies.
 */
export function decodeNeighbourAdvertisement(frame: Uint8Array): NeighbourAdvertisement | null {
  if (frame.length < ICMP_AT + MESSAGE_BYTES || wordAt(frame, 12) !== ETHERTYPE_IPV6) return null;
  const ip = frame.subarray(ETHERNET_BYTES, ICMP_AT);
  if ((ip[0] ?? 0) >> 4 !== 6 || ip[6] !== ICMPV6 || ip[7] !== HOP_LIMIT) return null;
  const length = wordAt(ip, 4);
  if (length < MESSAGE_BYTES || ICMP_AT + length > frame.length) return null;
  const message = frame.subarray(ICMP_AT, ICMP_AT + length);
  if (message[0] !== NEIGHBOUR_ADVERTISEMENT || message[1] !== 0 || message[8] === 0xff) return null;
  const flags = message[4] ?? 0;
  const solicited = (flags & SOLICITED) !== 0;
  if (solicited && ip[24] === 0xff) return null;
  const source = ip.slice(8, 24);
  if (checksum(source, ip.subarray(24), message) !== 0) return null;
  const options = linkLayerOption(message.subarray(MESSAGE_BYTES));
  if (!options.valid) return null;
  return {
    frameSource: frame.slice(6, 12),
    source,
    target: message.slice(8, 24),
    targetMac: options.mac,
    router: (flags & ROUTER) !== 0,
    solicited,
    override: (flags & OVERRIDE) !== 0,
  };
}

/** Walks type, length in 8 bytes, value; options of other types are skipped. */
function linkLayerOption(options: Uint8Array): { valid: boolean; mac: Uint8Array | null } {
  let mac: Uint8Array | null = null;
  for (let at = 0; at < options.length; ) {
    const length = (options[at + 1] ?? 0) * 8;
    if (length === 0 || at + length > options.length) return { valid: false, mac: null };
    if (options[at] === TARGET_LINK_LAYER_ADDRESS) mac = options.slice(at + 2, at + 8);
    at += length;
  }
  return { valid: true, mac };
}

/** Ethernet and IPv6 headers before an ICMPv6 message to a multicast address; fills the message's checksum in. */
function icmpFrame(mac: Uint8Array, source: Uint8Array, destination: Uint8Array, message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(new ArrayBuffer(ICMP_AT + message.length));
  // RFC 2464 §7: 33:33 and the last four bytes of the group
  frame.set([0x33, 0x33, ...destination.subarray(12)]);
  frame.set(mac, 6);
  frame.set([0x86, 0xdd, 0x60, 0, 0, 0, 0, message.length, ICMPV6, HOP_LIMIT], 12);
  frame.set(source, ETHERNET_BYTES + 8);
  frame.set(destination, ETHERNET_BYTES + 24);
  frame.set(message, ICMP_AT);
  const sum = checksum(source, destination, message);
  frame.set([sum >> 8, sum & 0xff], ICMP_AT + 2);
  return frame;
}

/** RFC 4443 §2.3: over a pseudo-header of both addresses, length and protocol, and the message. */
function checksum(source: Uint8Array, destination: Uint8Array, message: Uint8Array): number {
  const rest = Uint8Array.of(0, 0, message.length >> 8, message.length & 0xff, 0, 0, 0, ICMPV6);
  return inetChecksum(source, destination.subarray(0, 16), rest, message);
}

function wordAt(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}
