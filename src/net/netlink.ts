import { errno, libc, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOL_SOCKET, SystemError } from "./libc.ts";
import {
  decodeMessages,
  decodeOutcome,
  encodeRequest,
  type NetlinkMessage,
  type NetlinkRequest,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "./netlinkMessages.ts";

const AF_NETLINK = 16;
const NETLINK_ROUTE = 0;
const SOL_NETLINK = 270;
const NETLINK_GET_STRICT_CHK = 12;
const SO_RCVTIMEO = 20;
const MSG_TRUNC = 0x20;
const EINTR = 4;
const EAGAIN = 11;
const EMSGSIZE = 90;
const ETIMEDOUT = 110;

/** The kernel has answered when send(2) returns; this is for the day that it has not. */
const ANSWER_TIMEOUT_MS = 500;
/** A dump that others kept changing under our hands is taken as it is after so many tries. */
const DUMP_TRIES = 5;
const SOCKADDR_BYTES = 12;

// No single message of an interface comes near this without the statistics of virtual functions, which nobody asks for.
const answer = new Uint8Array(new ArrayBuffer(64 << 10));

/**
 * Opens a route netlink socket that hears these multicast groups (a bit mask) and never waits; throws {@link SystemError}.
 * For an event loop: the fd is the caller's.
 */
export function openSubscription(groups: number): number {
  return openNetlink(groups, SOCK_NONBLOCK);
}

function openNetlink(groups: number, typeFlags: number): number {
  const fd = libc.socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | typeFlags, NETLINK_ROUTE);
  if (fd < 0) throw new SystemError("socket(AF_NETLINK)", errno());
  const address = new Uint8Array(new ArrayBuffer(SOCKADDR_BYTES));
  new DataView(address.buffer).setUint16(0, AF_NETLINK, true);
  new DataView(address.buffer).setUint32(8, groups, true);
  if (libc.bind(fd, address, address.length) < 0) {
    const failure = new SystemError("bind(AF_NETLINK)", errno());
    libc.close(fd);
    throw failure;
  }
  return fd;
}

/**
 * Has the kernel do something, and returns when it is done: 0, or `-errno`.
 * @param onAnswer called with each message of the answer; they are views that do not outlive the call
 */
export function request(wanted: NetlinkRequest, onAnswer: (message: NetlinkMessage) => void = () => {}): number {
  try {
    return ask(wanted, NLM_F_ACK, onAnswer);
  } catch (failure) {
    if (failure instanceof SystemError) return -failure.errno;
    throw failure;
  }
}

/** A table of the kernel's, as messages; throws {@link SystemError}. */
export function dump(wanted: NetlinkRequest): NetlinkMessage[] {
  let messages: NetlinkMessage[] = [];
  for (let tries = 0; tries < DUMP_TRIES; tries++) {
    let changed = false;
    messages = [];
    const code = ask(wanted, NLM_F_DUMP, (message) => {
      if (message.flags & NLM_F_DUMP_INTR) changed = true;
      messages.push({ ...message, payload: message.payload.slice() });
    });
    if (code < 0) throw new SystemError("netlink dump", -code);
    if (!changed) break;
  }
  return messages;
}

// One socket for all requests, so that a lease can be renewed when the process has run out of descriptors.
let kept: number | null = null;
let lastSequence = 0;

/** Sends, and reads up to the message that ends the answer. A socket that misbehaved is not used again. */
function ask(wanted: NetlinkRequest, flags: number, onMessage: (message: NetlinkMessage) => void): number {
  kept ??= openRequestSocket();
  lastSequence = (lastSequence + 1) >>> 0;
  const bytes = encodeRequest(wanted, flags, lastSequence);
  try {
    retried("send(AF_NETLINK)", kept, (fd) => libc.send(fd, bytes, bytes.length, 0));
    for (;;) {
      const code = readAnswer(kept, lastSequence, onMessage);
      if (code !== null) return code;
    }
  } catch (failure) {
    libc.close(kept);
    kept = null;
    throw failure;
  }
}

/** One datagram; the outcome when it ends the answer, null when more is to come. */
function readAnswer(fd: number, sequence: number, onMessage: (message: NetlinkMessage) => void): number | null {
  const length = retried("recv(AF_NETLINK)", fd, (from) => libc.recv(from, answer, answer.length, MSG_TRUNC));
  if (length > answer.length) throw new SystemError("recv(AF_NETLINK)", EMSGSIZE);
  for (const message of decodeMessages(answer.subarray(0, length))) {
    if (message.sequence !== sequence) continue; // left over from a dump that was given up
    if (message.type === NLMSG_DONE || message.type === NLMSG_ERROR) return decodeOutcome(message);
    onMessage(message);
  }
  return null;
}

function openRequestSocket(): number {
  const fd = openNetlink(0, 0);
  const timeout = BigInt64Array.of(0n, BigInt(ANSWER_TIMEOUT_MS * 1000));
  libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.byteLength);
  // Lets the kernel (since 4.20) filter dumps; an older one dumps everything, and callers filter anyway.
  libc.setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, Int32Array.of(1), 4);
  return fd;
}

function retried(call: string, fd: number, attempt: (fd: number) => number | bigint): number {
  for (;;) {
    const result = Number(attempt(fd));
    if (result >= 0) return result;
    const code = errno();
    if (code !== EINTR) throw new SystemError(call, code === EAGAIN ? ETIMEDOUT : code);
  }
}
