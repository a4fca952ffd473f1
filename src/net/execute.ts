import { ptr } from "bun:ffi";
import { fstatSync, readdirSync, readFileSync } from "node:fs";
import { ignoreSignal } from "./heldSignals.ts";
import { errno, libc, SystemError } from "./libc.ts";

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const WNOHANG = 1;

/**
 * Executes the running program anew, with the same arguments, environment, pid, standard streams and sockets;
 * no_new_privs and this thread's capabilities stay, its other threads and all it knows end. Returns only by throwing
 * SystemError.
 */
export function executeAnew(): never {
  keepSockets();
  execute(OWN_PROGRAM, ownWords());
}

/** As {@link executeAnew}, with one more variable in its environment, "PID:FD": this process and a descriptor that stays open. */
export function executeAnewWith(variable: string, fd: number): never {
  keepSockets();
  libc.fcntl(fd, F_SETFD, 0);
  const argv = new WordList(ownWords(), "latin1");
  // The runtime hides variables of its own from us, such as the channel to whoever has started us.
  const env = new WordList([...wordsOf("environ"), `${variable}=${process.pid}:${fd}`], "latin1");
  libc.execve(Buffer.from(`${OWN_PROGRAM}\0`), argv.pointers, env.pointers);
  const code = errno();
  libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
  throw new SystemError("execve", code);
}

const OWN_PROGRAM = "/proc/self/exe";
const ownWords = (): string[] => wordsOf("cmdline");

/** The runtime marks whatever it inherits close-on-exec. */
function keepSockets(): void {
  for (const fd of readdirSync("/proc/self/fd").map(Number)) if (isSocket(fd)) libc.fcntl(fd, F_SETFD, 0);
}

function wordsOf(file: "cmdline" | "environ"): string[] {
  return readFileSync(`/proc/self/${file}`, "latin1").split("\0").slice(0, -1);
}

/**
 * execv(3): this process becomes the program at `path`; `words` are its arguments from the name on, in Latin-1 so that any
 * bytes can be told. Returns only by throwing SystemError.
 */
export function execute(path: string, words: readonly string[]): never {
  const argv = new WordList(words, "latin1");
  libc.execv(Buffer.from(`${path}\0`), argv.pointers);
  throw new SystemError("execv", errno());
}

/**
 * execve(2), handing open files over: these descriptors stay open in the program that this process becomes, all others are
 * closed. Their bell (SIGIO, see net/readiness.ts) would end a program that has no handler for it yet, and is ignored; for
 * other signals see net/heldSignals.ts. Returns only by throwing SystemError.
 */
export function executeHandingOver(
  path: string,
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  handedOver: readonly number[],
): never {
  const argv = new WordList(words, "utf8");
  const variables = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${value}`,
  );
  const env = new WordList(variables, "utf8");
  const program = Buffer.from(`${path}\0`);
  for (const fd of handedOver) libc.fcntl(fd, F_SETFD, 0);
  const regard = ignoreSignal("SIGIO");
  libc.execve(program, argv.pointers, env.pointers);
  const code = errno();
  regard();
  for (const fd of handedOver) libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
  throw new SystemError("execve", code);
}

/** How a child ended; `code` null: by a signal, or nobody knows. */
export interface ChildEnd {
  readonly code: number | null;
  /** "exit status 1". */
  readonly how: string;
}

/** Takes note of the end of a child that the runtime does not know; null: it has not ended. */
export function reap(pid: number): ChildEnd | null {
  const status = new Int32Array(new ArrayBuffer(4));
  const ended = libc.waitpid(pid, status, WNOHANG);
  if (ended === 0) return null;
  if (ended < 0) return { code: null, how: "gone" };
  const word = status[0] as number;
  const signal = word & 0x7f;
  if (signal !== 0) return { code: null, how: `killed by signal ${signal}` };
  const code = (word >> 8) & 0xff;
  return { code, how: `exit status ${code}` };
}

/** A vector of C strings; it lives as long as this object. */
class WordList {
  readonly pointers: BigUint64Array;
  private readonly block: Uint8Array;

  constructor(words: readonly string[], encoding: BufferEncoding) {
    const texts = words.map((word) => Buffer.from(`${word}\0`, encoding));
    // One block that never moves, for the C side to read.
    this.block = new Uint8Array(new ArrayBuffer(texts.reduce((sum, { length }) => sum + length, 1)));
    this.pointers = new BigUint64Array(new ArrayBuffer(8 * (words.length + 1)));
    const start = BigInt(ptr(this.block));
    let offset = 0;
    for (const [index, text] of texts.entries()) {
      this.block.set(text, offset);
      this.pointers[index] = start + BigInt(offset);
      offset += text.length;
    }
  }
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false; // the directory's own, closed again
  }
}
