import { AF_UNIX, errno, libc, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, SystemError } from "./libc.ts";
import { adoptStream, type StreamSocket } from "./stream.ts";

/** A message longer than this is no message of ours: the channel is closed. */
const MAX_LINE_BYTES = 64 << 20;
const NEWLINE = 0x0a;

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

/** What is under way on a channel, for the program that goes on with it: the beginning of a message, and what is unsent. Base64. */
export interface ChannelRest {
  readonly heard: string;
  readonly unsent: string;
}

/**
 * Messages over one end of a channel, a line of JSON each. Unlike the runtime's own it is nothing but a file descriptor,
 * which survives the execution of another program.
 */
export class LineChannel {
  private socket: StreamSocket<undefined> | null = null;
  private unsent: Uint8Array;
  /** Of a message that has not ended. */
  private heard: Uint8Array[];
  private heardBytes = 0;
  private sent = Promise.withResolvers<void>();

  /**
   * @param fd read and written by this object from here on
   * @param rest what another program has left
   */
  constructor(
    readonly fd: number,
    private readonly observer: ChannelObserver,
    rest: ChannelRest = { heard: "", unsent: "" },
  ) {
    this.unsent = Buffer.from(rest.unsent, "base64");
    this.heard = [Buffer.from(rest.heard, "base64")];
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
    this.flush();
  }

  /** Sends a message, or nothing when the other end is gone. */
  send(message: unknown): void {
    if (this.socket === null) return;
    this.unsent = Buffer.concat([this.unsent, Buffer.from(`${JSON.stringify(message)}\n`)]);
    this.flush();
  }

  /** The other end has not read what was sent. */
  get isClogged(): boolean {
    return this.unsent.length > 0;
  }

  /** What the program that goes on with this channel is to know; nothing may be sent or heard after that. */
  get rest(): ChannelRest {
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
    return { heard: base64(Buffer.concat(this.heard)), unsent: base64(this.unsent) };
  }

  /** Resolves when all is sent, or never will be. */
  async drain(): Promise<void> {
    if (this.socket !== null && this.isClogged) await this.sent.promise;
  }

  close(): void {
    const { socket } = this;
    if (socket === null) return;
    this.socket = null;
    this.sent.resolve();
    socket.end();
    this.observer.onClosed();
  }

  private flush(): void {
    if (this.socket === null || this.unsent.length === 0) return;
    const sent = this.socket.write(this.unsent);
    if (sent > 0) this.unsent = this.unsent.subarray(sent);
    if (this.isClogged) return;
    this.sent.resolve();
    this.sent = Promise.withResolvers();
  }

  private onData(bytes: Uint8Array): void {
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...this.heard, bytes.subarray(from, end)]).toString();
      from = end + 1;
      this.heard = [];
      this.heardBytes = 0;
      const message = parse(line);
      if (message !== undefined) this.observer.onMessage(message);
    }
    this.heard.push(bytes.subarray(from));
    this.heardBytes += bytes.length - from;
    if (this.heardBytes > MAX_LINE_BYTES) this.close();
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
