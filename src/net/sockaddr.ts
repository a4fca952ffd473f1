import { isIPv4, isIPv6 } from "node:net";
import type { Endpoint } from "../core/endpoint.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "./libc.ts";

/** Longest sockaddr we handle: sockaddr_un is 110 bytes. */
export const SOCKADDR_MAX = 110;

/** sockaddr_un.sun_path holds 108 bytes including the closing NUL. */
const UNIX_PATH_MAX = 107;

/**
 * The kernel's binary form of an endpoint whose host is an IP literal (IPv6 may carry no zone), or of a unix path
 * (`@name` is the abstract namespace). Exactly as long as the kernel wants it. Throws RangeError for a host name or a path too long.
 *
 * ```
 * sockaddr_in   family u16 | port be16 | addr 4 | zero 8             16 bytes
 * sockaddr_in6  family u16 | port be16 | flow 4 | addr 16 | scope 4   28 bytes
 * sockaddr_un   family u16 | path, NUL                            2+n+1 bytes
 * ```
 */
export function encodeSockaddr(endpoint: Endpoint): Uint8Array {
  if (endpoint.kind === "unix") {
    const path = new TextEncoder().encode(endpoint.path);
    if (path.length > UNIX_PATH_MAX) throw new RangeError(`unix socket path is longer than ${UNIX_PATH_MAX} bytes`);
    const abstract = path[0] === 0x40;
    const bytes = allocate(2 + path.length + (abstract ? 0 : 1), AF_UNIX);
    bytes.set(path, 2);
    if (abstract) bytes[2] = 0;
    return bytes;
  }
  const { host, port } = endpoint;
  if (isIPv4(host)) {
    const bytes = allocate(16, AF_INET);
    bytes[2] = port >> 8;
    bytes[3] = port & 0xff;
    bytes.set(host.split(".").map(Number), 4);
    return bytes;
  }
  if (!isIPv6(host) || host.includes("%")) throw new RangeError(`${host} is not an IP address`);
  const bytes = allocate(28, AF_INET6);
  bytes[2] = port >> 8;
  bytes[3] = port & 0xff;
  bytes.set(parseIPv6(host), 8);
  return bytes;
}

/** The endpoint in a sockaddr the kernel returned; null for a family that we do not use or an unnamed unix socket. */
export function decodeSockaddr(bytes: Uint8Array): Endpoint | null {
  const family = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  const port = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  if (family === AF_INET) return { kind: "tcp", host: Array.from(bytes.subarray(4, 8)).join("."), port };
  if (family === AF_INET6) return { kind: "tcp", host: formatIPv6(bytes.subarray(8, 24)), port };
  if (family !== AF_UNIX || bytes.length <= 2) return null;
  const path = bytes.subarray(2);
  if (path[0] === 0) return { kind: "unix", path: `@${new TextDecoder().decode(path.subarray(1))}` };
  const end = path.indexOf(0);
  return { kind: "unix", path: new TextDecoder().decode(end < 0 ? path : path.subarray(0, end)) };
}

/** The 4 or 16 bytes of an IP literal; empty when it is none (a unix client has no address). */
export function parseIp(host: string): Uint8Array {
  if (isIPv4(host)) return Uint8Array.from(host.split("."), Number);
  return isIPv6(host) ? Uint8Array.from(parseIPv6(host)) : new Uint8Array(0);
}

/** AF_* of an encoded address. */
export function familyOf(sockaddr: Uint8Array): number {
  return (sockaddr[0] ?? 0) | ((sockaddr[1] ?? 0) << 8);
}

function allocate(length: number, family: number): Uint8Array {
  // An explicit ArrayBuffer never moves, so the kernel may be given its address (see net/libc.ts).
  const bytes = new Uint8Array(new ArrayBuffer(length));
  bytes[0] = family;
  return bytes;
}

function parseIPv6(host: string): number[] {
  let text = host;
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host);
  if (dotted) {
    const [, head = "", a, b, c, d] = dotted;
    text = `${head}${((Number(a) << 8) | Number(b)).toString(16)}:${((Number(c) << 8) | Number(d)).toString(16)}`;
  }
  const [left = "", right] = text.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const head = groups(left);
  const tail = right === undefined ? [] : groups(right);
  const words = [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
  return words.flatMap((word) => [word >> 8, word & 0xff]);
}

function formatIPv6(bytes: Uint8Array): string {
  // RFC 5952 §5, and what Bun prints for an IPv4 client of a dual-stack socket.
  const isV4Mapped = bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0);
  if (isV4Mapped) return `::ffff:${Array.from(bytes.subarray(12, 16)).join(".")}`;
  const words = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  let bestStart = -1;
  let bestLength = 1; // RFC 5952 §4.2.2: a single zero group is not shortened
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && words[start + length] === 0) length++;
    if (length > bestLength) [bestStart, bestLength] = [start, length];
  }
  const hex = words.map((word) => word.toString(16));
  if (bestStart < 0) return hex.join(":");
  return `${hex.slice(0, bestStart).join(":")}::${hex.slice(bestStart + bestLength).join(":")}`;
}
