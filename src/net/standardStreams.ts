import { once } from "node:events";
import type { Writable } from "node:stream";

/** What is held for a terminal or pipe that nobody reads. */
const HOLD_BYTES = 4 * 1024 * 1024;

/** stdout or stderr as a place for lines: never blocks, and what a reader does not fetch is bounded, the rest dropped and counted. */
export class StandardStream {
  private dropped = 0;
  private unreported = 0;

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
    if (this.stream.writableLength > HOLD_BYTES) {
      const lines = text.split("\n").length - 1;
      this.dropped += lines;
      this.unreported += lines;
      return;
    }
    if (this.unreported > 0) this.stream.write(`${this.unreported} log lines dropped: nobody read them\n`);
    this.unreported = 0;
    this.stream.write(text);
  }

  /** Waits until a reader has fetched what is held, for at most `longestMs`: the process is about to end. */
  async drain(longestMs: number): Promise<void> {
    if (this.stream.writableLength === 0) return;
    await Promise.race([once(this.stream, "drain"), Bun.sleep(longestMs)]).catch(() => {});
  }
}
