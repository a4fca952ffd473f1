import { canonicalHost } from "../core/endpoint.ts";

/** An address of 4 or 16 bytes as people read it: "192.0.2.1", "2001:db8::1" (RFC 5952). */
export function formatAddress(address: Uint8Array): string {
  if (address.length === 4) return address.join(".");
  const words: string[] = [];
  for (let at = 0; at < address.length; at += 2) {
    words.push((((address[at] ?? 0) << 8) | (address[at + 1] ?? 0)).toString(16));
  }
  return canonicalHost(words.join(":"));
}
