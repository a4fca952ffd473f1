import type { CheckEvidence } from "../core/checkEvidence.ts";
import type { CheckStatus } from "../core/checkStatus.ts";

/** All that is known of one server's checks, beyond what a snapshot has of every server. Plain JSON; ages in ms. */
export interface CheckFacts {
  /** 0..rise+fall-1; up from `rise` on. */
  readonly health: number;
  readonly rise: number;
  readonly fall: number;
  readonly inProgress: boolean;
  /** Until the next check; null: one is on its way, or none will come. */
  readonly nextInMs: number | null;
  /** From the end of a check to the next: while up, while it changes, while down. */
  readonly intervalMs: number;
  readonly fastIntervalMs: number;
  readonly downIntervalMs: number;
  /** Results of one kind in a row; null: none since the checks began, which may have been at a reload that changed them. */
  readonly row: { readonly passed: boolean; readonly count: number; readonly sinceAgoMs: number } | null;
  readonly last: CheckedFacts | null;
  readonly lastFailure: CheckedFacts | null;
  readonly lastPassAgoMs: number | null;
  /** Results that moved the counter, oldest first, and where they moved it to: "UP 2/3". */
  readonly trail: readonly TrailFacts[];
}

/** One result. */
export interface CheckedFacts extends ResultFacts {
  readonly durationMs: number | null;
  readonly evidence: CheckEvidence | null;
}

export interface TrailFacts extends ResultFacts {
  readonly statusText: string;
}

interface ResultFacts {
  readonly agoMs: number;
  readonly passed: boolean;
  readonly status: CheckStatus;
  /** Of the protocol, as SMTP's 421. */
  readonly code: number | null;
  /** What the server or the system said. */
  readonly info: string | null;
}
