import { closeSync, readSync, writeSync } from "node:fs";
import { errno, libc, SystemError } from "./libc.ts";

const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const F_SETPIPE_SZ = 1031;
const CHUNK_BYTES = 65_536;

/**
 * Leaves bytes for the program that this process executes next, in a pipe that nobody writes to any more; its descriptor,
 * closed by that execution unless it is handed over. Throws when a pipe does not hold so much.
 */
export function leaveNote(bytes: Uint8Array): number {
  const ends = new Int32Array(new ArrayBuffer(8));
  if (libc.pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) throw new SystemError("pipe2", errno());
  const [read, write] = ends as unknown as [number, number];
  try {
    libc.fcntl(write, F_SETPIPE_SZ, Math.max(CHUNK_BYTES, bytes.length));
    if (writeSync(write, bytes) < bytes.length) throw new Error("it does not fit a pipe");
  } catch (error) {
    closeSync(read);
    throw error;
  } finally {
    closeSync(write);
  }
  return read;
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
