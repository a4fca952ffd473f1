import type { Clock } from "../core/clock.ts";
import { step } from "./machine.ts";
import { deadlineMs, type Effect, INITIAL, type MachineConfig, type RouterEvent, type RouterState } from "./states.ts";

/** What the engine calls. */
export interface EngineHooks {
  /** The configuration as it is at this moment. */
  config(): MachineConfig;
  perform(effect: Effect): void;
  /** The deadline came: wake up, read what is queued, then hand over `timer`. */
  due(): void;
}

/** Keeps the machine's state: one event after the other, one timer at most. */
export class Engine {
  private current: RouterState = INITIAL;
  private readonly queue: RouterEvent[] = [];
  private handling = false;
  private cancelTimer: (() => void) | null = null;
  private timerAtMs: number | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly hooks: EngineHooks,
  ) {}

  get state(): RouterState {
    return this.current;
  }

  /** Runs an event and its effects. One that an effect brings waits until the effects before it are done. */
  handle(event: RouterEvent): void {
    this.queue.push(event);
    if (this.handling) return;
    this.handling = true;
    try {
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
        const [state, effects] = step(this.current, next, this.hooks.config(), this.clock.nowMs());
        this.current = state;
        for (const effect of effects) this.hooks.perform(effect);
      }
    } finally {
      this.handling = false;
      this.arm();
    }
  }

  private arm(): void {
    const atMs = deadlineMs(this.current);
    if (atMs === this.timerAtMs) return;
    this.cancelTimer?.();
    this.timerAtMs = atMs;
    this.cancelTimer = atMs === null ? null : this.clock.after(this.delayTo(atMs), () => this.fire());
  }

  /** In whole microseconds, rounded up: the rest of a fraction must not bring us here again and again before the deadline. */
  private delayTo(atMs: number): number {
    return Math.max(0, Math.ceil((atMs - this.clock.nowMs()) * 1000) / 1000);
  }

  private fire(): void {
    // Timers may fire a little early: then the same deadline is set again.
    this.timerAtMs = null;
    this.hooks.due();
    this.arm();
  }
}
