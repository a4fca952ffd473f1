import { CONTENDERS, type ContenderKey, LABELS } from "./contenders.ts";
import { METRIC_KEYS, METRICS, type MetricKey, type Samples } from "./metrics.ts";
import { pairedRatios, type Rounds, type Summary, summarize } from "./stats.ts";
import { formatNumber, renderTable } from "./table.ts";

const NONE = "-";

/** haproxy-lite divided by another product. */
const RATIOS = [
  { title: "lite / haproxy", to: "haproxy" },
  { title: "lite / tuned", to: "haproxyTuned" },
] as const;

/** The main table: the median of each contender's rounds, and the median of the ratios taken round by round. Rows that haproxy-lite has no value for are left out. */
export function medianTable(samples: Samples): string {
  return table(samples, (summary, digits) => formatNumber(summary.median, digits));
}

/** The same rows with the lowest and the highest round. Rows that were measured once are left out. */
export function spreadTable(samples: Samples): string {
  return table(
    samples,
    ({ min, max }, digits) => `${formatNumber(min, digits)}–${formatNumber(max, digits)}`,
    (metric) => samples.of("lite", metric).length > 1,
  );
}

function table(
  samples: Samples,
  show: (summary: Summary, digits: number) => string,
  wanted: (metric: MetricKey) => boolean = (metric) => samples.of("lite", metric).length > 0,
): string {
  const header = ["", ...CONTENDERS.map((contender) => LABELS[contender]), ...RATIOS.map(({ title }) => title)];
  const rows = METRIC_KEYS.filter(wanted).map((metric) => {
    const { label, digits } = METRICS[metric];
    const cell = (rounds: Rounds, decimals: number): string => {
      const summary = summarize(rounds);
      return summary === null ? NONE : show(summary, decimals);
    };
    return [
      label,
      ...CONTENDERS.map((contender) => cell(samples.of(contender, metric), digits)),
      ...RATIOS.map(({ to }) => cell(ratios(samples, metric, to), 2)),
    ];
  });
  return renderTable(header, rows);
}

function ratios(samples: Samples, metric: MetricKey, to: ContenderKey): Rounds {
  return pairedRatios(samples.of("lite", metric), samples.of(to, metric));
}

/** One thing the product promises, and whether this run saw it. */
export interface Verdict {
  target: string;
  /** Null when it was not measured; so is `met` then. */
  measured: number | null;
  met: boolean | null;
}

/** Ratios against HAProxy with its default buffers, from the product's issue of 22 November 2026. */
const RATIO_TARGETS = [
  { metric: "connectionRate", atLeast: 1.0 },
  { metric: "requestRate", atLeast: 1.0 },
  { metric: "downloadGbit", atLeast: 1.0 },
  { metric: "uploadGbit", atLeast: 1.0 },
  { metric: "p99Ms", atMost: 1.2 },
] as const;

/** Memory with 5,000 idle connections. RSS, the strictest reading: a page that two of our processes share counts twice. */
const MEMORY_TARGET_MB = 120;

/** Compares the run with the targets. */
export function verdicts(samples: Samples): Verdict[] {
  const found = RATIO_TARGETS.map((target): Verdict => {
    const measured = summarize(ratios(samples, target.metric, "haproxy"))?.median ?? null;
    const least = "atLeast" in target;
    const limit = least ? target.atLeast : target.atMost;
    return {
      target: `${METRICS[target.metric].label}: ${least ? "at least" : "at most"} ${limit.toFixed(1)} x haproxy`,
      measured,
      met: measured === null ? null : least ? measured >= limit : measured <= limit,
    };
  });
  const memory = summarize(samples.of("lite", "rss5000"))?.median ?? null;
  found.push({
    target: `${METRICS.rss5000.label}: below ${MEMORY_TARGET_MB}`,
    measured: memory,
    met: memory === null ? null : memory < MEMORY_TARGET_MB,
  });
  return found;
}

/** The numbers of the run, for programs: every round's value beside the summaries. */
export function samplesToJson(samples: Samples): Record<string, unknown> {
  return Object.fromEntries(
    METRIC_KEYS.map((metric) => [
      metric,
      {
        ...METRICS[metric],
        contenders: byKey(CONTENDERS, (contender) => withRounds(samples.of(contender, metric))),
        ratios: byKey(
          RATIOS.map(({ to }) => to),
          (to) => withRounds(ratios(samples, metric, to)),
        ),
      },
    ]),
  );
}

function withRounds(rounds: Rounds): (Summary & { rounds: Rounds }) | null {
  const summary = summarize(rounds);
  return summary === null ? null : { ...summary, rounds };
}

function byKey<K extends string, V>(keys: readonly K[], value: (key: K) => V): Record<string, V> {
  return Object.fromEntries(keys.map((key) => [key, value(key)]));
}
