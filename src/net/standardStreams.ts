import type { Writable } from "node:stream";

/** What is held for a terminal or pipe that nobody reads. */
const HOLD_CHARACTERS = 4 * 1024 * 1024;

/** A slow reader of our output gets this long to fetch the rest of it. */
const LAST_WORDS_MS = 1000;

/** stdout or stderr as a place for lines: never blocks, and what a reader does not fetch is bounded, the rest dropped and counted. */
export class StandardStream {
  private dropped = 0;
  private unreported = 0;
  /** Bun's `writableLength` is always 0, but the callback of a write comes when the kernel has taken it. */
  private held = 0;
  private onEmpty = () => {};

  constructor(private readonly stream: Writable) {
    // EPIPE: whoever read us has gone. Serving goes on.
    stream.on("error", () => {});
  }

  /** Lines dropped so far. */
  get droppedLines(): number {
    return this.dropped;
  }

  /** Writes one line, without its newline. */
  write(line: string): void {
    this.writeText(`${line}\n`);
  }

  /** Writes whole lines, newlines included. */
  writeText(text: string): void {
    if (this.held > HOLD_CHARACTERS) {
      const lines = text.split("\n").length - 1;
      this.dropped += lines;
      this.unreported += lines;
      return;
    }
    if (this.unreported > 0) this.send(`${this.unreported} log lines dropped: nobody read them\n`);
    this.unreported = 0;
    this.send(text);
  }

  /** Waits until a reader has fetched what is held, for at most `longestMs`: the process is about to end. */
  async drain(longestMs = LAST_WORDS_MS): Promise<void> {
    if (this.held === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.onEmpty = resolve;
    await Promise.race([promise, Bun.sleep(longestMs)]);
  }

  private send(text: string): void {
    this.held += text.length;
    this.stream.write(text, () => {
      this.held -= text.length;
      if (this.held === 0) this.onEmpty();
    });
  }
}
