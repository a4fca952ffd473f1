import { type EventDraft, type EventReference, isAbout, type JournalEvent } from "./event.ts";

/** What a journal keeps at most; the oldest events make room. */
export interface JournalLimits {
  readonly events: number;
  /** UTF-16 units of all sentences and causes. */
  readonly characters: number;
}

/** Half a thousand events with sentences of usual length; the whole is some 200 kB of JSON at most. */
export const JOURNAL_LIMITS: JournalLimits = { events: 500, characters: 128 * 1024 };

/** What of one sentence, or cause, is kept. */
const LONGEST = 2048;

/** The last events, oldest first, numbered by whoever keeps the journal. */
export class Journal {
  private kept: JournalEvent[] = [];
  private characters = 0;
  private lastId = 0;

  /** @param events of a journal before this one, which this one goes on */
  constructor(
    events: readonly JournalEvent[] = [],
    private readonly limits: JournalLimits = JOURNAL_LIMITS,
  ) {
    for (const event of events) this.take(event);
  }

  /** Oldest first. */
  get events(): readonly JournalEvent[] {
    return this.kept;
  }

  /** Gives an event its number, finds the one that led to it, and keeps it. */
  add(draft: EventDraft): JournalEvent {
    const event: JournalEvent = {
      ...draft,
      id: this.lastId + 1,
      text: draft.text.slice(0, LONGEST),
      cause: draft.cause?.slice(0, LONGEST) ?? null,
      because: this.latest(draft.because)?.id ?? null,
    };
    this.take(event);
    return event;
  }

  /** Keeps an event that another journal has numbered. One that is no later than the last one is known already. */
  take(event: JournalEvent): void {
    if (event.id <= this.lastId) return;
    this.lastId = event.id;
    this.kept.push(event);
    this.characters += size(event);
    const { events, characters } = this.limits;
    let dropped = 0;
    while (this.kept.length - dropped > events || (this.characters > characters && dropped < this.kept.length - 1)) {
      this.characters -= size(this.kept[dropped] as JournalEvent);
      dropped++;
    }
    if (dropped > 0) this.kept.splice(0, dropped);
  }

  private latest(references: readonly EventReference[]): JournalEvent | undefined {
    if (references.length === 0) return undefined;
    return this.kept.findLast((event) =>
      references.some(
        ({ subject, changes, withServers }) => changes.includes(event.change) && isAbout(event, subject, withServers),
      ),
    );
  }
}

/** The event and what led to it, cause by cause, the symptom first. */
export function chainOf(event: JournalEvent, events: readonly JournalEvent[]): JournalEvent[] {
  const chain = [event];
  for (let id = event.because; id !== null; ) {
    const led = events.find((each) => each.id === id);
    if (led === undefined) break;
    chain.push(led);
    // Causes come before their effects: nobody's journal can send us round in circles.
    id = led.because !== null && led.because < led.id ? led.because : null;
  }
  return chain;
}

function size({ text, cause }: JournalEvent): number {
  return text.length + (cause?.length ?? 0);
}
