/**
 * What a tracker is taken for, as keepalived counts.
 *
 * ```
 *              the first result, whatever `rise` and `fall` say
 *  untried ──┬──▶ ok ────── `fall` failures in a row ─────▶ failed
 *            └──▶ failed ── `rise` successes in a row ────▶ ok
 * ```
 */
export type RiseFall =
  /** No result yet; `initFail`: failed until there is one. */
  | { readonly kind: "untried"; readonly initFail: boolean }
  /** `against`: failures in a row so far; 0…fall−1. */
  | { readonly kind: "ok"; readonly against: number }
  /** `against`: successes in a row so far; 0…rise−1. */
  | { readonly kind: "failed"; readonly against: number };

/** How many results in a row change the state; 1 and more. */
export interface Thresholds {
  readonly rise: number;
  readonly fall: number;
}

/** The count after a result. */
export function count(before: RiseFall, passed: boolean, { rise, fall }: Thresholds): RiseFall {
  const kind = passed ? "ok" : "failed";
  if (before.kind === "untried" || before.kind === kind) return { kind, against: 0 };
  const against = before.against + 1;
  return against >= (passed ? rise : fall) ? { kind, against: 0 } : { kind: before.kind, against };
}

/** What the priority arithmetic makes of it. */
export function standing(now: RiseFall): "unknown" | "ok" | "failed" {
  if (now.kind === "untried") return now.initFail ? "failed" : "unknown";
  return now.kind;
}
