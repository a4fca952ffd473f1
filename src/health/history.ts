import type { CheckResult } from "./result.ts";

/** So many results that moved the counter are remembered. */
const TRAIL = 8;

/** A result and when it came, monotonic ms. */
export interface Dated {
  readonly result: CheckResult;
  readonly atMs: number;
}

/** A result that moved the counter, and where it moved it to. */
export interface Move extends Dated {
  readonly health: number;
}

/** How a server's checks have gone lately: what brought it to where it stands. */
export class CheckHistory {
  /** Results of one kind in a row; null: none yet. */
  row: { readonly passed: boolean; readonly count: number; readonly sinceMs: number } | null = null;
  lastFailure: Dated | null = null;
  lastPassMs: number | null = null;
  private moves: readonly Move[] = [];

  /** Oldest first; of what was sent and received only that of {@link lastFailure} is kept. */
  get trail(): readonly Move[] {
    return this.moves;
  }

  /** A conclusive result, and where it has moved the counter. */
  note(result: CheckResult, atMs: number, before: number, after: number): void {
    const { row } = this;
    const { passed } = result;
    this.row = row?.passed === passed ? { ...row, count: row.count + 1 } : { passed, count: 1, sinceMs: atMs };
    if (passed) this.lastPassMs = atMs;
    else this.lastFailure = { result, atMs };
    if (before === after) return;
    const move = { result: { ...result, evidence: null }, atMs, health: after };
    this.moves = [...this.moves.slice(1 - TRAIL), move];
  }
}
