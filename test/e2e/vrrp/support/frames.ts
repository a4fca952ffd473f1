/** What the wire showed, decoded without any of the product's code. */

interface Frame {
  /** Epoch ms with fractions, stamped by the kernel. */
  readonly atMs: number;
  /** Ethernet source. */
  readonly mac: string;
}

/** A VRRP advertisement. */
export interface Advert extends Frame {
  readonly kind: "advert";
  readonly source: string;
  readonly destination: string;
  readonly ttl: number;
  readonly version: number;
  readonly vrid: number;
  readonly priority: number;
  readonly intervalMs: number;
  /** Version 2 only, else null. */
  readonly authType: number | null;
  readonly addresses: readonly string[];
  /** How the checksum was made: `message`: over the VRRP message alone; `pseudo`: with a pseudo-header. */
  readonly checksum: "message" | "pseudo" | "wrong";
}

/** An ARP packet; gratuitous when `sender` is `target`. */
export interface Arp extends Frame {
  readonly kind: "arp";
  readonly op: "request" | "reply";
  readonly sender: string;
  readonly senderMac: string;
  readonly target: string;
  readonly to: string;
}

/** An IPv6 neighbour advertisement. */
export interface NeighbourAdvert extends Frame {
  readonly kind: "na";
  readonly target: string;
  readonly to: string;
}

export type Seen = Advert | Arp | NeighbourAdvert;

const PCAP_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const PROTOCOL_VRRP = 112;

/** The frames of a pcap file (little endian, µs, Ethernet); what is neither VRRP, ARP nor a neighbour advertisement is left out. */
export function readPcap(file: Uint8Array): Seen[] {
  const bytes = Buffer.from(file);
  const seen: Seen[] = [];
  for (let at = PCAP_HEADER_BYTES; at + RECORD_HEADER_BYTES <= bytes.length; ) {
    const atMs = bytes.readUInt32LE(at) * 1000 + bytes.readUInt32LE(at + 4) / 1000;
    const start = at + RECORD_HEADER_BYTES;
    const end = start + bytes.readUInt32LE(at + 8);
    // The recorder may be in the middle of a record.
    if (end > bytes.length) break;
    const frame = decode(bytes.subarray(start, end), atMs);
    if (frame !== null) seen.push(frame);
    at = end;
  }
  return seen;
}

function decode(frame: Buffer, atMs: number): Seen | null {
  const mac = macText(frame.subarray(6, 12));
  const to = macText(frame.subarray(0, 6));
  const body = frame.subarray(14);
  switch (frame.readUInt16BE(12)) {
    case 0x0806:
      return {
        kind: "arp",
        atMs,
        mac,
        to,
        op: body.readUInt16BE(6) === 1 ? "request" : "reply",
        senderMac: macText(body.subarray(8, 14)),
        sender: ipText(body.subarray(14, 18)),
        target: ipText(body.subarray(24, 28)),
      };
    case 0x0800: {
      if (body[9] !== PROTOCOL_VRRP) return null;
      const header = ((body[0] ?? 0) & 15) * 4;
      const message = body.subarray(header, body.readUInt16BE(2));
      return advert({ atMs, mac, ttl: body[8] ?? 0 }, body.subarray(12, 16), body.subarray(16, 20), message);
    }
    case 0x86dd: {
      const [source, destination] = [body.subarray(8, 24), body.subarray(24, 40)];
      const payload = body.subarray(40, 40 + body.readUInt16BE(4));
      if (body[6] === PROTOCOL_VRRP) return advert({ atMs, mac, ttl: body[7] ?? 0 }, source, destination, payload);
      if (body[6] === 58 && payload[0] === 136)
        return { kind: "na", atMs, mac, to, target: ipText(payload.subarray(8, 24)) };
      return null;
    }
    default:
      return null;
  }
}

function advert(
  common: { atMs: number; mac: string; ttl: number },
  source: Buffer,
  destination: Buffer,
  message: Buffer,
): Advert {
  const version = (message[0] ?? 0) >> 4;
  const width = source.length;
  const addresses = Array.from({ length: message[3] ?? 0 }, (_, i) =>
    ipText(message.subarray(8 + i * width, 8 + (i + 1) * width)),
  );
  return {
    kind: "advert",
    ...common,
    source: ipText(source),
    destination: ipText(destination),
    version,
    vrid: message[1] ?? 0,
    priority: message[2] ?? 0,
    intervalMs: version === 2 ? (message[5] ?? 0) * 1000 : (message.readUInt16BE(4) & 0xfff) * 10,
    authType: version === 2 ? (message[4] ?? 0) : null,
    addresses,
    checksum: checksumOf(source, destination, message),
  };
}

function checksumOf(source: Buffer, destination: Buffer, message: Buffer): Advert["checksum"] {
  if (inetSum(message) === 0) return "message";
  const tail =
    source.length === 4
      ? Buffer.of(0, PROTOCOL_VRRP, message.length >> 8, message.length & 255)
      : Buffer.of(0, 0, message.length >> 8, message.length & 255, 0, 0, 0, PROTOCOL_VRRP);
  return inetSum(Buffer.concat([source, destination, tail, message])) === 0 ? "pseudo" : "wrong";
}

/** The Internet checksum (RFC 1071) of an even or odd number of bytes: 0 when a right one is among them. */
export function inetSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/** 4 or 16 bytes as people write the address. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  // The URL parser writes an IPv6 address in its one short form (RFC 5952).
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/** "02:00:00:00:09:01". */
export function macText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
