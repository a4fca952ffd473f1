import { assertNever } from "../core/errors.ts";
import { Level } from "../core/syslogCodes.ts";
import type { Courier, Outcome, Refusal } from "./delivery.ts";
import type { Mail } from "./mailText.ts";
import type { NotifyWorld } from "./world.ts";

/** Mails that wait, the one under way included; a flapping instance must not fill the memory, or a mailbox, without end. */
const MAX_MAILS = 100;
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;
/** News older than this helps nobody; a mail server that is away for longer has an operator at work already. */
const GIVE_UP_MS = 6 * 3_600_000;

interface Entry {
  readonly mail: Mail;
  /** Who has not got it yet; null: nobody has, so whoever the configuration names when it leaves. */
  to: readonly string[] | null;
  /** When it was queued, monotonic. */
  readonly sinceMs: number;
}

/** Delivers mails one at a time and in order, and keeps what the server does not take yet. Nothing here waits for a server. */
export class MailQueue {
  private readonly waiting: Entry[] = [];
  /** Aborts the attempt at the first mail; null: none is under way. */
  private attempt: AbortController | null = null;
  private cancelTimer: (() => void) | null = null;
  private retryMs = FIRST_RETRY_MS;
  /** Why the last attempt failed, as logged; null: it did not. */
  private trouble: string | null = null;
  /** Mails given up since the trouble began, for lack of room or of time. */
  private dropped = 0;
  /** Ends {@link stop}; null: not stopping. */
  private stopped: (() => void) | null = null;

  /** @param courier null: there is no mail server, mails are discarded */
  constructor(
    private courier: Courier | null,
    private readonly world: NotifyWorld,
  ) {}

  /** Mails that are not delivered yet. */
  get length(): number {
    return this.waiting.length;
  }

  add(mail: Mail): void {
    if (this.courier === null) return;
    this.waiting.push({ mail, to: null, sinceMs: this.world.clock.nowMs() });
    if (this.waiting.length > MAX_MAILS) this.dropOldest();
    if (this.attempt === null && this.cancelTimer === null) this.attemptAfter(0);
  }

  /** From now on by this courier; what waits is tried at once, or discarded when there is none any more. */
  reconfigure(courier: Courier | null): void {
    this.courier = courier;
    if (courier === null && this.waiting.length > 0) {
      this.world.log(Level.warning, `no mail is wanted any more; ${this.mails()} not delivered`);
      this.waiting.length = 0;
    }
    this.retryMs = FIRST_RETRY_MS;
    if (this.attempt === null && this.waiting.length > 0) this.attemptAfter(0);
  }

  /**
   * Tries what waits once more, without pauses, for at most `graceMs`; then it is given up with a log line. A server that
   * fails now gets no second chance. Nothing may be added afterwards.
   */
  async stop(graceMs: number): Promise<void> {
    if (this.waiting.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.stopped = resolve;
    if (this.attempt === null) this.attemptAfter(0);
    const cancelGrace = this.world.clock.after(graceMs, resolve);
    await promise;
    cancelGrace();
    this.cancelTimer?.();
    this.attempt?.abort();
    if (this.waiting.length === 0) return;
    this.world.log(Level.err, `mail by ${this.courier?.server}: ${this.mails()} not delivered before the stop`);
    this.waiting.length = 0;
  }

  private attemptAfter(delayMs: number): void {
    this.cancelTimer?.();
    this.cancelTimer = this.world.clock.after(delayMs, () => {
      this.cancelTimer = null;
      void this.deliverFirst();
    });
  }

  private async deliverFirst(): Promise<void> {
    const [entry] = this.waiting;
    const { courier } = this;
    if (entry === undefined || courier === null) return;
    this.attempt = new AbortController();
    const outcome = await courier.deliver(entry.mail, entry.to ?? courier.recipients, this.attempt.signal);
    this.attempt = null;
    // While it was under way the queue may have been emptied: by a reload without mail, or at the end of the stop.
    if (this.waiting[0] === entry) this.settle(entry, outcome, courier);
    if (this.waiting.length === 0) this.stopped?.();
    else if (this.cancelTimer === null) this.attemptAfter(0);
  }

  private settle(entry: Entry, outcome: Outcome, courier: Courier): void {
    switch (outcome.kind) {
      case "accepted":
        this.accepted(entry, outcome.refused, courier);
        return;
      case "refused":
        this.waiting.shift();
        this.world.log(
          Level.err,
          `mail by ${courier.server}: refused for good, "${entry.mail.subject}" is lost: ${outcome.answer}`,
        );
        return;
      case "failed":
        this.failed(outcome.reason, courier);
        return;
      default:
        assertNever(outcome);
    }
  }

  private accepted(entry: Entry, refused: readonly Refusal[], courier: Courier): void {
    for (const { recipient, answer } of refused.filter(({ permanent }) => permanent)) {
      this.world.log(Level.err, `mail by ${courier.server}: refused for ${recipient}: ${answer}`);
    }
    const later = refused.filter(({ permanent }) => !permanent);
    if (later.length > 0) {
      entry.to = later.map(({ recipient }) => recipient);
      this.failed(`not yet for ${entry.to.join(", ")}: ${later[0]?.answer}`, courier);
      return;
    }
    this.waiting.shift();
    if (this.trouble !== null) {
      const lost = this.dropped > 0 ? `; ${this.dropped} were given up` : "";
      this.world.log(Level.notice, `mail by ${courier.server}: works again, ${this.waiting.length} more wait${lost}`);
    }
    this.trouble = null;
    this.dropped = 0;
    this.retryMs = FIRST_RETRY_MS;
  }

  private failed(reason: string, courier: Courier): void {
    if (reason !== this.trouble) {
      this.world.log(Level.warning, `mail by ${courier.server}: ${reason}; ${this.mails()} kept and tried again`);
    }
    this.trouble = reason;
    this.dropOutdated(courier);
    if (this.stopped !== null) {
      this.stopped();
      return;
    }
    if (this.waiting.length > 0) this.attemptAfter(this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
  }

  private dropOutdated(courier: Courier): void {
    const oldestMs = this.world.clock.nowMs() - GIVE_UP_MS;
    const kept = this.waiting.findIndex(({ sinceMs }) => sinceMs > oldestMs);
    const given = this.waiting.splice(0, kept === -1 ? this.waiting.length : kept);
    if (given.length === 0) return;
    this.dropped += given.length;
    const subjects = given.map(({ mail }) => `"${mail.subject}"`).join(", ");
    this.world.log(Level.err, `mail by ${courier.server}: given up after 6 hours: ${subjects}`);
  }

  /** Makes room. The mail under way is with the server already. */
  private dropOldest(): void {
    const [lost] = this.waiting.splice(this.attempt === null ? 0 : 1, 1);
    this.dropped += 1;
    if (this.dropped > 1 || lost === undefined) return;
    this.world.log(
      Level.err,
      `mail by ${this.courier?.server}: ${MAX_MAILS} mails wait; the oldest are dropped from now on`,
    );
  }

  private mails(): string {
    const { length } = this.waiting;
    return length === 1 ? "1 mail" : `${length} mails`;
  }
}
