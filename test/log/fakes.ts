import { constants } from "node:os";
import type { Clock } from "../../src/core/clock.ts";
import type { DatagramPort } from "../../src/log/datagramSink.ts";
import type { LinePort } from "../../src/log/lineSink.ts";

const { ECONNREFUSED, EAGAIN, ENOENT } = constants.errno;

export { EAGAIN, ECONNREFUSED, ENOENT };

interface Timer {
  atMs: number;
  fn: () => void;
}

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  private timers: Timer[] = [];
  private elapsedMs = 0;

  constructor(private readonly startWallMs = Date.UTC(2026, 10, 22, 16, 0, 0, 123)) {}

  nowMs(): number {
    return this.elapsedMs;
  }

  wallMs(): number {
    return this.startWallMs + this.elapsedMs;
  }

  after(delayMs: number, fn: () => void): () => void {
    const timer = { atMs: this.elapsedMs + delayMs, fn };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Lets time pass and runs what falls due, in order. */
  pass(ms: number): void {
    const untilMs = this.elapsedMs + ms;
    for (;;) {
      const next = this.timers.filter((timer) => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.elapsedMs = next.atMs;
      next.fn();
    }
    this.elapsedMs = untilMs;
  }

  get pending(): number {
    return this.timers.length;
  }
}

/** A datagram socket whose fate the test decides: errnos are answered in turn, then `always`, then success. */
export class FakeDatagramPort implements DatagramPort {
  readonly delivered: string[] = [];
  answers: number[] = [];
  always = 0;
  sends = 0;
  reopened = 0;
  closed = false;
  onReopen: () => void = () => {};

  send(bytes: Uint8Array): number {
    this.sends += 1;
    const errno = this.answers.shift() ?? this.always;
    if (errno !== 0) return -errno;
    this.delivered.push(new TextDecoder().decode(bytes));
    return bytes.length;
  }

  reopen(): void {
    this.reopened += 1;
    this.onReopen();
  }

  close(): void {
    this.closed = true;
  }
}

/** Keeps the lines. */
export class FakeLinePort implements LinePort {
  readonly lines: string[] = [];

  write(line: string): void {
    this.lines.push(line);
  }
}
