import { AF_UNIX, errno, libc, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from "./libc.ts";
import { familyOf } from "./sockaddr.ts";

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** A connected datagram socket (UDP, or unix as /dev/log is) that never blocks and never throws. */
export class DatagramSocket {
  private fd = -1;

  /** @param address encoded peer address, see net/sockaddr.ts */
  constructor(private readonly address: Uint8Array) {
    this.reopen();
  }

  /** Sends one datagram: its length when the kernel took it, else `-errno` (EAGAIN: queue full; ECONNREFUSED: nobody there). */
  send(bytes: Uint8Array): number {
    if (this.fd < 0 && !this.reopen()) return -errno();
    const sent = Number(libc.send(this.fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL));
    return sent < 0 ? -errno() : sent;
  }

  /** Connects anew, as a unix datagram socket must after its daemon restarted; false when that fails now. */
  reopen(): boolean {
    this.close();
    const fd = libc.socket(familyOf(this.address), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    if (libc.connect(fd, this.address, this.address.length) < 0) {
      // close(2) leaves errno alone when it succeeds, so send() can still report why.
      libc.close(fd);
      return false;
    }
    this.fd = fd;
    return true;
  }

  close(): void {
    if (this.fd >= 0) libc.close(this.fd);
    this.fd = -1;
  }

  /** Whether the peer is a unix socket, whose daemon's restart needs {@link reopen}. */
  get isUnix(): boolean {
    return familyOf(this.address) === AF_UNIX;
  }
}
