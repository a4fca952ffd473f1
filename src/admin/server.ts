import type { Clock } from "../core/clock.ts";
import { type Acceptor, acceptStreams, type StreamHandler, type StreamSocket } from "../net/stream.ts";
import { type AdminCommand, answer, LineReader, MAX_LINE_BYTES, splitCommands } from "./protocol.ts";

/** What clients may cost; a client that oversteps is dropped, one too many waits in the kernel's queue. */
export interface AdminLimits {
  /** Served at a time. */
  clients: number;
  /** For a whole line of commands to arrive, and longest pause of a client in reading its answers. */
  idleMs: number;
  /** For all answers to one line to be read. */
  answerMs: number;
  /** For the client to close once it has been answered. */
  lingerMs: number;
}

export const ADMIN_LIMITS: AdminLimits = { clients: 32, idleMs: 10_000, answerMs: 60_000, lingerMs: 1000 };

/** Serving could not go on for lack of a file descriptor: looks again after this time. */
const RETRY_MS = 1000;

/** Clients of the admin socket that may wait while as many as allowed are being served. */
export const ADMIN_BACKLOG = 64;

export interface AdminServer {
  /** Stops accepting; who is being served is served. */
  leave(): void;
  /** Stops accepting and drops who is being served. The listening fd stays open. */
  stop(): void;
}

/** Answers commands on a listening unix socket. Throws SystemError when the fd cannot be listened on. */
export function serveAdmin(
  fd: number,
  backlog: number,
  commands: readonly AdminCommand[],
  clock: Clock,
  limits: AdminLimits = ADMIN_LIMITS,
): AdminServer {
  const desk = new Desk(fd, backlog, commands, clock, limits);
  desk.open();
  return desk;
}

/** Accepts clients, never more than the limit. */
class Desk implements AdminServer {
  private acceptor: Acceptor | null = null;
  private stopped = false;
  private readonly clients = new Set<AdminClient>();

  constructor(
    private readonly fd: number,
    private readonly backlog: number,
    readonly commands: readonly AdminCommand[],
    readonly clock: Clock,
    readonly limits: AdminLimits,
  ) {}

  open(): void {
    // Until `open` gives it its own, an accepted socket carries what its acceptor was given: the desk.
    this.acceptor = acceptStreams<AdminClient>(this.fd, this.backlog, this as unknown as AdminClient, handler);
  }

  leave(): void {
    this.stopped = true;
    this.close();
  }

  stop(): void {
    this.leave();
    for (const client of this.clients) client.drop();
  }

  welcome(socket: StreamSocket<AdminClient>): void {
    const client = new AdminClient(socket, this);
    socket.data = client;
    this.clients.add(client);
    if (this.clients.size >= this.limits.clients) this.close();
  }

  left(client: AdminClient): void {
    this.clients.delete(client);
    this.reopen();
  }

  private close(): void {
    this.acceptor?.stop();
    this.acceptor = null;
  }

  private reopen(): void {
    if (this.stopped || this.acceptor !== null || this.clients.size >= this.limits.clients) return;
    try {
      this.open();
    } catch {
      this.clock.after(RETRY_MS, () => this.reopen());
    }
  }
}

/**
 * One client: reads a line, answers its commands one after the other (each in a turn of the event loop of its own, and only
 * when the answer before it has gone out, so that at most one is held), then closes.
 */
class AdminClient {
  private phase: "reading" | "answering" | "closing" = "reading";
  private readonly reader = new LineReader();
  private commands: string[][] = [];
  private unsent: Uint8Array | null = null;
  private answerDeadlineMs = Infinity;
  private gone = false;
  private cancelDeadline: () => void;

  constructor(
    private readonly socket: StreamSocket<AdminClient>,
    private readonly desk: Desk,
  ) {
    this.cancelDeadline = desk.clock.after(desk.limits.idleMs, () => this.drop());
  }

  /** Ends it at once; what was not read is lost. */
  drop(): void {
    this.socket.terminate();
  }

  data(chunk: Uint8Array): void {
    // Bytes behind the line are read, so that closing does not reset the connection, and forgotten.
    if (this.phase !== "reading") return;
    const read = this.reader.push(chunk);
    if (read === "too long") this.say(`Command line too long: at most ${MAX_LINE_BYTES} bytes.\n\n`);
    else if (read !== null) this.execute(read.line);
  }

  /** The client will send no more: its line ends here. */
  ended(): void {
    if (this.phase !== "reading") return;
    const line = this.reader.rest();
    if (line === null) this.socket.end();
    else this.execute(line);
  }

  writable(): void {
    if (this.unsent !== null) this.flush();
  }

  closed(): void {
    this.gone = true;
    this.cancelDeadline();
    this.unsent = null;
    this.desk.left(this);
  }

  private execute(line: string): void {
    this.commands = splitCommands(line);
    this.runNext();
  }

  private runNext(): void {
    if (this.gone) return;
    const words = this.commands.shift();
    if (words === undefined) {
      this.close();
      return;
    }
    const answered = answerOrExcuse(words, this.desk.commands);
    if (typeof answered === "string") {
      this.say(answered);
      return;
    }
    // The client is not idle while it waits for us.
    this.begin();
    this.expire(this.desk.limits.answerMs);
    void answered.then((text) => {
      if (!this.gone) this.say(text);
    });
  }

  private begin(): void {
    if (this.phase !== "reading") return;
    this.phase = "answering";
    this.answerDeadlineMs = this.desk.clock.nowMs() + this.desk.limits.answerMs;
  }

  private say(text: string): void {
    this.begin();
    this.unsent = new TextEncoder().encode(text);
    this.expire(this.desk.limits.idleMs);
    this.flush();
  }

  private flush(): void {
    if (this.unsent === null) return;
    const taken = this.socket.write(this.unsent);
    if (taken < 0) return;
    if (taken < this.unsent.length) {
      this.unsent = this.unsent.subarray(taken);
      if (taken > 0) this.expire(this.desk.limits.idleMs);
      return;
    }
    this.unsent = null;
    this.desk.clock.after(0, () => this.runNext());
  }

  private close(): void {
    this.phase = "closing";
    this.expire(this.desk.limits.lingerMs);
    this.socket.shutdown();
  }

  private expire(delayMs: number): void {
    const { clock } = this.desk;
    this.cancelDeadline();
    const left = Math.max(0, Math.min(delayMs, this.answerDeadlineMs - clock.nowMs()));
    this.cancelDeadline = clock.after(left, () => (this.phase === "closing" ? this.socket.end() : this.drop()));
  }
}

/** A command that fails must not take the proxy process with it. */
function answerOrExcuse(words: readonly string[], commands: readonly AdminCommand[]): string | Promise<string> {
  try {
    const answered = answer(words, commands);
    return typeof answered === "string" ? answered : answered.catch(excuse);
  } catch (error) {
    return excuse(error);
  }
}

function excuse(error: unknown): string {
  return `Internal error: ${error instanceof Error ? error.message : String(error)}\n\n`;
}

const handler: StreamHandler<AdminClient> = {
  open: (socket) => (socket.data as unknown as Desk).welcome(socket),
  data: (socket, chunk) => socket.data.data(chunk),
  drain: (socket) => socket.data.writable(),
  end: (socket) => socket.data.ended(),
  close: (socket) => socket.data.closed(),
};
