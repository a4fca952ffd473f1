import { type FilterInstruction, JUMP_IF_EQUAL, LOAD_BYTE, LOAD_HALF, RETURN } from "./bpf.ts";
import {
  AF_PACKET,
  errno,
  libc,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
  SystemError,
  setSocketOption,
} from "./libc.ts";
import { drain, watchReadable } from "./readiness.ts";
import { attachFilter, DROP_ALL } from "./socketFilter.ts";

const SO_RCVBUF = 8;
const MSG_DONTWAIT = 0x40;
const EAGAIN = 11;
const SOCKADDR_LL_BYTES = 20;
const RECEIVE_BUFFER_BYTES = 64 << 10;
/** Longer than any answer that we ask for. */
const FRAME_BYTES = 1514;

/** What a packet socket can hear: ARP replies, neighbour advertisements (ICMPv6 type 136). */
export type Reception = "arpReplies" | "neighbourAdvertisements";

interface Filter {
  ethertype: number;
  program: readonly FilterInstruction[];
}

/** Instructions that jump `distance` lines down to "drop" unless the value just loaded is `operand`. */
const unless = (operand: number, distance: number): FilterInstruction => [JUMP_IF_EQUAL, 0, distance, operand];

/** Offsets are those of an Ethernet frame. What this host sends never comes by a socket of one ethertype. */
const FILTERS: Readonly<Record<Reception, Filter>> = {
  arpReplies: {
    ethertype: 0x0806,
    program: [
      [LOAD_HALF, 0, 0, 12],
      unless(0x0806, 3),
      [LOAD_HALF, 0, 0, 20], // operation
      unless(2, 1),
      [RETURN, 0, 0, FRAME_BYTES],
      [RETURN, 0, 0, 0],
    ],
  },
  neighbourAdvertisements: {
    ethertype: 0x86dd,
    program: [
      [LOAD_HALF, 0, 0, 12],
      unless(0x86dd, 5),
      [LOAD_BYTE, 0, 0, 20], // next header
      unless(58, 3),
      [LOAD_BYTE, 0, 0, 54], // ICMPv6 type
      unless(136, 1),
      [RETURN, 0, 0, FRAME_BYTES],
      [RETURN, 0, 0, 0],
    ],
  },
};

/**
 * Ethernet frames out of, and the answers to probes into, one interface. Never blocks, and survives the interface going down
 * and up; after the interface was deleted and made again its index is another one, and a new socket is needed.
 */
export class PacketSocket {
  private readonly buffer = new Uint8Array(new ArrayBuffer(FRAME_BYTES));
  private readonly stops: (() => void)[] = [];
  private onFrameFn: ((frame: Uint8Array) => void) | null = null;

  private constructor(
    private sender: number,
    private receivers: readonly number[],
  ) {}

  /**
   * Opens a socket on the interface with this index, to hear what `receptions` names; throws {@link SystemError} (EPERM
   * without CAP_NET_RAW, ENODEV when there is no such interface).
   */
  static open(
    ifindex: number,
    receptions: readonly Reception[] = ["arpReplies", "neighbourAdvertisements"],
  ): PacketSocket {
    const opened: number[] = [];
    try {
      // Ethertype 0: hears nothing. The news that the link went down never gets in the way of sending, either.
      const sender = packetSocket(ifindex, 0, DROP_ALL, opened);
      const receivers = receptions.map((reception) => {
        const { ethertype, program } = FILTERS[reception];
        return packetSocket(ifindex, ethertype, program, opened);
      });
      return new PacketSocket(sender, receivers);
    } catch (error) {
      for (const fd of opened) libc.close(fd);
      throw error;
    }
  }

  /** Sends one whole frame, Ethernet header included: 0, or `-errno` (-100, ENETDOWN; -90, EMSGSIZE: above the MTU). */
  sendFrame(frame: Uint8Array): number {
    return Number(libc.send(this.sender, frame, frame.length, MSG_DONTWAIT)) < 0 ? -errno() : 0;
  }

  /** Hands over the frames that are queued without waiting, each a copy cut to 1514 bytes; `deliver` may close the socket. */
  receive(deliver: (frame: Uint8Array) => void): void {
    for (const fd of this.receivers) this.receiveFrom(fd, deliver);
  }

  /** Calls `fn` with every frame that arrives from now on, and with those queued; see net/readiness.ts. One function at a time. */
  onFrame(fn: (frame: Uint8Array) => void): void {
    const first = this.onFrameFn === null;
    this.onFrameFn = fn;
    if (!first) return;
    for (const fd of this.receivers) this.stops.push(watchReadable(fd, () => this.receiveFrom(fd, this.onFrameFn)));
  }

  /** Idempotent; afterwards nothing is sent (-EBADF) or received. */
  close(): void {
    for (const stop of this.stops.splice(0)) stop();
    for (const fd of [this.sender, ...this.receivers]) if (fd >= 0) libc.close(fd);
    this.sender = -1;
    this.receivers = [];
  }

  private receiveFrom(fd: number, deliver: ((frame: Uint8Array) => void) | null): void {
    const more = drain(() => {
      if (deliver === null || !this.receivers.includes(fd)) return false;
      const length = Number(libc.recv(fd, this.buffer, FRAME_BYTES, MSG_DONTWAIT));
      // An error of the link (ENETDOWN) is told once, before the frames behind it.
      if (length < 0) return errno() !== EAGAIN;
      deliver(this.buffer.slice(0, length));
      return true;
    });
    if (more) setImmediate(() => this.receiveFrom(fd, this.onFrameFn));
  }
}

function packetSocket(
  ifindex: number,
  ethertype: number,
  program: readonly FilterInstruction[],
  opened: number[],
): number {
  // Protocol 0: nothing is queued before the filter stands and the socket is bound.
  const fd = libc.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SystemError("socket", errno());
  opened.push(fd);
  attachFilter(fd, program);
  setSocketOption(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
  const address = linkLayerAddress(ifindex, ethertype);
  if (libc.bind(fd, address, address.length) < 0) throw new SystemError("bind", errno());
  return fd;
}

/** sockaddr_ll: family u16 | protocol be16 | ifindex i32 | hatype u16 | pkttype u8 | halen u8 | address 8 */
function linkLayerAddress(ifindex: number, ethertype: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(SOCKADDR_LL_BYTES));
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, ethertype);
  view.setInt32(4, ifindex, true);
  return new Uint8Array(view.buffer);
}
