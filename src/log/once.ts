import type { Clock } from "../core/clock.ts";

const MAX_KEYS = 1000;

interface Cause {
  count: number;
  unsaid: number;
  silentUntilMs: number;
}

/** Says a thing once for each cause, then counts, and says it again at the earliest when the re-arm interval is over. */
export class Once {
  private readonly causes = new Map<string, Cause>();

  /** @param rearmMs silence after each saying; Infinity: for ever */
  constructor(
    private readonly clock: Clock,
    private readonly rearmMs: number,
  ) {}

  /**
   * @param key names the cause: `accept EMFILE`, `resolve db01`
   * @param say runs when it is time to speak; `unsaid` tells how often it happened in silence since the last time
   */
  logOnce(key: string, say: (unsaid: number) => void): void {
    const nowMs = this.clock.nowMs();
    const cause = this.causes.get(key) ?? this.add(key);
    cause.count += 1;
    if (nowMs < cause.silentUntilMs) {
      cause.unsaid += 1;
      return;
    }
    const { unsaid } = cause;
    cause.unsaid = 0;
    cause.silentUntilMs = nowMs + this.rearmMs;
    say(unsaid);
  }

  /** How often this cause came up since it was first seen or reset. */
  count(key: string): number {
    return this.causes.get(key)?.count ?? 0;
  }

  /** The cause is over: the next time is news. */
  reset(key: string): void {
    this.causes.delete(key);
  }

  private add(key: string): Cause {
    // Keys may hold what peers send; the oldest cause makes room.
    if (this.causes.size >= MAX_KEYS) {
      const [oldest] = this.causes.keys();
      if (oldest !== undefined) this.causes.delete(oldest);
    }
    const cause = { count: 0, unsaid: 0, silentUntilMs: Number.NEGATIVE_INFINITY };
    this.causes.set(key, cause);
    return cause;
  }
}
