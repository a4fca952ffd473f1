import { readFileSync } from "node:fs";
import { resolve as absolute, basename } from "node:path";
import { UserError } from "../core/errors.ts";

/** Why there is no answer. `absent`: no socket there; `refused`: a socket that nobody serves (left by a crash). */
export type AdminFailure = "absent" | "refused" | "denied" | "silent" | "broken";

/** The running program could not be asked. Exit status 3 (not running) for `absent` and `refused`, else 1. */
export class AdminError extends UserError {
  constructor(
    readonly failure: AdminFailure,
    message: string,
  ) {
    super(message, failure === "absent" || failure === "refused" ? 3 : 1);
  }
}

/** No answer of ours is longer than this; who sends more is somebody else. */
const LONGEST_ANSWER_BYTES = 256 * 1024 * 1024;

/** Some of HAProxy's messages, and so of ours, have no empty line behind them; marked with their severity they are known. */
const MESSAGE_AT_END = /(^|\n)\[[0-7]\]: [^\n]+\n$/;

/** Whoever comes to a full queue comes again after this time. */
const AGAIN_MS = 50;
const LOOKS = 3;
const LOOK_AGAIN_MS = 10;

/**
 * Sends one line of commands and gives the whole answer, without the empty line at its end. Throws {@link AdminError}.
 * Uses Bun's socket directly and not net/, whose loading of the C library would cost `status` more than everything else.
 */
export async function request(socketPath: string, command: string, timeoutMs: number): Promise<string> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = Math.max(1, deadlineMs - performance.now());
    try {
      return await requestOnce(socketPath, command, leftMs);
    } catch (error) {
      if (!(error instanceof AdminError) || error.failure !== "refused") throw error;
      if (leftMs <= AGAIN_MS || !(await isListening(socketPath))) throw error;
      await Bun.sleep(AGAIN_MS);
    }
  }
}

/** Whether somebody listens on that unix socket: one whose queue is full refuses, for Bun, as one that nobody serves. */
async function isListening(path: string): Promise<boolean> {
  // The kernel's list may miss one while others come and go.
  for (let look = 0; look < LOOKS; look++) {
    if (isListed(path)) return true;
    await Bun.sleep(LOOK_AGAIN_MS);
  }
  return false;
}

function isListed(path: string): boolean {
  const LISTENS = "00010000";
  // In a directory that the supervisor may not enter it was bound through a descriptor.
  const isIt = (name = ""): boolean =>
    name === absolute(path) || (name.startsWith("/proc/self/fd/") && basename(name) === basename(path));
  try {
    return readFileSync("/proc/net/unix", "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .some(([, , , flags, , , , name]) => flags === LISTENS && isIt(name));
  } catch {
    return false;
  }
}

async function requestOnce(socketPath: string, command: string, timeoutMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => reject(failed("silent", socketPath, `within ${Math.round(timeoutMs)} ms`)), timeoutMs);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let unsent: Uint8Array = new TextEncoder().encode(`${command}\n`);
  const send = (socket: Bun.Socket): void => {
    if (unsent.length > 0) unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
  };
  const done = (error?: Error): void => {
    const text = Buffer.concat(chunks).toString();
    if (text.endsWith("\n\n")) resolve(text.slice(0, -1));
    else if (text === "\n") resolve("");
    else if (MESSAGE_AT_END.test(text)) resolve(text);
    else reject(failed("broken", socketPath, error?.message ?? "the answer breaks off"));
  };
  const connecting = Bun.connect({
    unix: socketPath,
    socket: {
      open: send,
      drain: send,
      data(socket, chunk) {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > LONGEST_ANSWER_BYTES) {
          reject(failed("broken", socketPath, "the answer does not end"));
          socket.terminate();
        }
      },
      close: (_socket, error) => done(error),
      connectError: (_socket, error) => reject(connectFailure(socketPath, error as NodeJS.ErrnoException)),
    },
  });
  // The failure has gone to connectError already.
  connecting.catch(() => {});
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    connecting.then(
      (socket) => socket.terminate(),
      () => {},
    );
  }
}

function connectFailure(path: string, error: NodeJS.ErrnoException): AdminError {
  switch (error.code) {
    case "ENOENT":
    case "ENOTDIR":
      return failed("absent", path, "no such socket");
    case "ECONNREFUSED":
      return failed("refused", path, "nobody serves that socket");
    case "EACCES":
    case "EPERM":
      return failed("denied", path);
    default:
      return failed("broken", path, error.code ?? error.message);
  }
}

function failed(failure: AdminFailure, path: string, detail = ""): AdminError {
  const because = detail === "" ? "" : ` (${detail})`;
  switch (failure) {
    case "absent":
    case "refused":
      return new AdminError(failure, `not running: nothing answers at ${path}${because}`);
    case "denied":
      return new AdminError(failure, `no permission to ask at ${path}: run this as root, or as the user it belongs to`);
    case "silent":
      return new AdminError(failure, `it does not answer at ${path}${because}`);
    case "broken":
      return new AdminError(failure, `no usable answer from ${path}${because}`);
  }
}
