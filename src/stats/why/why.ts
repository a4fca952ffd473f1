import type { CheckFacts } from "../checkFacts.ts";
import type { JournalEvent } from "../event.ts";
import type { Snapshot } from "../snapshot.ts";

/** What an answer is made from. */
export interface WhyWorld {
  readonly snapshot: Snapshot;
  /** The journal, oldest first. */
  readonly events: readonly JournalEvent[];
  /** The moment of the snapshot, epoch ms. */
  readonly wallMs: number;
  /** All that is known of one server's checks; null: it is not checked. */
  check(listen: string, server: string): CheckFacts | null;
  /** The known name that a word was probably meant to be; null: nothing is near. */
  suggest(word: string, known: readonly string[]): string | null;
}

/** Why something stands as it does: the chain from symptom to cause. Plain JSON. */
export interface Why {
  /** "web/s1", "web", "VI_1"; "process". */
  readonly name: string;
  readonly kind: "server" | "listen" | "instance" | "process";
  /** Its status word: "DOWN", "FULL", "BACKUP". */
  readonly state: string;
  readonly healthy: boolean;
  /** Epoch ms; null: it is not known. */
  readonly sinceWallMs: number | null;
  /** All of it in one sentence. */
  readonly summary: string;
  readonly reasons: readonly Reason[];
  /** What would change its state, a sentence each. */
  readonly remedies: readonly string[];
  /** The last events about it and those that led to them, oldest first. */
  readonly events: readonly JournalEvent[];
}

/** A link of the chain, and what is behind it. */
export interface Reason {
  readonly text: string;
  readonly because: readonly Reason[];
}

/** A reason with what is behind it; sentences are reasons of their own. */
export function reason(text: string, ...because: readonly (Reason | string)[]): Reason {
  return { text, because: because.map((each) => (typeof each === "string" ? { text: each, because: [] } : each)) };
}
