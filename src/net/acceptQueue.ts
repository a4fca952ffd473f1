import { IPPROTO_TCP, libc } from "./libc.ts";
import { boundEndpoint } from "./listen.ts";
import { attachFilter, type FilterInstruction, JUMP_IF_ANY_SET, LOAD_BYTE, RETURN } from "./socketFilter.ts";

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

/**
 * Clients of a listening TCP socket are refused from now on, those in its queue included, until somebody listens on it again;
 * it keeps its address. A unix socket could not be listened on again: its clients wait in its queue.
 */
export function refuseClients(fd: number): void {
  if (boundEndpoint(fd)?.kind === "tcp") libc.shutdown(fd, SHUT_RD);
}

/** Connections in a listening socket's queue; 0 for a unix socket, which does not tell. */
export function queuedConnections(fd: number): number {
  const info = new DataView(new ArrayBuffer(INFO_BYTES));
  const length = new Uint32Array([INFO_BYTES]);
  if (libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, new Uint8Array(info.buffer), length) < 0) return 0;
  return info.getUint32(UNACKED_AT, true);
}
