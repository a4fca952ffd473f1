import type { EventDraft, JournalEvent } from "../stats/event.ts";
import { Journal } from "../stats/journal.ts";

/** Own events that the supervisor has not numbered yet; it is frozen if there are more. */
const MOST_PENDING = 200;

/**
 * The supervisor's journal as the proxy process shows it. Events of this process go to the supervisor, which numbers them
 * among its own and sends each one back; until then they stand at the end with numbers that they may or may not get.
 */
export class JournalMirror {
  private readonly journal: Journal;
  private pending: EventDraft[] = [];

  constructor(
    events: readonly JournalEvent[],
    /** Tells the supervisor; false: it reads nothing, and too much waits for it already. */
    private readonly tell: (draft: EventDraft) => boolean,
  ) {
    this.journal = new Journal(events);
  }

  /** Oldest first. */
  get events(): readonly JournalEvent[] {
    const { events } = this.journal;
    if (this.pending.length === 0) return events;
    const whole = new Journal(events);
    for (const draft of this.pending) whole.add(draft);
    return whole.events;
  }

  /** Something has happened here. */
  add(draft: EventDraft): void {
    if (this.tell(draft)) this.pending = [...this.pending.slice(1 - MOST_PENDING), draft];
  }

  /** The supervisor has numbered events; `own`: so many of them are those that this process told first. */
  numbered(events: readonly JournalEvent[], own: number): void {
    this.pending = this.pending.slice(own);
    for (const event of events) this.journal.take(event);
  }
}
