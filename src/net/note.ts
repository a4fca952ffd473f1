import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errno, libc, SystemError } from "./libc.ts";

const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const F_SETPIPE_SZ = 1031;
const CHUNK_BYTES = 65_536;
/** Where files are kept in memory, as far as a host has it. */
const MEMORY = "/dev/shm";

/**
 * Leaves bytes for the program that this process executes next: in a pipe that nobody writes to any more, or, for what the
 * kernel gives us no pipe, in a file that has no name any more. Its descriptor is closed by that execution unless it is
 * handed over. Throws SystemError, or fs errors.
 */
export function leaveNote(bytes: Uint8Array): number {
  const ends = new Int32Array(new ArrayBuffer(8));
  if (libc.pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) throw new SystemError("pipe2", errno());
  const [read, write] = ends as unknown as [number, number];
  try {
    const fits = bytes.length <= CHUNK_BYTES || libc.fcntl(write, F_SETPIPE_SZ, bytes.length) >= bytes.length;
    // A user who has many pipes already gets small ones.
    if (fits && writeAll(write, bytes)) return read;
  } finally {
    closeSync(write);
  }
  closeSync(read);
  return leaveInFile(bytes);
}

/** Reads what {@link leaveNote} has left, and closes it. Throws when there is no such descriptor. */
export function readNote(fd: number): string {
  const chunks: Buffer[] = [];
  try {
    for (;;) {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      const length = readSync(fd, chunk);
      if (length === 0) return Buffer.concat(chunks).toString();
      chunks.push(chunk.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
}

function leaveInFile(bytes: Uint8Array): number {
  const name = `haproxy-lite.${process.pid}.${Math.random().toString(36).slice(2)}`;
  let path = join(MEMORY, name);
  let fd: number;
  try {
    fd = openSync(path, "wx+", 0o600);
  } catch {
    path = join(tmpdir(), name);
    fd = openSync(path, "wx+", 0o600);
  }
  rmSync(path);
  // By position: the reader begins where the descriptor stands.
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at);
  return fd;
}

function writeAll(fd: number, bytes: Uint8Array): boolean {
  try {
    return writeSync(fd, bytes) === bytes.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
    throw error;
  }
}
