import { closeSync, constants, openSync, writeSync } from "node:fs";
import type { Clock } from "../../core/clock.ts";
import { difference, ENTER, LEAVE } from "./frame.ts";

/** stdout. */
const TERMINAL_FD = 1;
/** How long a terminal that takes no more is left alone before the next try, and for how long it may hold up our leaving. */
const RETRY_MS = 20;
const FAREWELL_MS = 200;
const DEFAULT_SIZE = { columns: 80, rows: 24 };

/** A terminal that shows a screen of lines and gives keys. */
export class Terminal {
  /** What it shows once all of `unsent` is there; null: unknown. */
  private shown: readonly string[] | null = null;
  private waiting: readonly string[] | null = null;
  private unsent: Uint8Array = new Uint8Array();
  private fd: number | null = null;
  private entered = false;

  /** `onGone`: nobody will read or type any more. */
  constructor(
    private readonly input: NodeJS.ReadStream,
    private readonly output: NodeJS.WriteStream,
    private readonly clock: Clock,
    private readonly onGone: () => void,
  ) {}

  /** Takes the terminal: raw keys, alternate screen. Again after {@link leave}, or when somebody else may have changed it. */
  enter(): void {
    this.fd ??= openOwn();
    this.input.setRawMode(false);
    this.input.setRawMode(true);
    this.entered = true;
    this.shown = null;
    this.queue(ENTER);
  }

  /** Gives it back as it was. Idempotent. */
  leave(): void {
    if (!this.entered) return;
    this.entered = false;
    this.waiting = null;
    // The rest of a frame that is on its way must not be cut in the middle of a sequence.
    this.unsent = Buffer.concat([this.unsent, Buffer.from(LEAVE)]);
    const deadlineMs = this.clock.nowMs() + FAREWELL_MS;
    while (this.unsent.length > 0 && this.clock.nowMs() < deadlineMs && this.push()) {
      if (this.unsent.length > 0) Bun.sleepSync(RETRY_MS / 4);
    }
    this.unsent = new Uint8Array();
    try {
      this.input.setRawMode(false);
    } catch {
      // It is gone, and its modes with it.
    }
    if (this.fd !== null && this.fd !== TERMINAL_FD) closeSync(this.fd);
    this.fd = null;
  }

  /** Shows these lines: only what has changed is written, all of it at once. While a slow terminal has not taken the last frame, the latest one waits. */
  show(lines: readonly string[]): void {
    if (!this.entered) return;
    if (this.unsent.length > 0) {
      this.waiting = lines;
      return;
    }
    const bytes = difference(this.shown, lines);
    this.shown = lines;
    if (bytes !== "") this.queue(bytes);
  }

  /** Forgets what it shows: the next lines are drawn in full. */
  forget(): void {
    this.shown = null;
  }

  /** Columns and rows now. */
  size(): { columns: number; rows: number } {
    try {
      const [columns, rows] = this.output.getWindowSize();
      return columns > 0 && rows > 0 ? { columns, rows } : DEFAULT_SIZE;
    } catch {
      return DEFAULT_SIZE;
    }
  }

  private queue(text: string): void {
    const busy = this.unsent.length > 0;
    this.unsent = Buffer.concat([this.unsent, Buffer.from(text)]);
    if (!busy) this.flush();
  }

  private flush(): void {
    if (!this.push()) {
      this.onGone();
      return;
    }
    if (this.unsent.length > 0) {
      this.clock.after(RETRY_MS, () => this.flush());
      return;
    }
    const next = this.waiting;
    this.waiting = null;
    if (next !== null) this.show(next);
  }

  /** Writes what the terminal takes now; false: it is gone. */
  private push(): boolean {
    if (this.fd === null) return false;
    try {
      while (this.unsent.length > 0) {
        this.unsent = this.unsent.subarray(writeSync(this.fd, this.unsent));
      }
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === "EAGAIN" || code === "EINTR";
    }
  }
}

/**
 * An opening of our own of the terminal, which can be non-blocking without the shell's becoming so: a terminal that has
 * stopped must not stop us too, or no signal would be noticed. It can be denied, to who became another user in a session.
 */
function openOwn(): number {
  const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  for (const path of [`/proc/self/fd/${TERMINAL_FD}`, "/dev/tty"]) {
    try {
      return openSync(path, flags);
    } catch {
      // the next one
    }
  }
  return TERMINAL_FD;
}
