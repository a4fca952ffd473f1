import type { VrrpInstanceConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { Announcer } from "./ports.ts";

/** How often and how fast addresses are announced: keepalived's garp_* and gna_interval. */
export type AnnounceSettings = VrrpInstanceConfig["garp"];

/** An address to announce, and the frames for it. */
export interface Announcement {
  /** IPv4 is announced by gratuitous ARP, IPv6 by unsolicited neighbour advertisements. */
  readonly family: 4 | 6;
  /** Sends one frame: the request form of ARP, or its reply form, which some switches and hosts want. IPv6 has one form. */
  send(form: "request" | "reply"): void;
}

/** One frame that is yet to be sent. */
interface Pending {
  readonly announcement: Announcement;
  readonly form: "request" | "reply";
}

const FROZEN_MS = 500;
/** A rival that was silent for so long is a new one, and answered at once: a partition that heals twice. */
const QUIET_MS = 1000;

/**
 * When announcements leave (keepalived's vrrp_arp and vrrp_ndisc timing): a burst of rounds over all addresses, at once or
 * paced by garp_interval and gna_interval; again after garp_master_delay; one refresh every garp_master_refresh. Each burst
 * ends with one round in the reply form.
 */
export class AddressAnnouncer implements Announcer {
  private pending: Pending[] = [];
  private readonly timers = new Set<() => void>();
  private reassertedMs = Number.NEGATIVE_INFINITY;
  private askedMs = Number.NEGATIVE_INFINITY;
  private reassertDue = false;
  private sending = false;
  private active = false;
  /** The timer that runs is so late that somebody else may own the addresses: the router looks into that, and has us say so. */
  private frozen = false;

  constructor(
    private readonly clock: Clock,
    private settings: AnnounceSettings,
    /** The addresses as they are now. */
    private readonly announcements: () => readonly Announcement[],
  ) {}

  becameMaster(): void {
    this.stop();
    this.active = true;
    const { masterDelayMs, masterRefreshMs } = this.settings;
    this.burst(this.settings.masterRepeat);
    if (masterDelayMs > 0) this.after(masterDelayMs, () => this.burst(this.settings.masterRepeat));
    if (masterRefreshMs > 0) this.after(masterRefreshMs, () => this.refresh());
  }

  resume(): void {
    this.stop();
    this.active = true;
    const { masterRefreshMs } = this.settings;
    if (masterRefreshMs > 0) this.after(masterRefreshMs, () => this.refresh());
    this.reassert();
  }

  reassert(): void {
    if (!this.active) return;
    const nowMs = this.clock.nowMs();
    const quietMs = nowMs - this.askedMs;
    this.askedMs = nowMs;
    if (quietMs >= QUIET_MS) this.announceAgain();
    else if (!this.reassertDue) this.reassertLater();
  }

  stop(): void {
    this.active = false;
    this.pending = [];
    this.sending = false;
    this.reassertDue = false;
    this.reassertedMs = Number.NEGATIVE_INFINITY;
    this.askedMs = Number.NEGATIVE_INFINITY;
    for (const cancel of this.timers) cancel();
    this.timers.clear();
  }

  /** Other settings from the next burst on; a new refresh interval from the next refresh on. */
  configure(settings: AnnounceSettings): void {
    this.settings = settings;
  }

  private announceAgain(): void {
    this.reassertedMs = this.clock.nowMs();
    this.burst(this.settings.lowerPrioRepeat);
  }

  private reassertLater(): void {
    // Whole milliseconds, so that a timer a hair too early does not wait for the hair.
    const waitMs = Math.floor(this.reassertedMs + this.settings.lowerPrioDelayMs - this.clock.nowMs());
    if (waitMs <= 0) {
      this.announceAgain();
      return;
    }
    this.reassertDue = true;
    this.after(waitMs, () => {
      this.reassertDue = false;
      this.announceAgain();
    });
  }

  private refresh(): void {
    const { masterRefreshMs, masterRefreshRepeat } = this.settings;
    if (masterRefreshMs === 0) return;
    this.burst(masterRefreshRepeat);
    this.after(masterRefreshMs, () => this.refresh());
  }

  private burst(rounds: number): void {
    if (rounds === 0 || this.frozen) return;
    const forms = [...new Array<"request">(rounds).fill("request"), "reply" as const];
    for (const form of forms) {
      for (const announcement of this.announcements()) {
        if (announcement.family === 4 || form === "request") this.pending.push({ announcement, form });
      }
    }
    if (!this.sending) this.sendNext();
  }

  private sendNext(): void {
    this.sending = false;
    for (;;) {
      const next = this.pending.shift();
      if (next === undefined) return;
      next.announcement.send(next.form);
      const pauseMs = next.announcement.family === 4 ? this.settings.intervalMs : this.settings.neighbourIntervalMs;
      if (pauseMs > 0 && this.pending.length > 0) {
        this.sending = true;
        this.after(pauseMs, () => this.sendNext());
        return;
      }
    }
  }

  private after(delayMs: number, run: () => void): void {
    const dueMs = this.clock.nowMs() + delayMs;
    const cancel = this.clock.after(delayMs, () => {
      this.timers.delete(cancel);
      this.frozen = this.clock.nowMs() - dueMs > FROZEN_MS;
      run();
      this.frozen = false;
    });
    this.timers.add(cancel);
  }
}
