import type { Clock } from "../core/clock.ts";

/** Small pieces are done in one turn until they have taken so long. */
const TURN_MS = 1;

/**
 * Work that may wait, done a piece or a few small ones in a turn of the event loop, and never for more than half of the time:
 * after each turn it rests for as long as that took. Whatever many clients ask for, checks and timers are late by one piece at most.
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
      const startedMs = this.clock.nowMs();
      let tookMs = 0;
      for (
        let piece = this.waiting.shift();
        piece !== undefined;
        piece = tookMs < TURN_MS ? this.waiting.shift() : undefined
      ) {
        piece();
        tookMs = this.clock.nowMs() - startedMs;
      }
      this.busy = tookMs > 0 || this.waiting.length > 0;
      if (this.busy) this.nextAfter(tookMs);
    });
  }
}
