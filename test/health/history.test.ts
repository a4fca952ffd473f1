import { expect, test } from "bun:test";
import { CheckHistory } from "../../src/health/history.ts";
import type { CheckResult } from "../../src/health/result.ts";

const EVIDENCE = {
  target: "192.0.2.1:80",
  step: { number: 0, of: 0, doing: "connect" },
  errno: null,
  sent: null,
  received: null,
};

function result(passed: boolean): CheckResult {
  const status = passed ? "L4OK" : "L4CON";
  return { status, code: null, info: null, durationMs: 1, passed, inconclusive: false, evidence: EVIDENCE };
}

test("counts those of one kind in a row, from the first on", () => {
  const history = new CheckHistory();
  expect([history.row, history.lastFailure, history.lastPassMs]).toEqual([null, null, null]);
  history.note(result(true), 10, 4, 4);
  history.note(result(false), 20, 4, 3);
  history.note(result(false), 30, 3, 2);
  expect(history.row).toEqual({ passed: false, count: 2, sinceMs: 20 });
  expect([history.lastFailure?.atMs, history.lastPassMs]).toEqual([30, 10]);
  history.note(result(true), 40, 2, 4);
  expect(history.row).toEqual({ passed: true, count: 1, sinceMs: 40 });
});

test("remembers the last moves of the counter, and of bytes only those of the last failure", () => {
  const history = new CheckHistory();
  for (let i = 1; i <= 20; i++) history.note(result(false), i, i, i % 2 === 0 ? i : i - 1);
  expect(history.trail.map(({ atMs }) => atMs)).toEqual([5, 7, 9, 11, 13, 15, 17, 19]);
  expect(history.trail.every(({ result: { evidence } }) => evidence === null)).toBeTrue();
  expect(history.lastFailure?.result.evidence).toBe(EVIDENCE);
});
