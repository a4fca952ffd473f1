import {
  errno,
  libc,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
  SystemError,
  setSocketOption,
  setSocketOptionBytes,
} from "./libc.ts";
import { MessageReader } from "./messageReader.ts";
import { RAW_FAMILIES, type RawFamily, type ReceivedDatagram } from "./rawFamily.ts";
import { drain, watchReadable } from "./readiness.ts";
import { attachFilter, DROP_ALL } from "./socketFilter.ts";

const SO_RCVBUF = 8;
const SO_BINDTODEVICE = 25;
const MSG_DONTROUTE = 0x04;
const MSG_DONTWAIT = 0x40;
const EBADF = 9;
const EAGAIN = 11;
const EADDRNOTAVAIL = 99;

/**
 * The kernel doubles it and counts its own overhead: some 60 to 340 small packets, depending on the driver. A drain reads more
 * than that (net/readiness.ts), and a flood cannot ring the bell oftener than that between two drains.
 */
const RECEIVE_BUFFER_BYTES = 128 << 10;

/** Above the longest message of 255 IPv6 addresses with every IPv4 option. */
const DATAGRAM_BYTES = 8192;

export interface ProtocolSocketOptions {
  family: 4 | 6;
  /** IP protocol number; VRRP is 112. */
  protocol: number;
  /** The interface to listen on, by name and by number. */
  device: string;
  ifindex: number;
  /** The multicast group to hear, 4 or 16 bytes; null: what is sent to `source` (or to any address of ours while that is null). */
  group: Uint8Array | null;
  /** Our address, see {@link ProtocolSocket.setSource}. */
  source: Uint8Array | null;
  /** The interface to send through when it is another one (a macvlan on top of `device`). */
  sendDevice?: { name: string; ifindex: number };
}

/**
 * Datagrams of one IP protocol on one interface: one socket hears, another sends. Sent packets carry TTL or hop limit 255 and
 * traffic class 0xc0, and on IPv4 an identification that counts up from 1. Never blocks.
 *
 * Works again by itself after the interface was down. After it was deleted and made again (another ifindex) the sockets hear
 * nothing any more: close and open anew.
 */
export class ProtocolSocket {
  private readonly reader = new MessageReader(DATAGRAM_BYTES);
  private identification = 0;
  private malformedCount = 0;
  private source: Uint8Array | null = null;
  private stopWatching: (() => void) | null = null;
  private onReadableFn: (() => void) | null = null;

  private constructor(
    private readonly options: ProtocolSocketOptions,
    private readonly family: RawFamily,
    private receiver: number,
    private sender: number,
  ) {}

  /** Throws {@link SystemError}: EPERM without CAP_NET_RAW, ENODEV for an interface that is gone, EINVAL for an address of the other family. */
  static open(options: ProtocolSocketOptions): ProtocolSocket {
    const { device, ifindex, group, protocol, source } = options;
    const out = options.sendDevice ?? { name: device, ifindex };
    const family = RAW_FAMILIES[options.family];
    const receiver = rawSocket(family, protocol);
    let sender = -1;
    try {
      sender = rawSocket(family, protocol);
      attachFilter(sender, DROP_ALL);
      bindToDevice(receiver, device);
      setSocketOption(receiver, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
      family.prepareReceiver(receiver, ifindex, group);
      if (group !== null) bind(receiver, family.sockaddr(group, ifindex));
      bindToDevice(sender, out.name);
      family.prepareSender(sender, out.ifindex);
      const socket = new ProtocolSocket(options, family, receiver, sender);
      socket.setSource(source);
      socket.discardQueued();
      return socket;
    } catch (error) {
      libc.close(receiver);
      if (sender >= 0) libc.close(sender);
      throw error;
    }
  }

  /**
   * Our address in sent packets from now on, 4 or 16 bytes; in unicast mode also the one that is listened on. It need not be
   * on the interface (yet, or any more). With null nothing is sent. Throws {@link SystemError}.
   */
  setSource(source: Uint8Array | null): void {
    const { ifindex, group, sendDevice } = this.options;
    this.source = source;
    if (source === null) return;
    if (group === null) bind(this.receiver, this.family.sockaddr(source, ifindex));
    if (this.family.sourceByBind) bind(this.sender, this.family.sockaddr(source, sendDevice?.ifindex ?? ifindex));
  }

  /**
   * Sends one message whose checksum is in place: 0, or `-errno` (-99, EADDRNOTAVAIL: no source; -101, ENETUNREACH or
   * -100, ENETDOWN: the link is down; -11, EAGAIN: the queue is full).
   *
   * @param destination 4 or 16 bytes
   * @param copy with `sameId` the packet is one more copy of the one before and carries its identification (IPv4)
   */
  send(destination: Uint8Array, message: Uint8Array, copy: { sameId?: boolean } = {}): number {
    const { source } = this;
    if (source === null) return -EADDRNOTAVAIL;
    const { protocol, ifindex, sendDevice } = this.options;
    const id = this.nextId(copy.sameId === true);
    const packet = this.family.wrap(message, { protocol, source, destination, id });
    const to = this.family.sockaddr(destination, sendDevice?.ifindex ?? ifindex);
    // A group is on the link by definition; a unicast peer may be behind a router.
    const flags = isMulticast(destination) ? MSG_DONTWAIT | MSG_DONTROUTE : MSG_DONTWAIT;
    return Number(libc.sendto(this.sender, packet, packet.length, flags, to, to.length)) < 0 ? -errno() : 0;
  }

  /** Hands over everything that is queued, oldest first, without waiting. `deliver` may send, and may close the socket. */
  receive(deliver: (datagram: ReceivedDatagram) => void): void {
    const more = drain(() => {
      const length = this.reader.read(this.receiver);
      // An error that the network reported is told once, before the datagrams behind it.
      if (length < 0) return length !== -EAGAIN && length !== -EBADF;
      const datagram = this.reader.truncated ? null : this.family.unwrap(this.reader);
      if (datagram === null) this.malformedCount++;
      else deliver(datagram);
      return true;
    });
    if (more) setImmediate(() => this.onReadableFn?.());
  }

  /** Received so far and dropped: no valid IP header, cut short by the sender, or longer than any message may be. */
  get malformed(): number {
    return this.malformedCount;
  }

  /** Calls `fn` when {@link receive} may have something; see net/readiness.ts. One function at a time. */
  onReadable(fn: () => void): void {
    this.stopWatching?.();
    this.onReadableFn = fn;
    this.stopWatching = watchReadable(this.receiver, fn);
  }

  /** Idempotent; afterwards nothing is sent (-EBADF) or received. */
  close(): void {
    this.stopWatching?.();
    this.stopWatching = null;
    this.onReadableFn = null;
    for (const fd of [this.receiver, this.sender]) if (fd >= 0) libc.close(fd);
    this.receiver = this.sender = -1;
  }

  /** Identification 0 would make the kernel choose one. */
  private nextId(same: boolean): number {
    if (!same || this.identification === 0) this.identification = (this.identification % 0xffff) + 1;
    return this.identification;
  }

  /** Before it was bound, the socket heard its protocol from every interface. */
  private discardQueued(): void {
    drain(() => this.reader.read(this.receiver) >= 0);
  }
}

function rawSocket(family: RawFamily, protocol: number): number {
  const fd = libc.socket(family.addressFamily, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd < 0) throw new SystemError("socket", errno());
  return fd;
}

function bindToDevice(fd: number, device: string): void {
  setSocketOptionBytes(fd, SOL_SOCKET, SO_BINDTODEVICE, new TextEncoder().encode(`${device}\0`));
}

function bind(fd: number, sockaddr: Uint8Array): void {
  if (libc.bind(fd, sockaddr, sockaddr.length) < 0) throw new SystemError("bind", errno());
}

function isMulticast(address: Uint8Array): boolean {
  const first = address[0] ?? 0;
  return address.length === 4 ? first >> 4 === 0xe : first === 0xff;
}
