import { readdirSync } from "node:fs";
import type { Endpoint } from "../../src/core/endpoint.ts";
import {
  errno,
  libc,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  setSocketOption,
} from "../../src/net/libc.ts";
import { encodeSockaddr, familyOf } from "../../src/net/sockaddr.ts";
import { atEnd } from "../support/cleanup.ts";

/** The kernel would have to wait. */
export const EAGAIN = 11;

const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;

/** A socket as another program would make it, without our listen code; closed when the test ends. */
export function foreignSocket(type: number, endpoint: Endpoint, options: { reusePort?: boolean } = {}): number {
  const address = encodeSockaddr(endpoint);
  const fd = libc.socket(familyOf(address), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reusePort) setSocketOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (libc.bind(fd, address, address.length) < 0) throw new Error(`bind: errno ${errno()}`);
  closeAtEnd(fd);
  return fd;
}

/** A listener of another program, with this backlog. */
export function foreignListener(endpoint: Endpoint, backlog = 10, options: { reusePort?: boolean } = {}): number {
  const fd = foreignSocket(SOCK_STREAM, endpoint, options);
  libc.listen(fd, backlog);
  return fd;
}

/** Closes the fd when the test ends. */
export function closeAtEnd(fd: number): void {
  atEnd(() => void libc.close(fd));
}

/** Whether a connecting socket has reached its peer (its handshake is complete). */
export function isConnected(fd: number): boolean {
  return libc.getpeername(fd, new Uint8Array(new ArrayBuffer(112)), Uint32Array.of(112)) === 0;
}

/** Open file descriptors of this process. */
export function openFds(): number {
  return readdirSync("/proc/self/fd").length;
}
