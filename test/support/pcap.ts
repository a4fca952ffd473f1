import { readFileSync } from "node:fs";
import type { Datagram } from "../../src/vrrp/ports.ts";

/** One captured Ethernet frame. */
export interface Frame {
  /** Since the first frame of the file, to the microsecond. */
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** A captured VRRP packet, as a socket would have received it. */
export interface CapturedAdvert extends Datagram {
  readonly atMs: number;
}

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const LITTLE_ENDIAN_MICROSECONDS = 0xa1b2c3d4;
const LINKTYPE_ETHERNET = 1;

const ETHERNET_BYTES = 14;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const IPV6_BYTES = 40;
const PROTOCOL_VRRP = 112;

/**
 * The frames of a capture file (pcap 2.4, little endian, microseconds, Ethernet: what tcpdump writes here). Throws for
 * any other format and for a frame that was not captured whole.
 */
export function readPcap(path: string): Frame[] {
  const file = readFileSync(path);
  if (file.readUInt32LE(0) !== LITTLE_ENDIAN_MICROSECONDS || file.readUInt32LE(20) !== LINKTYPE_ETHERNET) {
    throw new Error(`${path} is not an Ethernet capture in little endian microseconds`);
  }
  const frames: Frame[] = [];
  let firstMs: number | null = null;
  for (let at = FILE_HEADER_BYTES; at < file.length; ) {
    const stampMs = file.readUInt32LE(at) * 1000 + file.readUInt32LE(at + 4) / 1000;
    const capturedBytes = file.readUInt32LE(at + 8);
    if (capturedBytes !== file.readUInt32LE(at + 12)) throw new Error(`${path}: a frame was cut`);
    firstMs ??= stampMs;
    const start = at + RECORD_HEADER_BYTES;
    at = start + capturedBytes;
    frames.push({ atMs: stampMs - firstMs, bytes: Uint8Array.from(file.subarray(start, at)) });
  }
  return frames;
}

/** The VRRP packets of a capture file, in order. */
export function readAdverts(path: string): CapturedAdvert[] {
  return readPcap(path).flatMap(({ atMs, bytes }) => {
    const datagram = vrrpIn(bytes);
    return datagram === null ? [] : [{ atMs, ...datagram }];
  });
}

/** The VRRP packet in an Ethernet frame; null when it carries something else. */
export function vrrpIn(frame: Uint8Array): Datagram | null {
  const ethertype = uint16(frame, 12);
  const packet = frame.slice(ETHERNET_BYTES);
  if (ethertype === ETHERTYPE_IPV4 && packet[9] === PROTOCOL_VRRP) {
    return {
      source: packet.slice(12, 16),
      destination: packet.slice(16, 20),
      ttl: packet[8] ?? 0,
      payload: packet.slice(((packet[0] ?? 0) & 0xf) * 4, uint16(packet, 2)),
    };
  }
  if (ethertype === ETHERTYPE_IPV6 && packet[6] === PROTOCOL_VRRP) {
    return {
      source: packet.slice(8, 24),
      destination: packet.slice(24, 40),
      ttl: packet[7] ?? 0,
      payload: packet.slice(IPV6_BYTES, IPV6_BYTES + uint16(packet, 4)),
    };
  }
  return null;
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
