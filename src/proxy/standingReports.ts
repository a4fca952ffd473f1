import type { Clock } from "../core/clock.ts";

/** Changes of one moment are told together. */
const GATHER_MS = 20;
/** Shortest time between two reports: of a thousand servers that fail one after the other each is half a megabyte. */
const PAUSE_MS = 500;

/**
 * Tells the supervisor how the servers stand whenever that has changed, for the process that follows this one if it
 * crashes: what is known to be down must not count as up again until its next failed checks.
 */
export class StandingReports {
  private cancel: (() => void) | null = null;
  private started = false;
  private toldMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private readonly tell: () => void,
  ) {}

  /** Tells now and from now on; before, whatever the process before this one has told is better. */
  start(): void {
    this.started = true;
    this.now();
  }

  /** Servers stand otherwise than before. */
  changed(): void {
    if (!this.started || this.cancel !== null) return;
    const pauseMs = this.toldMs + PAUSE_MS - this.clock.nowMs();
    this.cancel = this.clock.after(Math.max(GATHER_MS, pauseMs), () => this.now());
  }

  /** Somebody may act on how they stand in the next moment, as by giving an address up: tells at once. */
  changedGravely(): void {
    if (!this.started) return;
    this.cancel?.();
    this.now();
  }

  /** Tells nothing more. */
  stop(): void {
    this.started = false;
    this.cancel?.();
  }

  private now(): void {
    this.cancel = null;
    this.toldMs = this.clock.nowMs();
    this.tell();
  }
}
