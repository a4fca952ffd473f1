import type { ListenSnapshot, ServerSnapshot, Snapshot } from "../../stats/snapshot.ts";

/** What passes per second between two samples, and the last samples; null: there are no two to compare. */
export interface Flow {
  readonly sessionsPerS: number | null;
  readonly inPerS: number | null;
  readonly outPerS: number | null;
  /** Oldest first, at most {@link KEPT_SAMPLES}: sessions at that moment, and bytes per second both ways together. */
  readonly sessions: readonly number[];
  readonly bytes: readonly number[];
}

/** Flows by row, see {@link listenKey} and {@link serverKey}; {@link PROCESS} has the sum. */
export type Flows = ReadonlyMap<string, Flow>;

/** The key of all listens together. */
export const PROCESS = "";

export const KEPT_SAMPLES = 60;

/** Names have no "/", see config/keys.ts. */
export function listenKey(listen: string): string {
  return listen;
}

export function serverKey(listen: string, server: string): string {
  return `${listen}/${server}`;
}

interface Counts {
  readonly current: number;
  readonly sessions: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/**
 * The flows at a new sample. Times are the balancer's own, so that a late answer makes no false rate; counters that went
 * back (it was started anew, or they were cleared) give none.
 */
export function measure(before: Snapshot | null, flows: Flows, now: Snapshot): Flows {
  const elapsedMs = before === null ? 0 : now.process.proxyUptimeMs - before.process.proxyUptimeMs;
  const former = before === null ? new Map<string, Counts>() : countsOf(before);
  const measured = new Map<string, Flow>();
  for (const [key, counts] of countsOf(now)) {
    measured.set(key, flowOf(former.get(key), flows.get(key), counts, elapsedMs));
  }
  return measured;
}

function countsOf({ process, listens }: Snapshot): Map<string, Counts> {
  const counts = new Map<string, Counts>();
  const all = { current: process.connections.current, sessions: process.connections.total, bytesIn: 0, bytesOut: 0 };
  counts.set(PROCESS, all);
  for (const listen of listens) {
    const own = countsOfOne(listen);
    counts.set(listenKey(listen.name), own);
    all.bytesIn += own.bytesIn;
    all.bytesOut += own.bytesOut;
    for (const server of listen.servers) counts.set(serverKey(listen.name, server.name), countsOfOne(server));
  }
  return counts;
}

function countsOfOne({ sessions, bytesIn, bytesOut }: ListenSnapshot | ServerSnapshot): Counts {
  return { current: sessions.current, sessions: sessions.total, bytesIn, bytesOut };
}

function flowOf(before: Counts | undefined, flow: Flow | undefined, now: Counts, elapsedMs: number): Flow {
  const rate = (from: number | undefined, to: number): number | null =>
    from === undefined || elapsedMs <= 0 || to < from ? null : ((to - from) * 1000) / elapsedMs;
  const inPerS = rate(before?.bytesIn, now.bytesIn);
  const outPerS = rate(before?.bytesOut, now.bytesOut);
  return {
    sessionsPerS: rate(before?.sessions, now.sessions),
    inPerS,
    outPerS,
    sessions: kept(flow?.sessions, now.current),
    bytes: inPerS === null || outPerS === null ? (flow?.bytes ?? []) : kept(flow?.bytes, inPerS + outPerS),
  };
}

function kept(samples: readonly number[] | undefined, next: number): number[] {
  return samples === undefined ? [next] : [...samples.slice(-(KEPT_SAMPLES - 1)), next];
}
