import type { CheckConfig } from "../config/schema.ts";
import type { Checker } from "../health/checker.ts";
import { statusText } from "../health/counter.ts";
import type { CheckResult } from "../health/result.ts";
import type { CheckedFacts, CheckFacts } from "../stats/checkFacts.ts";

/**
 * What a checker knows, for `show why`.
 *
 * @param lastCheckMs of its last result, null: there is none, or it is not known when; monotonic ms, as `nowMs`
 */
export function checkFacts(
  checker: Checker,
  { intervalMs, fastIntervalMs, downIntervalMs }: CheckConfig,
  lastCheckMs: number | null,
  nowMs: number,
): CheckFacts {
  const { health, rise, fall, lastResult } = checker.state;
  const { row, lastFailure, lastPassMs, trail } = checker.history;
  const ago = (ms: number) => Math.max(0, Math.round(nowMs - ms));
  const dated = (result: CheckResult, atMs: number): CheckedFacts => {
    const { status, code, info, durationMs, passed } = result;
    // A result that was handed over by another version, or process, comes without.
    return { agoMs: ago(atMs), passed, status, code, info, durationMs, evidence: result.evidence ?? null };
  };
  return {
    health,
    rise,
    fall,
    inProgress: checker.inProgress,
    nextInMs: checker.nextInMs === null ? null : Math.round(checker.nextInMs),
    intervalMs,
    fastIntervalMs,
    downIntervalMs,
    row: row && { passed: row.passed, count: row.count, sinceAgoMs: ago(row.sinceMs) },
    last: lastResult && dated(lastResult, lastCheckMs ?? nowMs),
    lastFailure: lastFailure && dated(lastFailure.result, lastFailure.atMs),
    lastPassAgoMs: lastPassMs === null ? null : ago(lastPassMs),
    trail: trail.map(({ result: { passed, status, code, info }, atMs, health: after }) => ({
      agoMs: ago(atMs),
      passed,
      status,
      code,
      info,
      statusText: statusText(after, rise, fall),
    })),
  };
}
