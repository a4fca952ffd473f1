/**
 * The Internet checksum (RFC 1071): complement of the one's complement sum of 16-bit words in network order. The parts are
 * summed as if they stood behind each other; only the last may have an odd length. 0 for data that contains its own valid checksum.
 */
export function inetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const bytes of parts) {
    for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}
