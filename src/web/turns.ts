import type { Clock } from "../core/clock.ts";

/**
 * Work that may wait, done one piece a turn of the event loop, and never for more than half of the time: after each piece
 * it rests for as long as the piece took. Whatever many clients ask for, checks and timers are late by one piece at most.
 */
export class Turns {
  private readonly waiting: (() => void)[] = [];
  private busy = false;

  constructor(private readonly clock: Pick<Clock, "nowMs" | "after">) {}

  /** Has `piece`, which does not throw, done in its turn. */
  add(piece: () => void): void {
    this.waiting.push(piece);
    if (!this.busy) this.nextAfter(0);
  }

  private nextAfter(delayMs: number): void {
    this.busy = true;
    this.clock.after(delayMs, () => {
      const piece = this.waiting.shift();
      this.busy = piece !== undefined;
      if (piece === undefined) return;
      const startedMs = this.clock.nowMs();
      piece();
      this.nextAfter(this.clock.nowMs() - startedMs);
    });
  }
}
