import { closeSync, readSync } from "node:fs";
import { constants } from "node:os";
import type { Clock } from "../core/clock.ts";
import { asOwner, type Owner } from "./asOwner.ts";
import { errno, libc, SystemError } from "./libc.ts";

// <fcntl.h>; the same on x86-64 and arm64.
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;

/** A pipe's capacity: one read empties it. */
const CAPACITY_BYTES = 65_536;
/** Pause between two looks while little is said. Nothing is lost meanwhile: a pipe that is full makes the writer wait. */
const LOOK_MS = 250;
/** After a look that found much: lets a talker go on, without giving it all of our time. */
const LOOK_AGAIN_MS = 10;
const MUCH_BYTES = CAPACITY_BYTES / 2;
/** So many pipes stay open for what programs have left behind; the oldest is given up for a further one. */
const MAX_LINGERING = 16;

const scratch = new Uint8Array(new ArrayBuffer(CAPACITY_BYTES));
/** Oldest first. */
const lingering = new Set<StderrPipe>();

/**
 * Where a program's stderr goes: its beginning is kept, the rest read and thrown away, so that no program waits or is
 * refused. A real pipe, where `Bun.spawn` would give a socket that `echo … >/dev/stderr` cannot open.
 *
 * Looked at in passing rather than waited for: a program rarely says more than the pipe holds until it ends.
 */
export class StderrPipe {
  private readonly kept: Buffer[] = [];
  private keptBytes = 0;
  private cancelLook: () => void = () => {};
  private open = true;

  private constructor(
    private readonly readEnd: number,
    /** For the program; stays ours until {@link handedOver}. */
    readonly writeEnd: number,
    private readonly clock: Clock,
    private readonly maxBytes: number,
  ) {}

  /**
   * @param owner who may open it again by the name /dev/stderr; null: we ourselves
   * @throws SystemError when descriptors are short
   */
  static make(owner: Owner | null, clock: Clock, maxBytes: number): StderrPipe {
    // Programs expect a stderr that makes them wait: Bun.spawn takes the flag off the end that it hands on.
    const ends = new Int32Array(new ArrayBuffer(8));
    const pipe = (): number => libc.pipe2(ends, O_CLOEXEC | O_NONBLOCK);
    // It belongs to whoever makes it: to give it away would take CAP_CHOWN.
    if ((owner === null ? pipe() : asOwner(owner, pipe)) < 0) throw new SystemError("pipe2", errno());
    const [readEnd, writeEnd] = ends as unknown as [number, number];
    return new StderrPipe(readEnd, writeEnd, clock, maxBytes);
  }

  /** The program has its end (or will never have it): ours is closed, and listening begins. */
  handedOver(): void {
    closeSync(this.writeEnd);
    this.lookIn(LOOK_MS);
  }

  /** What was said so far, up to `maxBytes`, without a break or a control character. */
  text(): string {
    this.look();
    return oneLine(Buffer.concat(this.kept).toString());
  }

  /**
   * The program has ended. What it left behind may still hold the other end, and would die of SIGPIPE at its next word if
   * we closed ours: a daemon started by a script must outlive the script.
   */
  programEnded(): void {
    // The second look sees the end, if the program was the last to hold it.
    if (this.look() > 0) this.look();
    if (!this.open) return;
    lingering.add(this);
    for (const oldest of lingering) {
      if (lingering.size <= MAX_LINGERING) return;
      oldest.close();
    }
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.cancelLook();
    lingering.delete(this);
    closeSync(this.readEnd);
  }

  private lookIn(delayMs: number): void {
    this.cancelLook();
    if (!this.open) return;
    this.cancelLook = this.clock.after(delayMs, () => this.lookIn(this.look() >= MUCH_BYTES ? LOOK_AGAIN_MS : LOOK_MS));
  }

  /** Reads what is there; the number of bytes. */
  private look(): number {
    if (!this.open) return 0;
    const length = readNow(this.readEnd);
    if (length === null) return 0;
    if (length === 0) this.close();
    const wanted = Math.min(length, this.maxBytes - this.keptBytes);
    if (wanted > 0) this.kept.push(Buffer.from(scratch.subarray(0, wanted)));
    this.keptBytes += wanted;
    return length;
  }
}

/** Bytes read into `scratch`; 0 at the end, null when there is nothing yet. */
function readNow(fd: number): number | null {
  try {
    return readSync(fd, scratch, 0, scratch.length, null);
  } catch (error) {
    if (-Number((error as NodeJS.ErrnoException).errno) === constants.errno.EAGAIN) return null;
    return 0;
  }
}

function oneLine(text: string): string {
  return text
    .replace(/\uFFFD+$/, "")
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, "?");
}
