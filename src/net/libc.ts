import { dlopen, FFIType, read } from "bun:ffi";
import { existsSync } from "node:fs";
import { errnoName } from "../core/errno.ts";
import { compiled } from "./compiler.ts";

/**
 * The one place that calls the C library. Everything here is a thin, typed door: results as C gives them, `errno()` right
 * after the call. Typed arrays are passed as such (resolved per call), never as kept pointers (they may move).
 */

// A name that the loader does not find is tried in the current directory, so only names that certainly exist are opened.
const MUSL = `/lib/ld-musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`;
const GLIBC_FIRST = existsSync("/lib64/ld-linux-x86-64.so.2") || existsSync("/lib/ld-linux-aarch64.so.1");

const { symbols } = compiled(() =>
  dlopen(GLIBC_FIRST || !existsSync(MUSL) ? "libc.so.6" : MUSL, {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    listen: { args: ["i32", "i32"], returns: "i32" },
    connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
    shutdown: { args: ["i32", "i32"], returns: "i32" },
    dup: { args: ["i32"], returns: "i32" },
    pipe2: { args: ["ptr", "i32"], returns: "i32" },
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
    getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    getpeername: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    send: { args: ["i32", "ptr", "u64", "i32"], returns: FFIType.i64_fast },
    recv: { args: ["i32", "ptr", "u64", "i32"], returns: FFIType.i64_fast },
    sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: FFIType.i64_fast },
    sendmsg: { args: ["i32", "ptr", "i32"], returns: FFIType.i64_fast },
    recvmsg: { args: ["i32", "ptr", "i32"], returns: FFIType.i64_fast },
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
    getrlimit: { args: ["i32", "ptr"], returns: "i32" },
    setrlimit: { args: ["i32", "ptr"], returns: "i32" },
    madvise: { args: ["u64", "u64", "i32"], returns: "i32" },
    prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
    capget: { args: ["ptr", "ptr"], returns: "i32" },
    capset: { args: ["ptr", "ptr"], returns: "i32" },
    setfsuid: { args: ["u32"], returns: "i32" },
    setfsgid: { args: ["u32"], returns: "i32" },
    chroot: { args: ["ptr"], returns: "i32" },
    execv: { args: ["ptr", "ptr"], returns: "i32" },
    execve: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
    waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
    sigprocmask: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    sigignore: { args: ["i32"], returns: "i32" },
    sigaction: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    flock: { args: ["i32", "i32"], returns: "i32" },
    clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
    getpwnam: { args: ["ptr"], returns: "ptr" },
    getpwuid: { args: ["u32"], returns: "ptr" },
    getgrnam: { args: ["ptr"], returns: "ptr" },
    mkfifo: { args: ["ptr", "u32"], returns: "i32" },
    __errno_location: { args: [], returns: "ptr" },
    strerror: { args: ["i32"], returns: "cstring" },
  }),
);

/** The C library's functions; see the man page of each. */
export const libc = symbols;

// errno is per thread and so is its address: each thread evaluates this module for itself.
const errnoAddress = symbols.__errno_location();
if (errnoAddress === null) throw new Error("libc has no errno");

/** The calling thread's errno; valid only directly after a call that failed. */
export function errno(): number {
  return read.i32(errnoAddress as NonNullable<typeof errnoAddress>, 0);
}

/** `strerror(3)`: "Connection refused" for 111. */
export function strerror(code: number): string {
  return String(symbols.strerror(code));
}

/** A system call that failed: `code` is the errno name, `errno` its number. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  readonly code: string;
  constructor(
    readonly syscall: string,
    readonly errno: number,
  ) {
    super(`${syscall}: ${strerror(errno)}`);
    this.code = errnoName(errno);
  }
}

/** Linux numbers that are the same on x86-64 and arm64. */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_PACKET = 17;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const IPPROTO_IP = 0;
export const IPPROTO_TCP = 6;
export const IPPROTO_IPV6 = 41;

/** Sets an integer socket option; throws {@link SystemError}. */
export function setSocketOption(fd: number, level: number, name: number, value: number): void {
  if (symbols.setsockopt(fd, level, name, new Int32Array([value]), 4) < 0) throw new SystemError("setsockopt", errno());
}

/** Sets a socket option whose value is a structure or a name; throws {@link SystemError}. */
export function setSocketOptionBytes(fd: number, level: number, name: number, value: Uint8Array): void {
  if (symbols.setsockopt(fd, level, name, value, value.length) < 0) throw new SystemError("setsockopt", errno());
}
