import { describe, expect, test } from "bun:test";
import { type MetricKey, Samples } from "./metrics.ts";
import { medianTable, samplesToJson, spreadTable, verdicts } from "./report.ts";

/** One round in which haproxy-lite is as fast as HAProxy in everything. */
function evenSamples(): Samples {
  const samples = new Samples();
  for (const metric of ["connectionRate", "requestRate", "downloadGbit", "uploadGbit", "p99Ms"] as const) {
    samples.set("haproxy", metric, 0, 10);
    samples.set("lite", metric, 0, 10);
  }
  samples.set("lite", "rss5000", 0, 119.9);
  return samples;
}

const missed = (samples: Samples): string[] =>
  verdicts(samples)
    .filter(({ met }) => met === false)
    .map(({ target }) => target);

describe("targets", () => {
  test("are met by a proxy that is exactly as fast as HAProxy", () => {
    expect(missed(evenSamples())).toEqual([]);
    expect(verdicts(evenSamples()).every(({ met }) => met === true)).toBe(true);
  });

  const slips: [MetricKey, number, string][] = [
    ["connectionRate", 9.9, "new connections/s: at least 1.0 x haproxy"],
    ["requestRate", 9.9, "requests/s: at least 1.0 x haproxy"],
    ["downloadGbit", 9.9, "bulk to the client, Gbit/s: at least 1.0 x haproxy"],
    ["uploadGbit", 9.9, "bulk to the server, Gbit/s: at least 1.0 x haproxy"],
    ["p99Ms", 12.1, "request latency p99, ms: at most 1.2 x haproxy"],
    ["rss5000", 120, "5,000 idle connections, RSS MB: below 120"],
  ];
  for (const [metric, value, target] of slips) {
    test(`a miss in ${metric} is named, and nothing else`, () => {
      const samples = evenSamples();
      samples.set("lite", metric, 0, value);
      expect(missed(samples)).toEqual([target]);
    });
  }

  test("that were not measured are neither met nor missed", () => {
    expect(verdicts(new Samples()).every(({ met, measured }) => met === null && measured === null)).toBe(true);
  });
});

describe("the tables", () => {
  const samples = new Samples();
  for (const [round, [ours, theirs]] of (
    [
      [90, 100],
      [55, 50],
      [44, 40],
    ] as const
  ).entries()) {
    samples.set("lite", "requestRate", round, ours);
    samples.set("haproxy", "requestRate", round, theirs);
  }
  samples.set("lite", "idleRss", 0, 31.7);
  samples.set("haproxy", "loadedRss", 0, 20);

  test("show medians, the median of the paired ratios, and a dash where nothing was measured", () => {
    expect(
      medianTable(samples)
        .split("\n")
        .find((line) => line.startsWith("| requests/s"))
        ?.split("|")
        .map((cell) => cell.trim()),
    ).toEqual(["", "requests/s", "-", "50", "-", "55", "1.10", "-", ""]);
  });
  test("leave out rows that haproxy-lite has no value for", () =>
    expect(medianTable(samples)).not.toContain("after all the load"));
  test("show the spread of what was measured more than once", () => {
    expect(spreadTable(samples)).toContain("44–90");
    expect(spreadTable(samples)).toContain("0.90–1.10");
    expect(spreadTable(samples)).not.toContain("fresh, RSS MB");
  });
});

test("a round without a value stays visible as null in the JSON, beside every other round's value", () => {
  const samples = new Samples();
  samples.set("lite", "p50Ms", 0, 1);
  samples.set("lite", "p50Ms", 2, 3);
  expect(samplesToJson(samples).p50Ms).toMatchObject({
    better: "lower",
    contenders: { lite: { median: 2, min: 1, max: 3, rounds: [1, null, 3] }, haproxy: null },
  });
});
