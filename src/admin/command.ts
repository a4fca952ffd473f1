import { Level } from "../core/syslogCodes.ts";
import type { AdminSession } from "./session.ts";

/** What a client may do: look, clear what was counted, or change things. Each may do what those before it may. */
export type AdminLevel = "user" | "operator" | "admin";

const LEVELS: readonly AdminLevel[] = ["user", "operator", "admin"];

/** Whether a client of this level may do what takes that level. */
export function allows(level: AdminLevel, needed: AdminLevel): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(needed);
}

/** Something said about what was asked for, as against data that was asked for; see `set severity-output`. */
export interface Message {
  /** `err` and graver: what was asked for has not been done. */
  readonly severity: Level;
  /** Usually ended by a newline; some of HAProxy's are not, and a client then sees no empty line behind them. */
  readonly text: string;
}

/**
 * Data, each line ended by a newline, that is asked for piece by piece: the next one when the client has taken the one
 * before, each in a turn of the event loop of its own. It is told when nobody wants the rest.
 */
export interface Pieces {
  readonly pieces: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>;
}

/** The answer to a command: data, each line ended by a newline, or a message. "" says that it was done. */
export type Reply = string | Message | Pieces;

/** It has not been done, for this reason: one line, its newline added. */
export function refused(text: string): Message {
  return { severity: Level.err, text: `${text}\n` };
}

/** The same where HAProxy has no newline: a client sees no empty line behind it. */
export function refusedBarely(text: string): Message {
  return { severity: Level.err, text };
}

/** It has been done, and this is to be said of it: one line, its newline added. */
export function told(text: string, severity: Level = Level.info): Message {
  return { severity, text: `${text}\n` };
}

/** A command that clients may give. */
export interface AdminCommand {
  /** The words it begins with. */
  readonly words: readonly string[];
  /** Those words and its arguments, as help shows them; "": help does not show it. */
  readonly usage: string;
  readonly summary: string;
  /** What it takes to give it. */
  readonly level: AdminLevel;
  /** The answer, now or later; null: those arguments make no sense. `session` is the client's. */
  run(args: readonly string[], session: AdminSession): Reply | null | Promise<Reply>;
}
