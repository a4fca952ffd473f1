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

/**
 * Sends one line of commands and gives the whole answer, without the empty line at its end. Throws {@link AdminError}.
 * Uses Bun's socket directly and not net/, whose loading of the C library would cost `status` more than everything else.
 */
export async function request(socketPath: string, command: string, timeoutMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => reject(failed("silent", socketPath, `within ${timeoutMs} ms`)), timeoutMs);
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
