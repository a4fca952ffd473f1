import type { Clock } from "../core/clock.ts";
import type { StreamSocket } from "../net/stream.ts";
import { type AdminCommand, type AdminLevel, refused } from "./command.ts";
import { answer, LineReader, MAX_LINE_BYTES, type Said, spell, splitCommands } from "./protocol.ts";
import { AdminSession } from "./session.ts";

/**
 * What clients may cost. Who oversteps is dropped. One too many takes the place of who has been silent longest, of those
 * first who have never said anything; while everybody is being answered, it waits in the kernel's queue.
 */
export interface AdminLimits {
  /** Served at a time. */
  clients: number;
  /** For a whole line of commands to arrive, unless `set timeout cli` says else, and longest pause of a client in reading its answers. */
  idleMs: number;
  /** For all answers to one line to be read. */
  answerMs: number;
  /** For the client to close once it has been answered. */
  lingerMs: number;
}

/** Whoever keeps the connections. */
export interface ConnectionDesk {
  readonly commands: readonly AdminCommand[];
  /** What its clients may do at first. */
  readonly level: AdminLevel;
  readonly clock: Clock;
  readonly limits: AdminLimits;
  /** A connection has begun to be answered. */
  changed(): void;
  /** A connection is closed. */
  left(connection: AdminConnection): void;
}

/**
 * One client: reads a line, answers its commands one after the other (each in a turn of the event loop of its own, and only
 * when the answer before it has gone out, so that at most one is held), then the next line if it is there already; closes
 * when it is not, unless the client has asked for a prompt.
 */
export class AdminConnection {
  private phase: "reading" | "answering" | "closing" = "reading";
  private readonly reader = new LineReader();
  private readonly session: AdminSession;
  private commands: string[][] = [];
  private unsent: Uint8Array | null = null;
  /** Pieces of the answer in hand that have not been asked for. */
  private rest: AsyncGenerator<Uint8Array | string> | null = null;
  private answerDeadlineMs = Infinity;
  /** Monotonic ms. */
  silentSinceMs: number;
  private hasAsked = false;
  private isPaused = false;
  private inputEnded = false;
  private gone = false;
  private cancelDeadline: () => void = () => {};

  constructor(
    private readonly socket: StreamSocket<AdminConnection>,
    private readonly desk: ConnectionDesk,
  ) {
    this.session = new AdminSession(desk.level);
    this.silentSinceMs = desk.clock.nowMs();
    this.read();
  }

  /** Whether it is its turn to say something; since {@link silentSinceMs}. */
  get isSilent(): boolean {
    return this.phase === "reading" && !this.gone;
  }

  /** Whether its place is rather to be had than that of another silent client; null: there is no other. */
  yieldsTo(other: AdminConnection | null): boolean {
    if (other === null) return true;
    return this.hasAsked === other.hasAsked ? this.silentSinceMs < other.silentSinceMs : other.hasAsked;
  }

  /** Ends it at once; what was not read is lost. */
  drop(): void {
    this.gone = true;
    this.socket.terminate();
  }

  /** Ends it when it has been answered; at once when it has asked nothing. */
  leave(): void {
    this.session.prompt = false;
    if (this.isSilent && this.reader.bytes === 0) this.close();
  }

  data(chunk: Uint8Array): void {
    // Bytes behind the last line are read, so that closing does not reset the connection, and forgotten.
    if (this.phase === "closing") return;
    // The socket's buffer is not ours to keep.
    this.reader.push(chunk.slice());
    if (this.phase === "reading") this.nextLine();
    else if (this.reader.bytes > MAX_LINE_BYTES) this.pause();
  }

  /** The client will send no more: its last line ends here. */
  ended(): void {
    this.inputEnded = true;
    if (this.phase === "reading") this.nextLine();
  }

  writable(): void {
    if (this.unsent !== null) this.flush();
  }

  closed(): void {
    this.gone = true;
    this.cancelDeadline();
    this.unsent = null;
    void this.rest?.return(null);
    this.rest = null;
    this.desk.left(this);
  }

  /** Waits for a line, from now on until the client's time is over. */
  private read(): void {
    this.phase = "reading";
    this.answerDeadlineMs = Infinity;
    this.silentSinceMs = this.desk.clock.nowMs();
    this.expire(this.session.idleMs ?? this.desk.limits.idleMs);
  }

  private nextLine(): void {
    const read = this.reader.line();
    const last = read === null && this.inputEnded ? this.reader.rest() : null;
    if (read === "too long") {
      this.begin();
      this.tell(spell(refused(`Command line too long: at most ${MAX_LINE_BYTES} bytes.`), this.session));
      this.session.left = true;
    } else if (read !== null) {
      this.execute(read.line);
    } else if (last !== null) {
      this.execute(last);
    } else if (this.inputEnded) {
      this.close();
    } else {
      this.resume();
    }
  }

  private execute(line: string): void {
    this.begin();
    this.commands = splitCommands(line);
    this.runNext();
  }

  /** It is our turn. */
  private begin(): void {
    const { clock, limits } = this.desk;
    this.phase = "answering";
    this.hasAsked = true;
    this.answerDeadlineMs = clock.nowMs() + limits.answerMs;
    this.desk.changed();
  }

  private runNext(): void {
    if (this.gone) return;
    const words = this.session.left ? undefined : this.commands.shift();
    if (words === undefined) {
      this.lineDone();
      return;
    }
    const answered = answerOrExcuse(words, this.desk.commands, this.session);
    if (answered instanceof Promise) this.await(answered);
    else this.tell(answered);
  }

  private await(answered: Promise<Said>): void {
    // The client is not idle while it waits for us.
    this.expire(this.desk.limits.answerMs);
    void answered.then((said) => {
      if (!this.gone) this.tell(said);
    });
  }

  private tell(said: Said): void {
    if (typeof said === "string") {
      this.say(new TextEncoder().encode(said));
      return;
    }
    this.rest = said;
    this.nextPiece();
  }

  private nextPiece(): void {
    const { rest } = this;
    if (rest === null || this.gone) return;
    this.expire(this.desk.limits.answerMs);
    void rest.next().then(
      ({ done, value }) => {
        if (this.gone) return;
        if (done) this.rest = null;
        this.say(done ? NOTHING : typeof value === "string" ? new TextEncoder().encode(value) : value);
      },
      (error) => {
        this.rest = null;
        if (!this.gone) this.say(new TextEncoder().encode(excuse(error, this.session)));
      },
    );
  }

  private lineDone(): void {
    if (this.session.left || (!this.session.prompt && this.reader.bytes === 0)) {
      this.close();
      return;
    }
    this.read();
    this.nextLine();
  }

  private say(bytes: Uint8Array): void {
    this.unsent = bytes;
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
    // Not a timer, of which none is shorter than a millisecond: a large answer has hundreds of pieces.
    setImmediate(() => (this.rest === null ? this.runNext() : this.nextPiece()));
  }

  private close(): void {
    this.phase = "closing";
    this.resume();
    this.expire(this.desk.limits.lingerMs);
    this.socket.shutdown();
  }

  private pause(): void {
    if (!this.isPaused) this.socket.pause();
    this.isPaused = true;
  }

  private resume(): void {
    if (this.isPaused) this.socket.resume();
    this.isPaused = false;
  }

  private expire(delayMs: number): void {
    const { clock } = this.desk;
    this.cancelDeadline();
    const left = Math.max(0, Math.min(delayMs, this.answerDeadlineMs - clock.nowMs()));
    this.cancelDeadline = clock.after(left, () => (this.phase === "closing" ? this.socket.end() : this.drop()));
  }
}

const NOTHING = new Uint8Array(0);

/** A command that fails must not take the proxy process with it. */
function answerOrExcuse(
  words: readonly string[],
  commands: readonly AdminCommand[],
  session: AdminSession,
): Said | Promise<Said> {
  try {
    const answered = answer(words, commands, session);
    return answered instanceof Promise ? answered.catch((error) => excuse(error, session)) : answered;
  } catch (error) {
    return excuse(error, session);
  }
}

function excuse(error: unknown, session: AdminSession): string {
  return spell(refused(`Internal error: ${error instanceof Error ? error.message : String(error)}`), session);
}
