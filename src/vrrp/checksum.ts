import { inetChecksum } from "../net/inetChecksum.ts";
import { GROUP_IPV4 } from "./group.ts";

/**
 * What the checksum of a version 3 advert over IPv4 covers. Version 2 is always "plain", IPv6 always "pseudo".
 * - pseudo: pseudo-header and message. keepalived's default, and what RFC 5798 was read to say.
 * - plain: the message alone, RFC 9568 §5.2.8. keepalived's `v3_checksum_as_v2`.
 * - pseudo-group: a pseudo-header that names 224.0.0.18 although the packet is unicast. keepalived's `old_unicast_checksum`.
 */
export type ChecksumDialect = "pseudo" | "plain" | "pseudo-group";

/** Sender and receiver in the IP header, 4 bytes each or 16 bytes each. */
export interface Ends {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

/** Offset of the checksum field in every version; the field counts as zero. */
export const CHECKSUM_OFFSET = 6;

const PROTOCOL = 112;

/** The dialects that a version has over a family, the likeliest first. */
export function dialectsOf(version: 2 | 3, family: 4 | 6): readonly ChecksumDialect[] {
  if (version === 2) return ["plain"];
  return family === 6 ? ["pseudo"] : ["pseudo", "plain", "pseudo-group"];
}

/** The checksum of a message in a dialect. `message` is the part that it covers, whatever stands in its checksum field. */
export function checksumOf(message: Uint8Array, ends: Ends, dialect: ChecksumDialect): number {
  const zeroed = message.slice().fill(0, CHECKSUM_OFFSET, CHECKSUM_OFFSET + 2);
  return inetChecksum(...pseudoHeader(message.length, ends, dialect), zeroed);
}

/**
 * The first of `dialects` that the checksum field of a message is right in; null: none. Two can fit: a packet to the group
 * does not tell "pseudo" from "pseudo-group", and one sender in 65535 has a pseudo-header that sums up to nothing.
 */
export function fittingDialect(
  message: Uint8Array,
  ends: Ends,
  dialects: readonly ChecksumDialect[],
): ChecksumDialect | null {
  const fits = (dialect: ChecksumDialect) =>
    inetChecksum(...pseudoHeader(message.length, ends, dialect), message) === 0;
  return dialects.find(fits) ?? null;
}

/**
 * What is summed up before the message; nothing when there is no pseudo-header.
 *
 * ```
 * IPv4  source 4 | destination 4 | zero 1 | 112 | length be16            as TCP's, RFC 9293 §3.1
 * IPv6  source 16 | destination 16 | length be32 | zero 3 | 112          RFC 8200 §8.1
 * ```
 */
function pseudoHeader(sizeBytes: number, { source, destination }: Ends, dialect: ChecksumDialect): Uint8Array[] {
  if (dialect === "plain") return [];
  const receiver = dialect === "pseudo-group" ? GROUP_IPV4 : destination;
  // The words of IPv6 in another order: to a sum they are the same, and no IP packet needs more than 16 bits of length.
  return [source, receiver, Uint8Array.of(0, PROTOCOL, sizeBytes >> 8, sizeBytes & 0xff)];
}
