import { ptr } from "bun:ffi";
import { errno, libc } from "./libc.ts";

const MSG_TRUNC = 0x20;
const MSG_CTRUNC = 0x08;
const MSG_DONTWAIT = 0x40;
const NAME_BYTES = 128;
const CONTROL_BYTES = 256;
const MSGHDR_BYTES = 56;
const CMSGHDR_BYTES = 16;

/**
 * Reads datagrams with what the kernel knows about them (recvmsg(2)), into buffers that are made once.
 *
 * ```
 * msghdr   0 name* | 8 name length | 16 iovec* | 24 iovecs | 32 control* | 40 control length | 48 flags     (64-bit Linux)
 * iovec    0 base* | 8 length
 * cmsghdr  0 length with header | 8 level i32 | 12 type i32 | 16 data, then up to a multiple of 8
 * ```
 */
export class MessageReader {
  /** What {@link read} read, the sender's sockaddr included: valid until the next read. */
  readonly name = allocate(NAME_BYTES);
  private readonly data: Uint8Array;
  private readonly control = allocate(CONTROL_BYTES);
  private readonly header = allocate(MSGHDR_BYTES);
  private readonly iovec = allocate(16);
  private readonly headerView = new DataView(this.header.buffer);
  private readonly controlView = new DataView(this.control.buffer);
  private length = 0;

  /** @param dataBytes the longest datagram that is read whole */
  constructor(dataBytes: number) {
    this.data = allocate(dataBytes);
    const iovec = new DataView(this.iovec.buffer);
    // An ArrayBuffer made as such never moves, and these live as long as the reader: the addresses stay good.
    iovec.setBigUint64(0, BigInt(ptr(this.data)), true);
    iovec.setBigUint64(8, BigInt(dataBytes), true);
    this.setPointer(0, this.name);
    this.setPointer(16, this.iovec);
    this.setPointer(32, this.control);
  }

  /** Reads one datagram without waiting: its length, or `-errno` (-11, EAGAIN: nothing is queued). */
  read(fd: number): number {
    this.headerView.setBigUint64(8, BigInt(NAME_BYTES), true);
    this.headerView.setBigUint64(24, 1n, true);
    this.headerView.setBigUint64(40, BigInt(CONTROL_BYTES), true);
    this.headerView.setBigUint64(48, 0n, true);
    const length = Number(libc.recvmsg(fd, this.header, MSG_DONTWAIT));
    if (length < 0) return -errno();
    this.length = Math.min(length, this.data.length);
    return length;
  }

  /** The datagram read last, a view: copy what outlives the next read. */
  get datagram(): Uint8Array {
    return this.data.subarray(0, this.length);
  }

  /** Whether the datagram read last, or what came with it, was longer than the buffers and is cut. */
  get truncated(): boolean {
    return (this.headerView.getInt32(48, true) & (MSG_TRUNC | MSG_CTRUNC)) !== 0;
  }

  /** A control message that came with the datagram read last (a view), or null. */
  ancillary(level: number, type: number): Uint8Array | null {
    const end = Math.min(this.headerView.getUint32(40, true), CONTROL_BYTES);
    for (let at = 0; at + CMSGHDR_BYTES <= end; ) {
      const length = this.controlView.getUint32(at, true);
      if (length < CMSGHDR_BYTES || at + length > end) return null;
      const found =
        this.controlView.getInt32(at + 8, true) === level && this.controlView.getInt32(at + 12, true) === type;
      if (found) return this.control.subarray(at + CMSGHDR_BYTES, at + length);
      at += Math.ceil(length / 8) * 8;
    }
    return null;
  }

  private setPointer(offset: number, target: Uint8Array): void {
    this.headerView.setBigUint64(offset, BigInt(ptr(target)), true);
  }
}

function allocate(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(bytes));
}
