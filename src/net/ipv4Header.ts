import { inetChecksum } from "./inetChecksum.ts";

/** Length of a header without options, in bytes. */
export const IPV4_HEADER_BYTES = 20;

/** What a sender chooses in an IPv4 header. */
export interface Ipv4HeaderFields {
  /** 4 bytes each. */
  source: Uint8Array;
  destination: Uint8Array;
  /** 0..255 each. */
  protocol: number;
  ttl: number;
  typeOfService: number;
  /** 0..65535. */
  identification: number;
  /** What follows the header; at most 65515. */
  payloadBytes: number;
}

/** A received packet, read. The byte arrays are views of the packet that was given. */
export interface Ipv4Packet {
  source: Uint8Array;
  destination: Uint8Array;
  protocol: number;
  ttl: number;
  typeOfService: number;
  identification: number;
  /** What the total length says is payload: padding behind it is cut off. */
  payload: Uint8Array;
}

/**
 * Writes the header of an unfragmented packet (RFC 791 §3.1) without options into the first 20 bytes of `packet`:
 *
 * ```
 *  0 version 4, header length 5   1 type of service        2 total length u16
 *  4 identification u16                                    6 flags (DF clear), fragment offset u16 = 0
 *  8 time to live                 9 protocol              10 header checksum u16
 * 12 source                                               16 destination
 * ```
 */
export function writeIpv4Header(packet: Uint8Array, fields: Ipv4HeaderFields): void {
  const header = packet.subarray(0, IPV4_HEADER_BYTES);
  const totalLength = IPV4_HEADER_BYTES + fields.payloadBytes;
  header.set([0x45, fields.typeOfService, totalLength >> 8, totalLength & 0xff]);
  header.set([fields.identification >> 8, fields.identification & 0xff, 0, 0, fields.ttl, fields.protocol, 0, 0], 4);
  header.set(fields.source, 12);
  header.set(fields.destination, 16);
  const checksum = inetChecksum(header);
  header.set([checksum >> 8, checksum & 0xff], 10);
}

/**
 * Reads a packet as a raw socket hands it over; null when it is none: shorter than its header, not version 4, a header
 * length below 20, a total length below the header's or above what was received. Options are skipped. The header
 * checksum is the kernel's to judge, which does so before any socket sees the packet.
 */
export function readIpv4Packet(bytes: Uint8Array): Ipv4Packet | null {
  const [first = 0, typeOfService = 0] = bytes;
  const headerLength = (first & 0x0f) * 4;
  if (first >> 4 !== 4 || headerLength < IPV4_HEADER_BYTES) return null;
  const totalLength = wordAt(bytes, 2);
  if (totalLength < headerLength || totalLength > bytes.length) return null;
  return {
    source: bytes.subarray(12, 16),
    destination: bytes.subarray(16, 20),
    protocol: bytes[9] ?? 0,
    ttl: bytes[8] ?? 0,
    typeOfService,
    identification: wordAt(bytes, 4),
    payload: bytes.subarray(headerLength, totalLength),
  };
}

function wordAt(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}
