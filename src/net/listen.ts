import { chmodSync, closeSync, constants, lstatSync, openSync, rmSync } from "node:fs";
import type { Endpoint } from "../core/endpoint.ts";
import { asDirectoryOwner, asOwner } from "./asOwner.ts";
import {
  AF_INET6,
  AF_UNIX,
  errno,
  IPPROTO_IP,
  IPPROTO_IPV6,
  libc,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  SystemError,
  setSocketOption,
} from "./libc.ts";
import { decodeSockaddr, encodeSockaddr, familyOf, SOCKADDR_MAX } from "./sockaddr.ts";

const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const SO_PEERCRED = 17;
const IP_FREEBIND = 15;
const IPV6_V6ONLY = 26;
const EADDRINUSE = 98;
const ECONNREFUSED = 111;
const O_PATH = 0o10000000;
const LONGEST_TURN_MS = 200;

export interface ListenOptions {
  /** How many sockets share the address (SO_REUSEPORT spreads clients over them evenly); 1 for unix sockets. */
  sockets: number;
  /** Length of each accept queue; the kernel caps it at net.core.somaxconn. */
  backlog: number;
  /** Permission bits of a unix socket's file. */
  mode?: number;
}

/**
 * Binds and listens; returns the fds, all non-blocking. Throws {@link SystemError}, EADDRINUSE also when another program
 * that sets SO_REUSEPORT holds the address: it would silently share our clients.
 *
 * TCP sockets are bound with IP_FREEBIND, so a listen on a virtual IP starts on the host that does not have it yet.
 */
export function bindListeners(endpoint: Endpoint, options: ListenOptions): number[] {
  const address = encodeSockaddr(endpoint);
  const turn = awaitTurn();
  try {
    return endpoint.kind === "unix" ? bindUnix(endpoint.path, address, options) : bindTcpGroup(address, options);
  } finally {
    libc.close(turn);
  }
}

/**
 * Takes over listening sockets that another program opened with {@link bindListeners} in this very process. Where more are
 * wanted than there are, as many as can be had are bound beside them: they take no client before somebody accepts on them,
 * for until then there may be nobody who will.
 */
export function adoptListeners(endpoint: Endpoint, fds: number[], options: ListenOptions): number[] {
  const adopted = [...fds];
  if (endpoint.kind === "unix") {
    releases.set(adopted, unixRelease(endpoint.path));
    return adopted;
  }
  releases.set(adopted, () => {});
  const address = encodeSockaddr(endpoint);
  try {
    if (adopted.length < options.sockets) for (const fd of adopted) setSocketOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    while (adopted.length < options.sockets) adopted.push(bindSocket(address, true));
  } catch (error) {
    if (!(error instanceof SystemError)) throw error; // the threads share what there is
  }
  return adopted;
}

/** Closes what {@link bindListeners} returned, and gives the address back to other processes. */
export function closeListeners(fds: number[]): void {
  const release = releases.get(fds);
  if (release === undefined) return; // closed before
  releases.delete(fds);
  for (const fd of fds) libc.close(fd);
  release();
}

/** Takes a unix socket's file away, so that nobody new comes while its queue is served; {@link closeListeners} is still due. */
export function withdrawAddress(fds: number[]): void {
  const release = releases.get(fds);
  if (release === undefined) return;
  release();
  releases.set(fds, () => {});
}

/** The address a socket is bound to; null when it has none of our families. */
export function boundEndpoint(fd: number): Endpoint | null {
  const bytes = new Uint8Array(new ArrayBuffer(SOCKADDR_MAX + 2));
  const length = new Uint32Array([bytes.length]);
  if (libc.getsockname(fd, bytes, length) < 0) throw new SystemError("getsockname", errno());
  return decodeSockaddr(bytes.subarray(0, length[0]));
}

/**
 * Pid of the process that listens on a unix socket (SO_PEERCRED: of the last one that called listen); null when nobody
 * does, or when it is in another pid namespace.
 */
export function listenerPid(path: string): number | null {
  const address = encodeSockaddr({ kind: "unix", path });
  const fd = open(AF_UNIX);
  try {
    if (asDirectoryOwner(path, () => libc.connect(fd, address, address.length)) < 0) return null;
    // struct ucred: pid, uid, gid
    const credentials = new Int32Array(new ArrayBuffer(12));
    if (libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, new Uint32Array([12])) < 0) return null;
    return credentials[0] || null;
  } finally {
    libc.close(fd);
  }
}

/** What else goes when the sockets go: nothing, or the socket's file. */
const releases = new WeakMap<number[], () => void>();

/**
 * Only one process of ours binds at a time (an abstract unix name, which the kernel drops with its holder): of two instances
 * that start in the same instant both would pass the checks below, on one address or on two that overlap, such as 0.0.0.0 and
 * 127.0.0.1. Binding takes less than a millisecond; who holds the name much longer is not binding, and is not waited for.
 */
function awaitTurn(): number {
  const name = encodeSockaddr({ kind: "unix", path: "@haproxy-lite/binding" });
  const fd = open(AF_UNIX);
  for (let waitedMs = 0; waitedMs < LONGEST_TURN_MS && libc.bind(fd, name, name.length) < 0; waitedMs++)
    Bun.sleepSync(1);
  return fd;
}

function bindTcpGroup(address: Uint8Array, options: ListenOptions): number[] {
  const fds: number[] = [];
  try {
    probeExclusive(address);
    for (let i = 0; i < options.sockets; i++) fds.push(bindTcp(address, options.sockets > 1, options.backlog));
  } catch (error) {
    for (const fd of fds) libc.close(fd);
    throw error;
  }
  releases.set(fds, () => {});
  return fds;
}

/** Without SO_REUSEPORT the kernel refuses to bind an address on which any other socket listens. */
function probeExclusive(address: Uint8Array): void {
  libc.close(bindSocket(address, false));
}

function bindTcp(address: Uint8Array, shared: boolean, backlog: number): number {
  const fd = bindSocket(address, shared);
  if (libc.listen(fd, backlog) < 0) fail(fd, "listen");
  return fd;
}

function bindSocket(address: Uint8Array, shared: boolean): number {
  const family = familyOf(address);
  const fd = open(family);
  try {
    setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (shared) setSocketOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (family === AF_INET6) setSocketOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    setSocketOption(fd, IPPROTO_IP, IP_FREEBIND, 1);
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  if (libc.bind(fd, address, address.length) < 0) fail(fd, "bind");
  return fd;
}

function bindUnix(path: string, address: Uint8Array, options: ListenOptions): number[] {
  if (path.startsWith("@")) return bindUnixHere(path, address, options);
  try {
    return asDirectoryOwner(path, () => bindUnixHere(path, address, options));
  } catch (error) {
    // Of node:fs, which counts downwards.
    const { errno } = error as NodeJS.ErrnoException;
    throw error instanceof SystemError || errno === undefined ? error : new SystemError("bind", Math.abs(errno));
  }
}

function bindUnixHere(path: string, address: Uint8Array, options: ListenOptions): number[] {
  const abstract = path.startsWith("@");
  if (!abstract) removeStale(path, address);
  const fd = open(AF_UNIX);
  // The file appears with the mode it is to have: never, not even for a moment, with a wider one.
  const before = process.umask(0o177);
  const bound = libc.bind(fd, address, address.length);
  const code = errno();
  process.umask(before);
  if (bound < 0) {
    libc.close(fd);
    throw new SystemError("bind", code);
  }
  if (libc.listen(fd, options.backlog) < 0) fail(fd, "listen");
  if (!abstract && options.mode !== undefined) chmodSync(path, options.mode);
  const fds = [fd];
  releases.set(fds, unixRelease(path));
  return fds;
}

/** Removes the file of a unix socket, as it is now. */
function unixRelease(path: string): () => void {
  const inode = (): number | undefined => lstatSync(path, { throwIfNoEntry: false })?.ino;
  const ours = path.startsWith("@") ? undefined : asDirectoryOwner(path, inode);
  return () => {
    if (ours !== undefined) asDirectoryOwner(path, () => removeOurs(path, ours));
  };
}

function removeOurs(path: string, inode: number): void {
  try {
    // Somebody may have removed our file and listen on a new one there.
    if (lstatSync(path, { throwIfNoEntry: false })?.ino === inode) rmSync(path, { force: true });
  } catch {
    // Not ours to remove any more: nobody listens on it, and the next start sees that.
  }
}

/** A socket file that nobody listens on is left over from a crash and removed; a live one, or any other file, is in the way. */
function removeStale(path: string, address: Uint8Array): void {
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (file === undefined) return;
  if (!file.isSocket()) throw new SystemError("bind", EADDRINUSE);
  if (!isDeserted(address) && !isRootsDeserted(path)) throw new SystemError("bind", EADDRINUSE);
  rmSync(path);
}

/** Whether nobody listens there; false as well when it is not ours to find out. */
function isDeserted(address: Uint8Array): boolean {
  const fd = open(AF_UNIX);
  const deserted = libc.connect(fd, address, address.length) < 0 && errno() === ECONNREFUSED;
  libc.close(fd);
  return deserted;
}

/** The same of what root has made, which may be closed to the directory's owner, as the directory may be to root. */
function isRootsDeserted(path: string): boolean {
  const file = openSync(path, O_PATH | constants.O_NOFOLLOW);
  try {
    return asOwner({ uid: 0, gid: 0 }, () =>
      isDeserted(encodeSockaddr({ kind: "unix", path: `/proc/self/fd/${file}` })),
    );
  } finally {
    closeSync(file);
  }
}

function open(family: number): number {
  const fd = libc.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SystemError("socket", errno());
  return fd;
}

function fail(fd: number, syscall: string): never {
  const error = new SystemError(syscall, errno());
  libc.close(fd);
  throw error;
}
