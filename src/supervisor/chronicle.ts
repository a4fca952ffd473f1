import type { Clock } from "../core/clock.ts";
import type { Level } from "../core/syslogCodes.ts";
import type { EventDraft, JournalEvent } from "../stats/event.ts";
import { Journal } from "../stats/journal.ts";

/** What happened, beyond its sentence; what is left out: to the process, for no cause that is known of. */
export type Happening = Pick<EventDraft, "change"> & Partial<Pick<EventDraft, "subject" | "cause" | "because">>;

/**
 * The journal of this balancer. The supervisor keeps it, and nobody else numbers events: it outlives proxy processes, hands
 * it over when another program takes its place, and what leads from one process to the other (a listen without servers to
 * a virtual IP that moves) is in one order. The proxy process that shows it has a copy.
 */
export class Chronicle {
  private journal = new Journal();

  constructor(
    private readonly clock: Pick<Clock, "wallMs">,
    /** A new event of ours is there. */
    private readonly onEvent: (event: JournalEvent) => void,
  ) {}

  /** Oldest first. */
  get events(): readonly JournalEvent[] {
    return this.journal.events;
  }

  /** Goes on where the program that was here before has stopped; before anything is noted. */
  recall(events: readonly JournalEvent[]): void {
    this.journal = new Journal(events);
  }

  /** Something has happened that this sentence of the log tells. */
  note(
    level: Level,
    text: string,
    { change, subject = { kind: "process" }, cause = null, because = [] }: Happening,
  ): void {
    this.onEvent(this.journal.add({ wallMs: this.clock.wallMs(), level, subject, change, text, cause, because }));
  }

  /** A proxy process tells what has happened to it; the same, numbered. */
  told(draft: EventDraft): JournalEvent {
    return this.journal.add(draft);
  }
}
