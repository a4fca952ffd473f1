import type { ContenderKey } from "./contenders.ts";
import type { Rounds } from "./stats.ts";

/** One row of the table. */
export interface Metric {
  /** With its unit. */
  label: string;
  better: "higher" | "lower";
  /** Decimals in the table. */
  digits: number;
}

/** Every row, in the table's order. MB and GB are powers of ten. */
export const METRICS = {
  connectionRate: { label: "new connections/s", better: "higher", digits: 0 },
  connectionCpu: { label: "CPU s per 1,000 connections", better: "lower", digits: 4 },
  loggedRate: { label: "new connections/s, tcplog over UDP", better: "higher", digits: 0 },
  loggedCpu: { label: "CPU s per 1,000 connections, tcplog over UDP", better: "lower", digits: 4 },
  requestRate: { label: "requests/s", better: "higher", digits: 0 },
  requestCpu: { label: "CPU s per 100,000 requests", better: "lower", digits: 3 },
  p50Ms: { label: "request latency p50, ms", better: "lower", digits: 2 },
  p99Ms: { label: "request latency p99, ms", better: "lower", digits: 2 },
  downloadGbit: { label: "bulk to the client, Gbit/s", better: "higher", digits: 2 },
  downloadCpu: { label: "CPU s per GB to the client", better: "lower", digits: 3 },
  uploadGbit: { label: "bulk to the server, Gbit/s", better: "higher", digits: 2 },
  uploadCpu: { label: "CPU s per GB to the server", better: "lower", digits: 3 },
  idleRss: { label: "fresh, RSS MB", better: "lower", digits: 1 },
  idlePss: { label: "fresh, PSS MB", better: "lower", digits: 1 },
  idleAnonymous: { label: "fresh, anonymous MB", better: "lower", digits: 1 },
  rss1000: { label: "1,000 idle connections, RSS MB", better: "lower", digits: 1 },
  rss5000: { label: "5,000 idle connections, RSS MB", better: "lower", digits: 1 },
  pss5000: { label: "5,000 idle connections, PSS MB", better: "lower", digits: 1 },
  anonymous5000: { label: "5,000 idle connections, anonymous MB", better: "lower", digits: 1 },
  rssPerConnection: { label: "RSS bytes per idle connection", better: "lower", digits: 0 },
  anonymousPerConnection: { label: "anonymous bytes per idle connection", better: "lower", digits: 0 },
  loadedRss: { label: "after all the load, RSS MB", better: "lower", digits: 1 },
} as const satisfies Record<string, Metric>;

export type MetricKey = keyof typeof METRICS;

/** Every row's key, in order. */
export const METRIC_KEYS = Object.keys(METRICS) as MetricKey[];

/** The values of a run: a number for each contender, metric and round. */
export class Samples {
  readonly #values = new Map<string, (number | null)[]>();

  /** Keeps a value. Rounds count from 0; one that is skipped stays null. */
  set(contender: ContenderKey, metric: MetricKey, round: number, value: number): void {
    const key = `${contender} ${metric}`;
    const rounds = this.#values.get(key) ?? [];
    while (rounds.length < round) rounds.push(null);
    rounds[round] = value;
    this.#values.set(key, rounds);
  }

  /** All rounds of one contender's metric; empty when it was not measured. */
  of(contender: ContenderKey, metric: MetricKey): Rounds {
    return this.#values.get(`${contender} ${metric}`) ?? [];
  }
}
