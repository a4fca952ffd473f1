import { ptr } from "bun:ffi";
import { fstatSync, readdirSync, readFileSync } from "node:fs";
import { errno, libc, SystemError } from "./libc.ts";

const F_SETFD = 2;

/**
 * Executes the running program anew, with the same arguments, environment, pid, standard streams and sockets;
 * no_new_privs and this thread's capabilities stay, its other threads and all it knows end. Returns only by throwing
 * SystemError.
 */
export function executeAnew(): never {
  // The runtime marks whatever it inherits close-on-exec.
  for (const fd of readdirSync("/proc/self/fd").map(Number)) if (isSocket(fd)) libc.fcntl(fd, F_SETFD, 0);
  execute("/proc/self/exe", readFileSync("/proc/self/cmdline", "latin1").split("\0").slice(0, -1));
}

/**
 * execv(3): this process becomes the program at `path`; `words` are its arguments from the name on, in Latin-1 so that any
 * bytes can be told. Returns only by throwing SystemError.
 */
export function execute(path: string, words: readonly string[]): never {
  // One block that never moves, for the C side to read.
  const text = Buffer.from(words.map((word) => `${word}\0`).join(""), "latin1");
  const block = new Uint8Array(new ArrayBuffer(text.length + 1));
  block.set(text);
  const argv = new BigUint64Array(new ArrayBuffer(8 * (words.length + 1)));
  let address = BigInt(ptr(block));
  for (const [index, word] of words.entries()) {
    argv[index] = address;
    address += BigInt(word.length + 1);
  }
  libc.execv(Buffer.from(`${path}\0`), argv);
  throw new SystemError("execv", errno());
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false; // the directory's own, closed again
  }
}
