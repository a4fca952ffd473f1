import { isIPv4, isIPv6 } from "node:net";
import { parseIp } from "./sockaddr.ts";

/** Both ends of a client's connection, as we saw it; null when it is not TCP over IP. */
export interface ConnectionEnds {
  sourceHost: string;
  sourcePort: number;
  destinationHost: string;
  destinationPort: number;
}

const V2_SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];

/**
 * The PROXY protocol header that tells a server who its client is (haproxy.org, proxy-protocol.txt §2.1 and §2.2).
 *
 * ```
 * v1  PROXY TCP4 source destination sport dport\r\n      or  PROXY UNKNOWN\r\n
 * v2  signature 12 | 0x21 | family 0x11, 0x21 | length be16 | source | destination | sport be16 | dport be16
 * ```
 * A client that has no IP address is announced as LOCAL (0x20), as HAProxy does: receivers refuse PROXY without one.
 * A v4-mapped client of an IPv6 socket is announced as the IPv4 client that it is.
 */
export function encodeProxyHeader(version: "v1" | "v2", ends: ConnectionEnds | null): Uint8Array {
  const plain =
    ends === null
      ? null
      : { ...ends, sourceHost: unmapped(ends.sourceHost), destinationHost: unmapped(ends.destinationHost) };
  return version === "v1" ? encodeV1(plain) : encodeV2(plain);
}

function encodeV1(ends: ConnectionEnds | null): Uint8Array {
  const family = ends === null ? null : familyOf(ends);
  if (ends === null || family === null) return Buffer.from("PROXY UNKNOWN\r\n");
  const { sourceHost, destinationHost, sourcePort, destinationPort } = ends;
  return Buffer.from(`PROXY TCP${family} ${sourceHost} ${destinationHost} ${sourcePort} ${destinationPort}\r\n`);
}

function encodeV2(ends: ConnectionEnds | null): Uint8Array {
  const family = ends === null ? null : familyOf(ends);
  if (ends === null || family === null) return Uint8Array.from([...V2_SIGNATURE, 0x20, 0x00, 0, 0]);
  const addresses = [...parseIp(ends.sourceHost), ...parseIp(ends.destinationHost)];
  const ports = [ends.sourcePort, ends.destinationPort].flatMap((port) => [port >> 8, port & 0xff]);
  return Uint8Array.from([
    ...V2_SIGNATURE,
    0x21,
    family === 4 ? 0x11 : 0x21,
    0,
    addresses.length + 4,
    ...addresses,
    ...ports,
  ]);
}

function familyOf(ends: ConnectionEnds): 4 | 6 | null {
  if (isIPv4(ends.sourceHost) && isIPv4(ends.destinationHost)) return 4;
  return isIPv6(ends.sourceHost) && isIPv6(ends.destinationHost) ? 6 : null;
}

function unmapped(host: string): string {
  return host.toLowerCase().startsWith("::ffff:") && host.includes(".") ? host.slice(7) : host;
}
