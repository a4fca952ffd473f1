import type { Clock } from "../core/clock.ts";

/** Something with a deadline. The wheel keeps its links in it, so that arming costs no memory. */
export abstract class Timed {
  /** Monotonic ms of the deadline; Infinity: not armed. Written by the wheel alone, as the links are. */
  armedMs = Infinity;
  slot = -1;
  next: Timed | null = null;
  previous: Timed | null = null;
  /** Runs once, disarmed, at the deadline or up to a tick later. Must bear to be called when it has just become pointless. */
  abstract onDeadline(): void;
}

const TICK_MS = 10;
const SLOTS = 1024; // a power of two: 10.24 s a turn

/**
 * Deadlines of many connections under one timer: a hashed timing wheel (Varghese and Lauck 1987, scheme 6). A timer of the
 * runtime's for each connection costs 2 to 3 µs, more than all else we do for it in JavaScript; here arming and disarming
 * are a few assignments. A deadline further away than a turn stays in its slot and is passed over meanwhile.
 */
export class DeadlineWheel {
  private readonly slots = new Array<Timed | null>(SLOTS).fill(null);
  private armed = 0;
  /** Everything due at this tick has run. */
  private doneTick = 0;
  /** Tick for which the one timer is set; Infinity: none. */
  private wakeTick = Infinity;
  private cancelWake = () => {};

  constructor(private readonly clock: Clock) {}

  /** Sets the deadline, in place of an earlier one; Infinity only takes that back. */
  arm(timed: Timed, deadlineMs: number): void {
    this.disarm(timed);
    if (deadlineMs === Infinity) return;
    if (this.armed === 0) this.doneTick = Math.floor(this.clock.nowMs() / TICK_MS);
    const tick = Math.max(this.doneTick, Math.floor(deadlineMs / TICK_MS)) + 1;
    const slot = tick & (SLOTS - 1);
    const head = this.slots[slot] ?? null;
    timed.armedMs = deadlineMs;
    timed.slot = slot;
    timed.next = head;
    if (head !== null) head.previous = timed;
    this.slots[slot] = timed;
    this.armed++;
    if (tick < this.wakeTick) this.wakeAt(tick);
  }

  /** Harmless when it is not armed. */
  disarm(timed: Timed): void {
    if (timed.slot < 0) return;
    const { next, previous } = timed;
    if (previous === null) this.slots[timed.slot] = next;
    else previous.next = next;
    if (next !== null) next.previous = previous;
    timed.next = null;
    timed.previous = null;
    timed.slot = -1;
    timed.armedMs = Infinity;
    this.armed--;
  }

  private wakeAt(tick: number): void {
    this.cancelWake();
    this.wakeTick = tick;
    this.cancelWake = this.clock.after(Math.max(1, tick * TICK_MS - this.clock.nowMs()), () => this.turn());
  }

  private turn(): void {
    this.wakeTick = Infinity;
    const nowTick = Math.floor(this.clock.nowMs() / TICK_MS);
    const due: Timed[] = [];
    // After a stall of more than a turn every slot is looked at once.
    for (let tick = Math.max(this.doneTick, nowTick - SLOTS) + 1; tick <= nowTick; tick++)
      this.takeDue(tick, nowTick, due);
    this.doneTick = Math.max(this.doneTick, nowTick);
    for (const timed of due) timed.onDeadline();
    const next = this.armed > 0 ? this.nextTick() : Infinity;
    if (next < this.wakeTick) this.wakeAt(next);
  }

  /** Disarms what is due in a tick's slot; what is due a turn later, or several, stays. */
  private takeDue(tick: number, nowTick: number, due: Timed[]): void {
    for (let timed = this.slots[tick & (SLOTS - 1)] ?? null; timed !== null; ) {
      const { next }: Timed = timed;
      if (timed.armedMs <= nowTick * TICK_MS) {
        this.disarm(timed);
        due.push(timed);
      }
      timed = next;
    }
  }

  private nextTick(): number {
    for (let tick = this.doneTick + 1; tick < this.doneTick + SLOTS; tick++) {
      if (this.slots[tick & (SLOTS - 1)] !== null) return tick;
    }
    return this.doneTick + SLOTS;
  }
}
