import type { Clock } from "../../src/core/clock.ts";

interface Timer {
  atMs: number;
  fn: () => void;
}

/** Time that passes only when told to; sockets go on in real time. */
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

  /** Lets time pass and runs what falls due, earliest first. */
  pass(ms: number): void {
    const endMs = this.elapsedMs + ms;
    for (let next = this.next(endMs); next !== undefined; next = this.next(endMs)) {
      const due = next;
      this.timers = this.timers.filter((other) => other !== due);
      this.elapsedMs = Math.max(this.elapsedMs, due.atMs);
      due.fn();
    }
    this.elapsedMs = endMs;
  }

  /** Time passes in which nothing runs: a frozen process, or a loop that was busy. */
  stall(ms: number): void {
    this.elapsedMs += ms;
  }

  /** Milliseconds until each pending timer, soonest first. */
  get pendingMs(): number[] {
    return this.timers.map(({ atMs }) => atMs - this.elapsedMs).sort((a, b) => a - b);
  }

  private next(untilMs: number): Timer | undefined {
    return this.timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
  }
}
