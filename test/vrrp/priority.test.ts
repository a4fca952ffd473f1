import { expect, test } from "bun:test";
import { prioritySum, type TrackerReport, weigh } from "../../src/vrrp/priority.ts";

function report(changes: Partial<TrackerReport>): TrackerReport {
  return { tracker: "script chk", state: "ok", weight: 0, reverse: false, detail: "", ...changes };
}

// keepalived 2.2.7, reference: what it put into its adverts.
test.each([
  ["no tracker", 101, [], 101, 101],
  ["a positive weight counts while it is ok", 101, [{ weight: 2 }], 103, 103],
  ["and no more when it failed", 101, [{ weight: 2, state: "failed" }], 101, 101],
  ["a negative weight counts when it failed", 101, [{ weight: -20, state: "failed" }], 81, 81],
  ["and not while it is ok", 101, [{ weight: -20 }], 101, 101],
  [
    "one that has not answered counts as neither",
    101,
    [
      { weight: 2, state: "unknown" },
      { weight: -2, state: "unknown" },
    ],
    101,
    101,
  ],
  ["reverse negates what counts while ok", 101, [{ weight: 2, reverse: true }], 99, 99],
  ["reverse negates what counts when failed", 101, [{ weight: -2, reverse: true, state: "failed" }], 103, 103],
  ["adverts carry at most 254, the total is not clamped", 250, [{ weight: 20 }], 270, 254],
  ["adverts carry at least 1", 10, [{ weight: -20, state: "failed" }], -10, 1],
  ["only the end is clamped", 250, [{ weight: 20 }, { weight: -30, state: "failed" }], 240, 240],
  ["an owner ignores weights", 255, [{ weight: -20, state: "failed" }], 255, 255],
  ["255 by weights is 254", 254, [{ weight: 1 }], 255, 254],
  ["a file says its amount", 100, [{ weight: 2, amount: -14 }], 86, 86],
  ["a file in reverse, which its amount tells already", 100, [{ weight: 2, amount: 14, reverse: true }], 114, 114],
] as const)("%s", (_name, base, reports, total, effective) => {
  const weighing = weigh(base, reports.map(report));
  expect(weighing.total).toBe(total);
  expect(weighing.effective).toBe(effective);
  expect(weighing.faults).toEqual([]);
});

test.each([
  [
    "the lowest priority, whatever the sum",
    101,
    [{ weight: 20 }],
    1,
    "1 = 101 + 20 (script chk ok) - 120 (operator released)",
  ],
  ["of an owner as well", 255, [], 1, "1 = 255 - 254 (operator released)"],
  [
    "one below the limit already stays there",
    10,
    [{ weight: -20, state: "failed" }],
    -10,
    "1, the limit for -10 = 10 - 20 (script chk failed) + 0 (operator released)",
  ],
] as const)("released by an operator: %s", (_name, base, reports, total, sum) => {
  const weighing = weigh(base, reports.map(report), true);
  expect([weighing.total, weighing.effective]).toEqual([total, 1]);
  expect(prioritySum(base, weighing)).toBe(sum);
});

test.each([
  ["unweighted and failed", { state: "failed", detail: "exit status 1" }, ["script chk failed: exit status 1"]],
  ["unweighted and ok", { state: "ok" }, []],
  ["unweighted in reverse and ok", { state: "ok", reverse: true }, ["script chk ok"]],
  ["unweighted in reverse and failed", { state: "failed", reverse: true }, []],
  ["weighted and failed", { state: "failed", weight: -5 }, []],
  ["a file that says so, though it has a weight", { weight: 1, amount: -254, fault: true }, ["script chk ok"]],
  ["a file that denies it, though it has none", { state: "failed", fault: false }, []],
] as const)("FAULT or not: %s", (_name, changes, faults) => {
  expect(weigh(100, [report(changes)]).faults).toEqual([...faults]);
  expect(weigh(255, [report(changes)]).faults).toEqual([...faults]);
});

test("only unweighted trackers are waited for", () => {
  const reports = [
    report({ tracker: "proxy", state: "unknown" }),
    report({ weight: 5, state: "unknown" }),
    report({ tracker: "x" }),
  ];
  expect(weigh(100, reports).waiting).toEqual(["proxy"]);
});

test("the sum is told with its parts", () => {
  const plus = report({ tracker: "script chk", weight: 2 });
  const minus = report({ tracker: "listen web", weight: -20, state: "failed" });
  const of = (base: number, ...reports: TrackerReport[]) => prioritySum(base, weigh(base, reports));
  expect(of(101)).toBe("101");
  expect(of(101, plus, report({ tracker: "proxy" }))).toBe("103 = 101 + 2 (script chk ok)");
  expect(of(101, plus, minus)).toBe("83 = 101 + 2 (script chk ok) - 20 (listen web failed)");
  expect(of(253, plus)).toBe("254, the limit for 255 = 253 + 2 (script chk ok)");
});
