import { dlopen, FFIType } from "bun:ffi";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const libc = dlopen("libc.so.6", {
  syscall: { args: [FFIType.i64, FFIType.i64, FFIType.i64, FFIType.i64], returns: FFIType.i64_fast },
  getsockopt: { args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
  close: { args: [FFIType.i32], returns: FFIType.i32 },
}).symbols;

// The generic numbers, the same on every architecture since they are newer than the unified table.
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_GETFD = 438;

/** Socket options of another process: needs the right to trace it. Gives a reader for one of its fds. */
function withSocket<T>(pid: number, fd: number, use: (fd: number) => T): T {
  const pidfd = Number(libc.syscall(SYS_PIDFD_OPEN, pid, 0, 0));
  if (pidfd < 0) throw new Error(`pidfd_open ${pid}`);
  try {
    const ours = Number(libc.syscall(SYS_PIDFD_GETFD, pidfd, fd, 0));
    if (ours < 0) throw new Error(`pidfd_getfd ${pid} ${fd}`);
    try {
      return use(ours);
    } finally {
      libc.close(ours);
    }
  } finally {
    libc.close(pidfd);
  }
}

function option(fd: number, level: number, name: number): number {
  const value = new Int32Array(1);
  if (libc.getsockopt(fd, level, name, value, new Uint32Array([4])) < 0) throw new Error(`getsockopt ${level} ${name}`);
  return value[0] as number;
}

/** Keepalive of a connection of another process; null: it is off. */
export interface Keepalive {
  idleS: number;
  intervalS: number;
  count: number;
}

/** Keepalive settings of the process's TCP connection that has this local and this remote port. */
export function keepaliveOf(pid: number, localPort: number, remotePort: number): Keepalive | null {
  const inode = inodeOf(localPort, remotePort);
  const fd = readdirSync(`/proc/${pid}/fd`).find((each) => link(`/proc/${pid}/fd/${each}`) === `socket:[${inode}]`);
  if (fd === undefined) throw new Error(`process ${pid} has no socket from ${localPort} to ${remotePort}`);
  return withSocket(pid, Number(fd), (ours) => {
    if (option(ours, 1, 9) === 0) return null; // SOL_SOCKET, SO_KEEPALIVE
    return { idleS: option(ours, 6, 4), intervalS: option(ours, 6, 5), count: option(ours, 6, 6) }; // IPPROTO_TCP
  });
}

function inodeOf(localPort: number, remotePort: number): string {
  const port = (number: number): string => `[0-9A-F]{8}:${number.toString(16).toUpperCase().padStart(4, "0")}`;
  const row = new RegExp(`: ${port(localPort)} ${port(remotePort)} 01 .*$`, "m");
  const found = row.exec(readFileSync("/proc/net/tcp", "latin1"));
  if (found === null) throw new Error(`no connection from ${localPort} to ${remotePort}`);
  return found[0].trim().split(/\s+/)[9] as string;
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed meanwhile
  }
}
