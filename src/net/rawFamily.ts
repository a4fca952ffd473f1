import { IPV4_HEADER_BYTES, readIpv4Packet, writeIpv4Header } from "./ipv4Header.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  SOL_SOCKET,
  SystemError,
  setSocketOption,
  setSocketOptionBytes,
} from "./libc.ts";
import type { MessageReader } from "./messageReader.ts";

const SO_PRIORITY = 12;
const IP_HDRINCL = 3;
const IP_FREEBIND = 15;
const IP_MULTICAST_IF = 32;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;
const IP_MULTICAST_ALL = 49;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MULTICAST_IF = 17;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_MULTICAST_LOOP = 19;
const IPV6_JOIN_GROUP = 20;
const IPV6_MULTICAST_ALL = 29;
const IPV6_RECVPKTINFO = 49;
const IPV6_PKTINFO = 50;
const IPV6_RECVHOPLIMIT = 51;
const IPV6_HOPLIMIT = 52;
const IPV6_TCLASS = 67;
const IPV6_FREEBIND = 78;
const ENOPROTOOPT = 92;

/** Class selector 6, "internetwork control", and the matching priority in the queues of the host. */
const TRAFFIC_CLASS = 0xc0;
const PRIORITY_CONTROL = 6;
const HOP_LIMIT = 255;

/** One received IP datagram; the addresses have 4 or 16 bytes, and everything is a copy. */
export interface ReceivedDatagram {
  source: Uint8Array;
  destination: Uint8Array;
  /** TTL or hop limit as it arrived. */
  ttl: number;
  /** What the IP header says is payload; padding and the IP headers are cut off. */
  payload: Uint8Array;
}

/** What differs between raw sockets of the two families. */
export interface RawFamily {
  addressFamily: number;
  /** Sets a socket up to hear of `group` on the interface, or without a group of what is sent to this host itself. */
  prepareReceiver(fd: number, ifindex: number, group: Uint8Array | null): void;
  /** Sets a socket up to send through the interface. */
  prepareSender(fd: number, ifindex: number): void;
  /** Whether the kernel takes the source from the address the sender is bound to; otherwise {@link wrap} writes it. */
  sourceByBind: boolean;
  /** sockaddr of an address; the scope is the interface that a link-local one belongs to. */
  sockaddr(address: Uint8Array, ifindex: number): Uint8Array;
  /** What is given to the kernel to send `message`. */
  wrap(
    message: Uint8Array,
    header: { protocol: number; source: Uint8Array; destination: Uint8Array; id: number },
  ): Uint8Array;
  /** The datagram that was just read; null when it is none. */
  unwrap(reader: MessageReader): ReceivedDatagram | null;
}

/** The IPv4 header is ours both ways: the only way to choose TTL, TOS and identification, and to see them. */
const ipv4: RawFamily = {
  addressFamily: AF_INET,
  prepareReceiver(fd, ifindex, group) {
    // Groups that other sockets of this host have joined are no business of ours.
    setSocketOption(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    setSocketOption(fd, IPPROTO_IP, IP_FREEBIND, 1);
    if (group !== null) setSocketOptionBytes(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, ipMreqn(group, ifindex));
  },
  prepareSender(fd, ifindex) {
    setSocketOption(fd, IPPROTO_IP, IP_HDRINCL, 1);
    setSocketOption(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
    setSocketOptionBytes(fd, IPPROTO_IP, IP_MULTICAST_IF, ipMreqn(new Uint8Array(4), ifindex));
    setSocketOption(fd, SOL_SOCKET, SO_PRIORITY, PRIORITY_CONTROL);
  },
  sourceByBind: false,
  sockaddr(address) {
    const bytes = new Uint8Array(new ArrayBuffer(16));
    bytes[0] = AF_INET;
    bytes.set(address, 4);
    return bytes;
  },
  wrap(message, { protocol, source, destination, id }) {
    const packet = new Uint8Array(new ArrayBuffer(IPV4_HEADER_BYTES + message.length));
    writeIpv4Header(packet, {
      source,
      destination,
      protocol,
      ttl: HOP_LIMIT,
      typeOfService: TRAFFIC_CLASS,
      identification: id,
      payloadBytes: message.length,
    });
    packet.set(message, IPV4_HEADER_BYTES);
    return packet;
  },
  unwrap(reader) {
    const packet = readIpv4Packet(reader.datagram);
    if (packet === null) return null;
    const { source, destination, ttl, payload } = packet;
    return { source: source.slice(), destination: destination.slice(), ttl, payload: payload.slice() };
  },
};

/** The kernel makes and takes the header off; IPV6_CHECKSUM stays off, so that a bad checksum arrives and can be reported. */
const ipv6: RawFamily = {
  addressFamily: AF_INET6,
  prepareReceiver(fd, ifindex, group) {
    setSocketOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    setSocketOption(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    setSocketOption(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
    ignoreForeignGroups(fd);
    if (group !== null) setSocketOptionBytes(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, ipv6Mreq(group, ifindex));
  },
  prepareSender(fd, ifindex) {
    setSocketOption(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
    setSocketOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, HOP_LIMIT);
    setSocketOption(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, HOP_LIMIT);
    setSocketOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
    setSocketOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, ifindex);
    setSocketOption(fd, IPPROTO_IPV6, IPV6_TCLASS, TRAFFIC_CLASS);
    setSocketOption(fd, SOL_SOCKET, SO_PRIORITY, PRIORITY_CONTROL);
  },
  sourceByBind: true,
  sockaddr(address, ifindex) {
    const bytes = new Uint8Array(new ArrayBuffer(28));
    bytes[0] = AF_INET6;
    bytes.set(address, 8);
    new DataView(bytes.buffer).setUint32(24, ifindex, true);
    return bytes;
  },
  wrap: (message) => message,
  unwrap(reader) {
    const info = reader.ancillary(IPPROTO_IPV6, IPV6_PKTINFO);
    const hopLimit = reader.ancillary(IPPROTO_IPV6, IPV6_HOPLIMIT);
    if (info === null || hopLimit === null) return null;
    const source = reader.name.slice(8, 24);
    return { source, destination: info.slice(0, 16), ttl: hopLimit[0] ?? 0, payload: reader.datagram.slice() };
  },
};

/** The family's way with raw sockets. Setting a socket up throws {@link SystemError}. */
export const RAW_FAMILIES: Readonly<Record<4 | 6, RawFamily>> = { 4: ipv4, 6: ipv6 };

/** IPV6_MULTICAST_ALL came with Linux 4.20; before, a socket bound to its group hears nothing else anyway. */
function ignoreForeignGroups(fd: number): void {
  try {
    setSocketOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
  } catch (error) {
    if (!(error instanceof SystemError) || error.errno !== ENOPROTOOPT) throw error;
  }
}

/** struct ip_mreqn: group 4 | local address 4 | ifindex i32 */
function ipMreqn(group: Uint8Array, ifindex: number): Uint8Array {
  return withIndex(group, 8, 12, ifindex);
}

/** struct ipv6_mreq: group 16 | ifindex u32 */
function ipv6Mreq(group: Uint8Array, ifindex: number): Uint8Array {
  return withIndex(group, 16, 20, ifindex);
}

function withIndex(group: Uint8Array, indexAt: number, length: number, ifindex: number): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(length));
  bytes.set(group);
  new DataView(bytes.buffer).setInt32(indexAt, ifindex, true);
  return bytes;
}
