import {
  AF_UNIX,
  errno,
  libc,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  SystemError,
  setSocketOption,
} from "./libc.ts";

const SO_SNDBUF = 7;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const RING = new Uint8Array(new ArrayBuffer(1)).fill(1);

/**
 * Wakes another thread's event loop: a datagram socket pair, one end read by the owner's loop, the other rung from any
 * thread of the process. Of many rings that come before the owner looks a handful are kept.
 */
export interface DoorbellFds {
  owner: number;
  ringer: number;
}

/** Makes the pair; throws {@link SystemError}. */
export function createDoorbell(): DoorbellFds {
  const pair = new Int32Array(new ArrayBuffer(8));
  if (libc.socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) {
    throw new SystemError("socketpair", errno());
  }
  const [owner, ringer] = pair as unknown as [number, number];
  // Room for a handful of rings (the kernel rounds up): those that queue while the owner is busy each call it.
  setSocketOption(ringer, SOL_SOCKET, SO_SNDBUF, 1);
  return { owner, ringer };
}

/** Rings from any thread. A full queue is fine: the owner has rings to wake up for. */
export function ring(ringer: number): void {
  libc.send(ringer, RING, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/** Calls `onRing` in this thread's loop whenever somebody rang. */
export function answerDoorbell(owner: number, onRing: () => void): void {
  Bun.connect({
    fd: owner,
    socket: { data: onRing, open() {}, close() {}, error() {} },
  } as unknown as FdConnectOptions);
}

type FdConnectOptions = Parameters<typeof Bun.connect>[0];
