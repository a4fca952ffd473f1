import { AF_UNIX, errno, libc, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, SystemError } from "./libc.ts";
import { adoptStream, type StreamSocket } from "./stream.ts";

/** A message longer than this is no message of ours: the channel is closed. */
const MAX_LINE_CHARS = 64 << 20;

/** The two ends of a channel between processes of ours. */
export interface ChannelEnds {
  ours: number;
  theirs: number;
}

/** Makes a channel; both ends are closed by whoever has them, and when a program is executed. Throws {@link SystemError}. */
export function createChannel(): ChannelEnds {
  const pair = new Int32Array(new ArrayBuffer(8));
  if (libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
    throw new SystemError("socketpair", errno());
  const [ours, theirs] = pair as unknown as [number, number];
  return { ours, theirs };
}

/** Who hears a channel. */
export interface ChannelObserver {
  /** Plain JSON from the other end. What is no JSON is left out: one of us may have begun to listen in the middle of it. */
  onMessage(message: unknown): void;
  /** The other end is gone. */
  onClosed(): void;
}

/**
 * Messages over one end of a channel, a line of JSON each. Unlike the runtime's own it is nothing but a file descriptor,
 * which survives the execution of another program.
 */
export class LineChannel {
  private socket: StreamSocket<undefined> | null = null;
  private unsent: Uint8Array = new Uint8Array();
  private heard = "";
  private readonly decoder = new TextDecoder();

  /** @param fd read and written by this object from here on */
  constructor(
    readonly fd: number,
    private readonly observer: ChannelObserver,
  ) {
    adoptStream<undefined>(fd, undefined, {
      open: (socket) => {
        this.socket = socket;
      },
      data: (_socket, bytes) => this.onData(bytes),
      drain: () => this.flush(),
      end: () => this.close(),
      close: () => this.close(),
      error: () => this.close(),
      connectError: () => this.close(),
    });
  }

  /** Sends a message, or nothing when the other end is gone. */
  send(message: unknown): void {
    if (this.socket === null) return;
    this.unsent = Buffer.concat([this.unsent, Buffer.from(`${JSON.stringify(message)}\n`)]);
    this.flush();
  }

  close(): void {
    const { socket } = this;
    if (socket === null) return;
    this.socket = null;
    socket.end();
    this.observer.onClosed();
  }

  private flush(): void {
    if (this.socket === null || this.unsent.length === 0) return;
    const sent = this.socket.write(this.unsent);
    if (sent > 0) this.unsent = this.unsent.subarray(sent);
  }

  private onData(bytes: Uint8Array): void {
    this.heard += this.decoder.decode(bytes, { stream: true });
    const lines = this.heard.split("\n");
    this.heard = lines.pop() ?? "";
    for (const line of lines) {
      const message = parse(line);
      if (message !== undefined) this.observer.onMessage(message);
    }
    if (this.heard.length > MAX_LINE_CHARS) this.close();
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
