import { ptr } from "bun:ffi";
import { AF_UNIX, errno, libc, SOCK_CLOEXEC, SOCK_STREAM, SOL_SOCKET, SystemError } from "./libc.ts";

const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
/** SCM_MAX_FD: the kernel takes no more in one message. */
const FDS_PER_MESSAGE = 253;
const HEADER_BYTES = 56;
const CMSG_HEADER_BYTES = 16;
const BATCH_BYTES = 4n;

/** The two ends of a channel for open files, within this machine. */
export interface FdChannel {
  ours: number;
  theirs: number;
}

/** Makes a channel; both ends are closed by whoever has them. Throws {@link SystemError}. */
export function createFdChannel(): FdChannel {
  const pair = new Int32Array(new ArrayBuffer(8));
  if (libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) throw new SystemError("socketpair", errno());
  const [ours, theirs] = pair as unknown as [number, number];
  return { ours, theirs };
}

/**
 * Sends open files; they wait in the channel until they are received. Throws {@link SystemError}: some may have been sent
 * by then, so `batch`, 1…2³¹−1, is another number each time.
 */
export function sendFds(channel: number, batch: number, fds: readonly number[]): void {
  for (let from = 0; from < fds.length; from += FDS_PER_MESSAGE) {
    const message = new Message(batch, fds.slice(from, from + FDS_PER_MESSAGE));
    if (libc.sendmsg(channel, message.header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
      throw new SystemError("sendmsg", errno());
  }
}

/**
 * Receives the open files of a batch, in the order in which they were sent; they must have been sent by now. What is left
 * of batches that were not received as a whole is closed. They are closed when a program is executed. Throws
 * {@link SystemError}, and RangeError when fewer wait or there is no room for all of them: none is received then.
 */
export function receiveFds(channel: number, batch: number, count: number): number[] {
  const received: number[] = [];
  try {
    while (received.length < count) {
      const message = new Message(0, new Array(FDS_PER_MESSAGE).fill(-1));
      const got = libc.recvmsg(channel, message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      if (got < 0) throw new SystemError("recvmsg", errno());
      const fds = message.fds();
      if (message.batch !== batch) closeAll(fds);
      else if (fds.length === 0) throw new RangeError(`${received.length} of ${count} open files were passed`);
      else received.push(...fds);
    }
    return received;
  } catch (error) {
    closeAll(received);
    throw error;
  }
}

function closeAll(fds: readonly number[]): void {
  for (const fd of fds) libc.close(fd);
}

/** struct msghdr with a batch's number as data and one control message (x86-64 and arm64 alike); its buffers live as long as it. */
class Message {
  readonly header: Uint8Array;
  /** What the header points to must live as long as it. */
  readonly buffers: readonly ArrayBuffer[];
  private readonly control: DataView;
  private readonly data: DataView;

  constructor(batch: number, fds: readonly number[]) {
    const bytes = new ArrayBuffer(8);
    this.data = new DataView(bytes);
    this.data.setInt32(0, batch, true);
    const vector = new DataView(new ArrayBuffer(16));
    const length = CMSG_HEADER_BYTES + 4 * fds.length;
    this.control = new DataView(new ArrayBuffer(Math.ceil(length / 8) * 8));
    // struct cmsghdr: u64 length | i32 level | i32 type | data
    this.control.setBigUint64(0, BigInt(length), true);
    this.control.setInt32(8, SOL_SOCKET, true);
    this.control.setInt32(12, SCM_RIGHTS, true);
    for (const [i, fd] of fds.entries()) this.control.setInt32(CMSG_HEADER_BYTES + 4 * i, fd, true);
    vector.setBigUint64(0, address(bytes), true);
    vector.setBigUint64(8, BATCH_BYTES, true);
    // struct msghdr: name, its length | iovec, count | control, its length | flags
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    header.setBigUint64(16, address(vector.buffer), true);
    header.setBigUint64(24, 1n, true);
    header.setBigUint64(32, address(this.control.buffer), true);
    header.setBigUint64(40, BigInt(this.control.byteLength), true);
    this.header = new Uint8Array(header.buffer);
    this.buffers = [bytes, vector.buffer, this.control.buffer as ArrayBuffer];
  }

  get batch(): number {
    return this.data.getInt32(0, true);
  }

  /** The open files in the control message, after it was received. */
  fds(): number[] {
    const given = Number(new DataView(this.header.buffer).getBigUint64(40, true));
    if (given < CMSG_HEADER_BYTES || this.control.getInt32(12, true) !== SCM_RIGHTS) return [];
    const count = (Number(this.control.getBigUint64(0, true)) - CMSG_HEADER_BYTES) / 4;
    return Array.from({ length: count }, (_, i) => this.control.getInt32(CMSG_HEADER_BYTES + 4 * i, true));
  }
}

function address(buffer: ArrayBufferLike): bigint {
  return BigInt(ptr(new Uint8Array(buffer)));
}
