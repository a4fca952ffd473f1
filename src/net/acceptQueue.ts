import { type FilterInstruction, JUMP_IF_ANY_SET, LOAD_BYTE, RETURN } from "./bpf.ts";
import { IPPROTO_TCP, libc, SOL_SOCKET } from "./libc.ts";
import { boundEndpoint } from "./listen.ts";
import { attachFilter } from "./socketFilter.ts";

const TCP_INFO = 11;
/** `tcpi_unacked` in struct tcp_info; of a listening socket it is the length of its queue (tcp_get_info in net/ipv4/tcp.c). */
const UNACKED_AT = 24;
const INFO_BYTES = 104;

/** Flags byte of the TCP header, where the filter of a TCP socket sees its packets begin, and the SYN bit in it. */
const FLAGS_AT = 13;
const SYN = 0x02;
const WHOLE = 0xffff_ffff;
const REFUSE_SYN: readonly FilterInstruction[] = [
  [LOAD_BYTE, 0, 0, FLAGS_AT],
  [JUMP_IF_ANY_SET, 0, 1, SYN],
  [RETURN, 0, 0, 0],
  [RETURN, 0, 0, WHOLE],
];

/**
 * A listening TCP socket takes no new client from now on, while handshakes that have begun end as they would, so that its
 * queue runs empty when it goes on being accepted from. Clients who come now try again a second later. Throws SystemError.
 */
export function refuseNewcomers(fd: number): void {
  attachFilter(fd, REFUSE_SYN);
}

const SHUT_RD = 0;
const SO_ACCEPTCONN = 30;

/**
 * Clients of a listening TCP socket are refused from now on, those in its queue included, until somebody listens on it again;
 * it keeps its address. A unix socket could not be listened on again: its clients wait in its queue.
 */
export function refuseClients(fd: number): void {
  // Of a socket that does not listen the kernel would only note that nothing is to be read from it; when it listens again,
  // those whom it accepts would inherit that, and seem to have said nothing and left.
  if (boundEndpoint(fd)?.kind === "tcp" && isListening(fd)) libc.shutdown(fd, SHUT_RD);
}

/** True for a socket that takes connections. */
export function isListening(fd: number): boolean {
  const value = new Int32Array(1);
  const length = new Uint32Array([4]);
  return libc.getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, value, length) === 0 && value[0] === 1;
}

/** Connections in a listening socket's queue; 0 for a unix socket, which does not tell. */
export function queuedConnections(fd: number): number {
  const info = new DataView(new ArrayBuffer(INFO_BYTES));
  const length = new Uint32Array([INFO_BYTES]);
  if (libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, new Uint8Array(info.buffer), length) < 0) return 0;
  return info.getUint32(UNACKED_AT, true);
}
