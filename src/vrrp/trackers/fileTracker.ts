import { type FSWatcher, constants as fs, watch } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { strerror } from "../../net/libc.ts";
import { type FileValue, MAX_FILE_BYTES, readValue } from "./fileValue.ts";

/** Between two looks when nobody calls: for what inotify does not see, as on NFS or in a replaced directory. */
const LOOK_MS = 500;
/** After a change was seen, so that several writes are one. */
const SETTLE_MS = 10;
/** A file without a number in it may be one that is being written: this long it must stay so. */
const CONFIRM_MS = 100;

/**
 * The number in a file, as it changes. Changes are seen through inotify on its directory, and by a look every 500 ms.
 * Nothing here waits in our thread, whatever the file turns out to be; a FIFO, a device or a directory is not opened. While
 * a file server does not answer, the last value stays.
 */
export class FileTracker {
  private known: FileValue | null = null;
  private watcher: FSWatcher | null = null;
  /** Device and inode of the directory that is watched. */
  private watched = "";
  private looking = false;
  /** Something happened while a look was under way, which may have been too early to see it. */
  private missed = false;
  /** The next look follows an event; further events do not put it off. */
  private hurried = false;
  private stopped = false;
  private cancelLook: () => void = () => {};
  /** When the file was first seen without its number. */
  private doubtfulMs: number | null = null;

  /** @param onValue told of the first value, and then of every change of it or of its detail */
  constructor(
    private readonly file: string,
    private readonly clock: Clock,
    private readonly onValue: (value: FileValue) => void,
  ) {}

  /** The value now; null before the first look is over. */
  get value(): FileValue | null {
    return this.known;
  }

  start(): void {
    void this.look();
  }

  /** Tells nothing more. */
  stop(): void {
    this.stopped = true;
    this.cancelLook();
    this.unwatch();
  }

  private lookIn(delayMs: number): void {
    this.cancelLook();
    if (!this.stopped) this.cancelLook = this.clock.after(delayMs, () => void this.look());
  }

  private async look(): Promise<void> {
    this.looking = true;
    this.missed = false;
    this.hurried = false;
    await this.watchDirectory();
    const seen = await readFileValue(this.file);
    this.looking = false;
    if (this.stopped) return;
    const nextMs = this.take(seen);
    this.lookIn(this.missed ? SETTLE_MS : nextMs);
  }

  /** Believes what was seen, or waits for it to last; milliseconds until the next look. */
  private take(seen: FileValue): number {
    if (this.known?.value === seen.value && this.known.detail === seen.detail) {
      this.doubtfulMs = null;
      return LOOK_MS;
    }
    const nowMs = this.clock.nowMs();
    if (seen.detail !== "" && this.known !== null) {
      // `echo 5 >file` empties it first, editors remove it: without this, 0 would be seen on the way from 4 to 5.
      this.doubtfulMs ??= nowMs;
      const leftMs = this.doubtfulMs + CONFIRM_MS - nowMs;
      if (leftMs > 0) return leftMs;
    }
    this.doubtfulMs = null;
    this.known = seen;
    this.onValue(seen);
    return LOOK_MS;
  }

  /** Watches the directory by this name, which need not be the one that had it before. */
  private async watchDirectory(): Promise<void> {
    const directory = dirname(this.file);
    const identity = await stat(directory, { bigint: true }).then(
      ({ dev, ino }) => `${dev}:${ino}`,
      () => "",
    );
    if (this.stopped || identity === this.watched) return;
    this.unwatch();
    if (identity === "") return;
    try {
      this.watcher = watch(directory, { persistent: false }, (_event, name) => this.onEvent(name));
      this.watcher.on("error", () => this.unwatch());
      this.watched = identity;
    } catch {
      // Out of watches, or it went just now: there is the look every 500 ms, which comes by here again.
    }
  }

  private unwatch(): void {
    this.watcher?.close();
    this.watcher = null;
    this.watched = "";
  }

  private onEvent(name: string | null): void {
    if (name !== null && name !== basename(this.file)) return;
    if (this.looking) this.missed = true;
    else if (!this.hurried) {
      this.hurried = true;
      this.lookIn(SETTLE_MS);
    }
  }
}

async function readFileValue(path: string): Promise<FileValue> {
  try {
    // To open a device may do something; O_NONBLOCK is for a FIFO that takes the place in between.
    if (!(await stat(path)).isFile()) return { value: 0, detail: "not a regular file" };
    await using file = await open(path, fs.O_RDONLY | fs.O_NONBLOCK | fs.O_NOCTTY);
    const { bytesRead, buffer } = await file.read(new Uint8Array(MAX_FILE_BYTES + 1), 0, MAX_FILE_BYTES + 1, 0);
    return readValue(buffer.subarray(0, bytesRead));
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    return { value: 0, detail: code === "ENOENT" ? "no such file" : strerror(Math.abs(errno ?? 0)).toLowerCase() };
  }
}
