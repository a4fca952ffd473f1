import { closeSync, constants, fstatSync, openSync, type Stats, statSync, unlinkSync, writeSync } from "node:fs";
import { Level } from "../core/syslogCodes.ts";
import { errno, libc, SystemError } from "../net/libc.ts";
import type { NotifyWorld } from "./world.ts";

/** Lines that wait while the pipe is full; with the kernel's 64 KiB before them, months of an ordinary life. */
const MAX_WAITING_LINES = 1000;
/** A pipe that is full, or is not there, is tried again this often, and whenever a new line comes. */
const RETRY_MS = 1000;
const MODE = 0o600;

/** Names one file, whatever its path. */
interface Identity {
  readonly dev: number;
  readonly ino: number;
}

/**
 * A named pipe that programs read changes of state from, as keepalived's `notify_fifo`. It is held open for reading too,
 * so that writing never blocks, whether or not anybody reads; lines that do not fit wait here, the oldest give way.
 */
export class NotifyFifo {
  private pipe: ({ readonly fd: number } & Identity) | null = null;
  /** The pipe that we made: nobody else's is ever removed. */
  private made: Identity | null = null;
  private readonly waiting: string[] = [];
  private droppedLines = 0;
  /** What keeps lines from going out, as last logged; null: nothing. */
  private trouble: string | null = null;
  private cancelRetry: (() => void) | null = null;

  constructor(
    readonly path: string,
    private readonly world: NotifyWorld,
  ) {}

  /** Makes and opens the pipe, so that readers find it before anything happens. A failure is logged and tried again later. */
  open(): void {
    this.flush();
  }

  /** Writes one line, newline included, of at most PIPE_BUF (4096) bytes: the kernel takes it whole or not at all. */
  write(line: string): void {
    this.waiting.push(line);
    if (this.waiting.length > MAX_WAITING_LINES) {
      this.waiting.shift();
      if (this.droppedLines === 0) {
        this.say(Level.err, `${MAX_WAITING_LINES} lines wait; the oldest are dropped from now on`);
      }
      this.droppedLines += 1;
    }
    this.flush();
  }

  /** A last attempt with what waits, then the pipe is closed, and removed when we made it. */
  close(): void {
    this.flush();
    this.cancelRetry?.();
    this.cancelRetry = null;
    const lost = this.droppedLines + this.waiting.length;
    if (lost > 0) this.say(Level.warning, `closed; ${lost} lines were never read`);
    this.closePipe();
    this.removeOurs();
  }

  private flush(): void {
    try {
      const fd = this.openPipe();
      for (let line = this.waiting[0]; line !== undefined; line = this.waiting[0]) {
        writeSync(fd, line);
        this.waiting.shift();
      }
      this.recovered();
    } catch (failure) {
      this.failed(failure instanceof Error ? failure : new Error(String(failure)));
    }
  }

  private failed(failure: NodeJS.ErrnoException): void {
    const full = failure.code === "EAGAIN";
    if (!full) this.closePipe();
    const trouble = full ? "full, nobody reads it; lines wait" : `unusable: ${failure.message}`;
    if (trouble !== this.trouble) this.say(Level.warning, trouble);
    this.trouble = trouble;
    this.cancelRetry ??= this.world.clock.after(RETRY_MS, () => {
      this.cancelRetry = null;
      this.flush();
    });
  }

  private recovered(): void {
    this.cancelRetry?.();
    this.cancelRetry = null;
    if (this.trouble === null) return;
    this.say(Level.notice, `takes lines again; ${this.droppedLines} were dropped`);
    this.trouble = null;
    this.droppedLines = 0;
  }

  /** The open pipe. One that was removed or replaced meanwhile has no reader any more: the one at the path is opened instead. */
  private openPipe(): number {
    const found = statSync(this.path, { throwIfNoEntry: false });
    if (this.pipe !== null && found !== undefined && same(this.pipe, found)) return this.pipe.fd;
    this.closePipe();
    if (found === undefined) this.make();
    else refuseUnlessFifo(found);
    const fd = openSync(this.path, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      const opened = fstatSync(fd);
      refuseUnlessFifo(opened); // it may have been exchanged between the look and the opening
      this.pipe = { fd, dev: opened.dev, ino: opened.ino };
      return fd;
    } catch (failure) {
      closeSync(fd);
      throw failure;
    }
  }

  private make(): void {
    if (libc.mkfifo(Buffer.from(`${this.path}\0`), MODE) < 0) throw new SystemError("mkfifo", errno());
    const { dev, ino } = statSync(this.path);
    this.made = { dev, ino };
  }

  private closePipe(): void {
    if (this.pipe === null) return;
    closeSync(this.pipe.fd);
    this.pipe = null;
  }

  private removeOurs(): void {
    if (this.made === null) return;
    try {
      if (same(this.made, statSync(this.path))) unlinkSync(this.path);
    } catch {
      // gone already, or its directory is closed to us: nothing left to do for it
    }
  }

  private say(level: Level, text: string): void {
    this.world.log(level, `notify_fifo ${this.path}: ${text}`);
  }
}

function same(a: Identity, b: Identity): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

function refuseUnlessFifo(stats: Stats): void {
  if (!stats.isFIFO()) throw new Error("it is there, but it is no FIFO");
}
