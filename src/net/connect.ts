import { AF_UNIX, errno, IPPROTO_IP, libc, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from "./libc.ts";
import { familyOf } from "./sockaddr.ts";

const EINPROGRESS = 115;
const IP_BIND_ADDRESS_NO_PORT = 24;
const ONE = new Int32Array(new ArrayBuffer(4)).fill(1);

/**
 * Starts a non-blocking stream connect to an encoded address (net/sockaddr.ts), optionally from a local one (port 0: the
 * kernel picks the port only when it knows the peer, so each peer has the whole port range).
 *
 * Returns the fd, still connecting, or `-errno`. The caller hands it to `Bun.connect({fd})`, whose first `drain` means
 * connected and whose `close` before that carries the true errno. Never read SO_ERROR meanwhile: it would eat the error.
 */
export function startConnect(address: Uint8Array, addressLength: number, source: Uint8Array | null = null): number {
  const fd = libc.socket(familyOf(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno();
  if (source !== null && familyOf(address) !== AF_UNIX) {
    libc.setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, ONE, 4);
    if (libc.bind(fd, source, source.length) < 0) return fail(fd);
  }
  if (libc.connect(fd, address, addressLength) < 0) {
    const code = errno();
    if (code !== EINPROGRESS) {
      libc.close(fd);
      return -code;
    }
  }
  return fd;
}

function fail(fd: number): number {
  const code = errno();
  libc.close(fd);
  return -code;
}
