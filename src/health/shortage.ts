import { constants } from "node:os";
import { AF_UNIX } from "../net/libc.ts";

const { EADDRINUSE, EADDRNOTAVAIL, EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM } = constants.errno;

const SHORTAGES: ReadonlySet<number> = new Set([EADDRINUSE, EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM]);

/**
 * Whether a connect that was not given a source address failed for lack of something on this host: file descriptors, memory,
 * local ports. It says nothing about the server then. EAGAIN is a lack of local ports for TCP, but a full backlog for a
 * unix socket (connect(2)), which is the server's doing.
 */
export function isOwnShortage(errno: number, family: number): boolean {
  return SHORTAGES.has(errno) || (errno === EAGAIN && family !== AF_UNIX);
}

/** Whether a unix socket's backlog is full: the connect may work a moment later. TCP waits by itself. */
export function isFullBacklog(errno: number, family: number): boolean {
  return errno === EAGAIN && family === AF_UNIX;
}
