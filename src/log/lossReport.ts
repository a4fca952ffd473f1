import type { Clock } from "../core/clock.ts";

/** At most one report a target in this time. */
const REPORT_INTERVAL_MS = 60_000;
/** Sending works again when nothing was lost for this long: refusals arrive late and, from other hosts, only about once a second. */
const QUIET_MS = 2_000;

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there: is the syslog daemon running?",
  ENOENT: "no such socket: is the syslog daemon running?",
  ENOTCONN: "not connected: is the syslog daemon running?",
  EAGAIN: "the syslog daemon does not keep up",
  ENOBUFS: "the kernel has no buffer left: too many messages at once",
  EMSGSIZE: "message too long for this target: lower its maximum length",
  EACCES: "permission denied",
  EPERM: "a packet filter forbids it",
  ENETUNREACH: "no route to that network",
  EHOSTUNREACH: "no route to that host",
};

/**
 * Counts what one target lost and says so sparingly: once when it starts, once with the total when sending works again.
 * A loss that comes and goes inside a minute gives one total.
 */
export class LossReport {
  private readonly totals = new Map<string, number>();
  private unreported = new Map<string, number>();
  private startSaid = false;
  private sendsAgain = false;
  private lastLossMs = 0;
  private nextReportMs = Number.NEGATIVE_INFINITY;
  private cancelTimer: (() => void) | null = null;

  /**
   * @param target name for people: `udp 127.0.0.1:514`
   * @param say takes a finished sentence; must not lead back into this object's target
   */
  constructor(
    private readonly target: string,
    private readonly clock: Clock,
    private readonly say: (sentence: string) => void,
  ) {}

  /** Messages lost since the start, by errno name. */
  get dropped(): ReadonlyMap<string, number> {
    return this.totals;
  }

  /** A message was lost for the reason that this errno names. */
  lost(errnoName: string): void {
    this.totals.set(errnoName, (this.totals.get(errnoName) ?? 0) + 1);
    this.unreported.set(errnoName, (this.unreported.get(errnoName) ?? 0) + 1);
    this.lastLossMs = this.clock.nowMs();
    this.sendsAgain = false;
    this.review(this.lastLossMs);
  }

  /** A message went out and nothing was wrong. */
  sent(): void {
    if (this.unreported.size === 0 || this.sendsAgain) return;
    this.sendsAgain = true;
    this.review(this.clock.nowMs());
  }

  /** The target is closed: says what was lost and not yet told. */
  close(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
    if (this.unreported.size > 0) this.sayTotal("closed");
  }

  private review(nowMs: number): void {
    if (this.cancelTimer !== null) return;
    const dueMs = this.sendsAgain ? Math.max(this.nextReportMs, this.lastLossMs + QUIET_MS) : this.nextReportMs;
    const nothingToSay = !this.sendsAgain && this.startSaid;
    if (nothingToSay) return;
    if (nowMs < dueMs) {
      this.cancelTimer = this.clock.after(dueMs - nowMs, () => {
        this.cancelTimer = null;
        this.review(this.clock.nowMs());
      });
      return;
    }
    this.nextReportMs = nowMs + REPORT_INTERVAL_MS;
    if (this.sendsAgain) this.sayTotal("sending works again");
    else this.sayStart();
  }

  private sayStart(): void {
    this.startSaid = true;
    const [name = ""] = [...this.unreported.keys()].slice(-1);
    const hint = HINTS[name];
    this.say(`Log target ${this.target}: messages are being lost (${name}${hint ? `, ${hint}` : ""}).`);
  }

  private sayTotal(occasion: string): void {
    const causes = [...this.unreported].map(([name, count]) => `${name}: ${count}`).join(", ");
    const total = [...this.unreported.values()].reduce((sum, count) => sum + count, 0);
    this.unreported = new Map();
    this.startSaid = false;
    // "At least": a datagram that a full socket or a router discards is reported to nobody.
    this.say(`Log target ${this.target}: ${occasion}, at least ${total} messages were lost (${causes}).`);
  }
}
