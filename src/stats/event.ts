import { assertNever } from "../core/errors.ts";
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

/** An event that has no number yet: what led to it is told by what that is about. */
export interface EventDraft extends Omit<JournalEvent, "id" | "because"> {
  /** The latest event that one of these means led to it; empty: none that is known of. */
  readonly because: readonly EventReference[];
}

/** Means the events about a subject. */
export interface EventReference {
  readonly subject: EventSubject;
  /** Words of {@link JournalEvent.change}. */
  readonly changes: readonly string[];
  /** Those about the servers of the subject, a listen, too. */
  readonly withServers?: boolean;
}

/** Whether an event is about this, or, `withServers`, about a server of this listen. */
export function isAbout(event: Pick<JournalEvent, "subject">, subject: EventSubject, withServers = false): boolean {
  const { subject: about } = event;
  switch (subject.kind) {
    case "process":
      return about.kind === "process";
    case "listen":
      return about.kind === "listen" || (withServers && about.kind === "server")
        ? about.listen === subject.listen
        : false;
    case "server":
      return about.kind === "server" && about.listen === subject.listen && about.server === subject.server;
    case "instance":
      return about.kind === "instance" && about.instance === subject.instance;
    default:
      return assertNever(subject);
  }
}

/** What an event is about, as people write it: "web/s1", "web", "VI_1"; "process". */
export function subjectName(subject: EventSubject): string {
  switch (subject.kind) {
    case "process":
      return "process";
    case "listen":
      return subject.listen;
    case "server":
      return `${subject.listen}/${subject.server}`;
    case "instance":
      return subject.instance;
    default:
      return assertNever(subject);
  }
}
