import type { Level } from "../core/syslogCodes.ts";

/** What an event is about. */
export type EventSubject =
  | { readonly kind: "process" }
  | { readonly kind: "listen"; readonly listen: string }
  | { readonly kind: "server"; readonly listen: string; readonly server: string }
  | { readonly kind: "instance"; readonly instance: string };

/**
 * Something that has happened to a server, a listen, a virtual router or the process: plain JSON, kept by the journal, shown
 * by the status page, `status --events` and `show events`, explained by `show why`.
 */
export interface JournalEvent {
  /** Rises by one from event to event. */
  readonly id: number;
  /** Epoch ms. */
  readonly wallMs: number;
  readonly level: Level;
  readonly subject: EventSubject;
  /** One word for what it is now: "down", "up", "maint", "drain", "ready", "noServer", "MASTER", "FAULT", "reload", "crash", … */
  readonly change: string;
  /** The sentence that syslog was given. */
  readonly text: string;
  /** What led to it, in words: the check's or the system's own, an operator, a timer; null: the sentence says it all. */
  readonly cause: string | null;
  /** The event that led to it; null: none that is known of. */
  readonly because: number | null;
}
