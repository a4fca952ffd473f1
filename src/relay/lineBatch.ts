import type { Clock } from "../core/clock.ts";
import type { LinePort } from "../log/lineSink.ts";

/** Lines are handed over together this often. */
const FLUSH_MS = 20;
/** What is held for a reader that does not read; beyond it lines are dropped and counted. */
const HOLD_CHARACTERS = 1024 * 1024;

/** Gathers the lines of a relay thread, which must never wait for a terminal or a pipe, and hands them to control. */
export class LineBatch implements LinePort {
  private lines: string[] = [];
  private characters = 0;
  private dropped = 0;
  private scheduled = false;

  constructor(
    private readonly clock: Clock,
    private readonly deliver: (text: string) => void,
  ) {}

  write(line: string): void {
    if (this.characters + line.length > HOLD_CHARACTERS) this.dropped++;
    else {
      this.lines.push(line);
      this.characters += line.length + 1;
    }
    if (this.scheduled) return;
    this.scheduled = true;
    this.clock.after(FLUSH_MS, () => this.flush());
  }

  flush(): void {
    this.scheduled = false;
    if (this.dropped > 0) this.lines.push(`${this.dropped} log lines dropped: more than could be written`);
    if (this.lines.length > 0) this.deliver(`${this.lines.join("\n")}\n`);
    this.lines = [];
    this.characters = 0;
    this.dropped = 0;
  }
}
