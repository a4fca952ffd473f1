import { BenchError } from "./children.ts";
import {
  ADDRESSES,
  type ContenderKey,
  LABELS,
  type ProductKey,
  type Running,
  type Stage,
  startProduct,
  type Target,
} from "./contenders.ts";
import { IdleClients } from "./idleClients.ts";
import { runBulk, runWrk } from "./load.ts";
import type { LogSink } from "./logSink.ts";
import type { Samples } from "./metrics.ts";
import type { BenchOptions } from "./options.ts";
import { cpuSeconds, type ProcessMemory, processTree, treeMemory } from "./procfs.ts";

const MB = 1e6;

/** After a slot, so that its last closes are paid by the contender that caused them. */
const SETTLE_MS = 150;

/** After connections were opened, before memory is read: garbage may be collected first. */
const MEMORY_SETTLE_MS = 1000;

/** What all measurements of a run share. */
export interface Session {
  stage: Stage;
  options: BenchOptions;
  tools: { wrk: string; iperf3: string };
  sink: LogSink;
  samples: Samples;
  /** Sentences about what went wrong; the run is a failure when there is one. */
  errors: string[];
  /** Log lines received and connections made in the logged slots. */
  logged: Map<ProductKey, { lines: number; connections: number }>;
}

/** A contender in a round: no proxy, or a running one. */
export interface Entry {
  key: ContenderKey;
  target: Target;
  running: Running | null;
}

/** Runs one slot, and gives what it returned and the CPU seconds the product used for it (null: no proxy). */
async function slot<T>(
  session: Session,
  entry: Entry,
  what: string,
  work: () => Promise<T>,
): Promise<{ result: T; cpuS: number | null } | null> {
  const pid = entry.running?.child.pid;
  const before = pid === undefined ? [] : processTree(pid);
  try {
    const result = await work();
    await Bun.sleep(SETTLE_MS);
    if (pid === undefined) return { result, cpuS: null };
    const after = processTree(pid);
    if (pids(before) !== pids(after))
      throw new BenchError("its processes changed during the measurement: one of them died");
    return { result, cpuS: cpuSeconds(after, false) - cpuSeconds(before, false) };
  } catch (failure) {
    if (!(failure instanceof BenchError)) throw failure;
    session.errors.push(`${LABELS[entry.key]}, ${what}: ${failure.message}`);
    return null;
  }
}

function pids(tree: readonly { pid: number }[]): string {
  return tree
    .map(({ pid }) => pid)
    .toSorted()
    .join();
}

let addressTurn = 0;

/** Each slot takes the next address, so that it does not look for ports among those the last one left in TIME-WAIT. */
function nextAddress(): string {
  return ADDRESSES[addressTurn++ % ADDRESSES.length] ?? ADDRESSES[0];
}

/** A connection for each request. `logged` goes through the listen that writes a line for each. */
export async function measureConnections(
  session: Session,
  entry: Entry,
  round: number,
  logged: boolean,
): Promise<void> {
  const { samples, options, sink } = session;
  const linesBefore = sink.received();
  const port = logged ? entry.target.loggedPort : entry.target.httpPort;
  const what = logged ? "logged connections" : "connections";
  const done = await slot(session, entry, what, () =>
    runWrk(session.stage.children, session.tools.wrk, {
      address: nextAddress(),
      port,
      seconds: options.slotS,
      close: true,
    }),
  );
  if (done === null) return;
  noteErrors(session, entry, what, done.result.errors);
  samples.set(entry.key, logged ? "loggedRate" : "connectionRate", round, done.result.requests / done.result.durationS);
  if (done.cpuS !== null)
    samples.set(entry.key, logged ? "loggedCpu" : "connectionCpu", round, (done.cpuS * 1000) / done.result.requests);
  if (logged && entry.running !== null) {
    const sum = session.logged.get(entry.running.key) ?? { lines: 0, connections: 0 };
    sum.lines += sink.received() - linesBefore;
    sum.connections += done.result.requests;
    session.logged.set(entry.running.key, sum);
  }
}

/** Requests on connections that stay open. */
export async function measureRequests(session: Session, entry: Entry, round: number): Promise<void> {
  const { samples, options } = session;
  const done = await slot(session, entry, "requests", () =>
    runWrk(session.stage.children, session.tools.wrk, {
      address: nextAddress(),
      port: entry.target.httpPort,
      seconds: options.slotS,
      close: false,
    }),
  );
  if (done === null) return;
  noteErrors(session, entry, "requests", done.result.errors);
  samples.set(entry.key, "requestRate", round, done.result.requests / done.result.durationS);
  samples.set(entry.key, "p50Ms", round, done.result.p50Ms);
  samples.set(entry.key, "p99Ms", round, done.result.p99Ms);
  if (done.cpuS !== null) samples.set(entry.key, "requestCpu", round, (done.cpuS * 100_000) / done.result.requests);
}

/** One stream as fast as it goes. */
export async function measureBulk(session: Session, entry: Entry, round: number, download: boolean): Promise<void> {
  const { samples, options, stage } = session;
  const what = download ? "bulk to the client" : "bulk to the server";
  const done = await slot(session, entry, what, () =>
    runBulk(stage.children, session.tools.iperf3, {
      port: entry.target.bulkPort,
      originPort: stage.originBulkPort,
      seconds: options.slotS,
      download,
    }),
  );
  if (done === null) return;
  samples.set(entry.key, download ? "downloadGbit" : "uploadGbit", round, done.result.bitsPerSecond / 1e9);
  if (done.cpuS !== null)
    samples.set(entry.key, download ? "downloadCpu" : "uploadCpu", round, done.cpuS / (done.result.bytes / 1e9));
}

/** Load that is not measured, so that every product meets the first round warm. */
export async function warmUp(session: Session, entry: Entry): Promise<void> {
  for (const close of [true, false]) {
    await slot(session, entry, "warm-up", () =>
      runWrk(session.stage.children, session.tools.wrk, {
        address: nextAddress(),
        port: entry.target.httpPort,
        seconds: 1,
        close,
      }),
    );
  }
}

function noteErrors(session: Session, entry: Entry, what: string, errors: Record<string, number>): void {
  const list = Object.entries(errors).map(([kind, count]) => `${count} ${kind}`);
  if (list.length > 0) session.errors.push(`${LABELS[entry.key]}, ${what}: ${list.join(", ")}`);
}

/** Memory of a fresh instance: without connections, then with 1,000 and 5,000 idle ones. */
export async function measureMemory(session: Session, key: ProductKey): Promise<void> {
  const { samples, stage } = session;
  const running = await startProduct(stage, key);
  const clients = new IdleClients();
  const at = async (count: number): Promise<ProcessMemory> => {
    await clients.grow(count, (index) => ADDRESSES[index % ADDRESSES.length] ?? ADDRESSES[0], running.httpPort);
    await Bun.sleep(MEMORY_SETTLE_MS);
    clients.check();
    return treeMemory(running.child.pid);
  };
  try {
    const fresh = await at(0);
    const thousand = await at(1000);
    const many = await at(5000);
    const set = (metric: Parameters<Samples["set"]>[1], value: number) => samples.set(key, metric, 0, value);
    set("idleRss", fresh.rssBytes / MB);
    set("idlePss", fresh.pssBytes / MB);
    set("idleAnonymous", fresh.anonymousBytes / MB);
    set("rss1000", thousand.rssBytes / MB);
    set("rss5000", many.rssBytes / MB);
    set("pss5000", many.pssBytes / MB);
    set("anonymous5000", many.anonymousBytes / MB);
    set("rssPerConnection", (many.rssBytes - fresh.rssBytes) / 5000);
    set("anonymousPerConnection", (many.anonymousBytes - fresh.anonymousBytes) / 5000);
  } catch (failure) {
    if (!(failure instanceof BenchError)) throw failure;
    session.errors.push(`${LABELS[key]}, idle connections: ${failure.message}`);
  } finally {
    clients.close();
    await stage.children.stop(running.child);
  }
}
