const BROADCAST = new Uint8Array(6).fill(0xff);
const ETHERTYPE_ARP = 0x0806;
const FRAME_BYTES = 42;

/** `arp op` numbers (RFC 826). */
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

/** An ARP message about IPv4 addresses on Ethernet. Hardware addresses have 6 bytes, protocol addresses 4. */
export interface ArpMessage {
  /** Who sent the frame, by its Ethernet header; differs from `senderMac` behind some bridges, and in forgeries. */
  frameSource: Uint8Array;
  /** {@link ARP_REQUEST}, {@link ARP_REPLY} or another number. */
  operation: number;
  senderMac: Uint8Array;
  senderAddress: Uint8Array;
  targetMac: Uint8Array;
  targetAddress: Uint8Array;
}

/**
 * A gratuitous ARP frame, 42 bytes: "`address` is at `mac`" to everybody.
 *
 * The request form is keepalived's, with all ones as target hardware address. The reply form is that of RFC 5944 §4.6,
 * where the target hardware address repeats the sender's; some devices learn from one form only.
 *
 * @param mac of the interface, 6 bytes
 * @param address 4 bytes
 */
export function gratuitousArp(mac: Uint8Array, address: Uint8Array, form: "request" | "reply"): Uint8Array {
  return form === "request"
    ? arpFrame(ARP_REQUEST, mac, address, BROADCAST, address)
    : arpFrame(ARP_REPLY, mac, address, mac, address);
}

/**
 * An ARP probe (RFC 5227 §2.1.1): asks who has `address` without claiming anything, so that no neighbour learns from it;
 * the sender's protocol address is 0.
 */
export function arpProbe(mac: Uint8Array, address: Uint8Array): Uint8Array {
  return arpFrame(ARP_REQUEST, mac, new Uint8Array(4), new Uint8Array(6), address);
}

/** Reads an Ethernet frame; null when it is not ARP for IPv4 on Ethernet, or cut short. The fields are copies. */
export function decodeArp(frame: Uint8Array): ArpMessage | null {
  if (frame.length < FRAME_BYTES || wordAt(frame, 12) !== ETHERTYPE_ARP) return null;
  // hardware type Ethernet, protocol type IPv4, address lengths 6 and 4
  if (wordAt(frame, 14) !== 1 || wordAt(frame, 16) !== 0x0800 || wordAt(frame, 18) !== 0x0604) return null;
  return {
    frameSource: frame.slice(6, 12),
    operation: wordAt(frame, 20),
    senderMac: frame.slice(22, 28),
    senderAddress: frame.slice(28, 32),
    targetMac: frame.slice(32, 38),
    targetAddress: frame.slice(38, 42),
  };
}

/**
 * ```
 *  0 Ethernet: destination 6 | source 6 | type 0806
 * 14 hardware type 1 u16 | protocol type 0800 | lengths 6, 4 | operation u16
 * 22 sender: hardware 6, protocol 4 | 32 target: hardware 6, protocol 4
 * ```
 */
function arpFrame(
  operation: number,
  senderMac: Uint8Array,
  senderAddress: Uint8Array,
  targetMac: Uint8Array,
  targetAddress: Uint8Array,
): Uint8Array {
  const frame = new Uint8Array(new ArrayBuffer(FRAME_BYTES));
  frame.set(BROADCAST, 0);
  frame.set(senderMac, 6);
  frame.set([0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, operation], 12);
  frame.set(senderMac, 22);
  frame.set(senderAddress, 28);
  frame.set(targetMac, 32);
  frame.set(targetAddress, 38);
  return frame;
}

function wordAt(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}
