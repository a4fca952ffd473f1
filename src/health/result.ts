import type { CheckEvidence } from "../core/checkEvidence.ts";
import type { CheckResult as LoggedResult } from "../log/events.ts";

/** What one check found. */
export interface CheckResult extends LoggedResult {
  readonly passed: boolean;
  /** Our own shortage prevented the check: it says nothing about the server and moves no counter. */
  readonly inconclusive: boolean;
  /** What it did and saw; null: no check ran. */
  readonly evidence: CheckEvidence | null;
}

/** Where a server stands after a check. */
export interface HealthState {
  /** 0..rise+fall-1, see health/counter.ts. */
  readonly health: number;
  readonly rise: number;
  readonly fall: number;
  readonly up: boolean;
  /** What this very check changed; null for nothing. */
  readonly change: "up" | "down" | null;
  /** null before the first check. */
  readonly lastResult: CheckResult | null;
}

/** How often something happened since the checker was made. */
export interface CheckCounters {
  /** Failures that moved the counter (HAProxy's `chkfail`: those of a server that is already fully down do not count). */
  failed: number;
  /** UP to DOWN (`chkdown`). */
  down: number;
  /** Failures concluded from traffic (`hanafail`). */
  observed: number;
  /** Checks that our own shortage prevented. */
  inconclusive: number;
}
