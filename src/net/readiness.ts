import { isMainThread } from "node:worker_threads";
import { errno, libc, SystemError } from "./libc.ts";

const F_GETFL = 3;
const F_SETFL = 4;
const F_SETOWN = 8;
const O_ASYNC = 0o20000;

/**
 * More datagrams than one receive buffer of ours holds, so that one {@link drain} reads all that was queued when it began,
 * and few enough that a flood keeps the loop for some milliseconds only.
 */
const DRAIN_LIMIT = 512;

const watchers = new Set<() => void>();
let listening = false;

/**
 * Calls `onReadable` in the loop of the main thread after something arrived at a socket (an error counts, too), and once
 * soon after the call itself: what arrived before it rings no bell. Until the returned function is called.
 *
 * Nothing is read here, so the owner may read at any time and in any way, and must then read until nothing is left: the bell
 * rings for arrivals, not for leftovers. It may also ring for nothing, because one bell serves all sockets (SIGIO, which
 * does not say for which one it rang). A watch does not keep the process alive.
 *
 * Stop watching before the fd is closed. Throws {@link SystemError}, and Error in a Worker, where signals do not arrive.
 */
export function watchReadable(fd: number, onReadable: () => void): () => void {
  if (!isMainThread) throw new Error("readiness of sockets is signalled to the main thread only");
  listen();
  let watching = true;
  const watcher = () => {
    if (watching) onReadable();
  };
  if (libc.fcntl(fd, F_SETOWN, process.pid) < 0) throw new SystemError("fcntl", errno());
  setAsync(fd, true);
  watchers.add(watcher);
  setImmediate(watcher);
  return () => {
    if (!watching) return;
    watching = false;
    watchers.delete(watcher);
    setAsync(fd, false);
  };
}

/**
 * Calls `readOne` until it says that nothing is left (false). Returns true when it was called so often that more has
 * arrived meanwhile: come back in a later turn, no bell will ring for it.
 */
export function drain(readOne: () => boolean): boolean {
  for (let i = 0; i < DRAIN_LIMIT; i++) if (!readOne()) return false;
  return true;
}

/**
 * The handler stays for good. SIGIO without one ends the process, and a socket may have rung before it was disarmed.
 */
function listen(): void {
  if (listening) return;
  listening = true;
  process.on("SIGIO", () => {
    for (const watcher of [...watchers]) watcher();
  });
}

function setAsync(fd: number, on: boolean): void {
  const flags = libc.fcntl(fd, F_GETFL, 0);
  if (flags < 0) throw new SystemError("fcntl", errno());
  if (libc.fcntl(fd, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC) < 0) throw new SystemError("fcntl", errno());
}
