/**
 * `npm run bench`: haproxy-lite beside Debian's HAProxy, and beside no proxy at all, on this machine, now.
 *
 * The contenders take turns slot by slot, and the first of a round is another one each time; the table shows medians
 * over the rounds, and ratios taken round by round. Clients, proxies and servers share this machine's CPUs, so rates say
 * how the products compare here; CPU seconds per unit of work carry over to other machines better.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findTool, PACKAGES } from "../support/packages.ts";
import { freePort } from "../support/ports.ts";
import { BenchError, Children, StoppedError } from "./children.ts";
import { LABELS, PRODUCTS, type Stage, startOrigin, startProduct } from "./contenders.ts";
import { CLIENTS } from "./load.ts";
import { openLogSink } from "./logSink.ts";
import { describeMachine, type Machine, othersCpuSeconds } from "./machine.ts";
import { Samples } from "./metrics.ts";
import { type BenchOptions, parseOptions, USAGE, UsageError } from "./options.ts";
import { openFilesLimit, treeMemory } from "./procfs.ts";
import { medianTable, samplesToJson, spreadTable, verdicts } from "./report.ts";
import {
  type Entry,
  measureBulk,
  measureConnections,
  measureMemory,
  measureRequests,
  type Session,
  warmUp,
} from "./session.ts";
import { turnOrder } from "./stats.ts";

/** Above this share of the CPUs, other processes are named as a reason to doubt the rates. */
const QUIET_PERCENT = 5;

async function main(argv: string[]): Promise<number> {
  const options = parseOptions(argv);
  if (options === null) {
    process.stdout.write(USAGE);
    return 0;
  }
  const startedMs = performance.now();
  const startedAt = new Date().toISOString();
  const tools = requireTools(options);
  const machine = await describeMachine();
  const dir = mkdtempSync(join(tmpdir(), "haproxy-lite-bench-"));
  const children = new Children(dir);
  const cleanUp = async () => {
    await children.stopAll();
    rmSync(dir, { recursive: true, force: true });
  };
  process.on("exit", () => children.killAll());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
  }
  try {
    const session = await prepare(options, tools, children, dir);
    for (const key of PRODUCTS) {
      progress(`memory of ${LABELS[key]}`);
      await measureMemory(session, key);
    }
    const entries = await startContenders(session);
    const rounds = await runRounds(session, entries, machine, startedMs);
    for (const { key, running } of entries) {
      if (running?.child.ended())
        session.errors.push(`${LABELS[key]} ended during the run: ${running.child.output().trim()}`);
      else if (running !== null) session.samples.set(key, "loadedRss", 0, treeMemory(running.child.pid).rssBytes / 1e6);
    }
    session.sink.close();
    return publish(session, machine, {
      startedAt,
      rounds,
      durationS: (performance.now() - startedMs) / 1000,
      versions: versions(tools, options),
    });
  } finally {
    await cleanUp();
  }
}

type Tools = Record<"haproxy" | "nginx" | "wrk" | "iperf3", string>;

function requireTools(options: BenchOptions): Tools {
  if (process.platform !== "linux") throw new BenchError("the bench reads /proc: it needs Linux");
  const missing: string[] = [];
  const find = (name: keyof Tools): string => {
    const path = findTool(name);
    if (path === null) missing.push(PACKAGES[name]);
    return path ?? "";
  };
  const tools = { haproxy: find("haproxy"), nginx: find("nginx"), wrk: find("wrk"), iperf3: find("iperf3") };
  if (missing.length > 0) throw new BenchError(`missing programs; on Debian: apt-get install ${missing.join(" ")}`);
  if (Bun.which(options.binary) === null)
    throw new BenchError(`no program at ${options.binary}; build it first: npm run build`);
  return tools;
}

function versions(tools: Tools, options: BenchOptions): { haproxy: string; lite: string } {
  const first = (command: string[]) => Bun.spawnSync(command).stdout.toString().trim().split("\n", 1)[0] ?? "";
  return { haproxy: first([tools.haproxy, "-v"]), lite: first([options.binary, "--version"]) };
}

async function prepare(options: BenchOptions, tools: Tools, children: Children, dir: string): Promise<Session> {
  // HAProxy wants two fds for each connection, and more for its pipes, or it does not start.
  const maxconn = Math.min(8000, Math.floor((openFilesLimit() - 1000) / 2.2));
  if (maxconn < 5200)
    throw new BenchError(
      `5,000 idle connections need 13,000 open files; the limit is ${openFilesLimit()} (ulimit -Hn)`,
    );
  const sink = await openLogSink();
  const stage: Stage = {
    children,
    dir,
    haproxy: tools.haproxy,
    binary: options.binary,
    threads: options.threads,
    maxconn,
    originHttpPort: freePort(),
    originBulkPort: freePort(),
    sinkPort: sink.port,
  };
  await startOrigin(children, tools.nginx, dir, stage.originHttpPort, maxconn);
  return { stage, options, tools, sink, samples: new Samples(), errors: [], logged: new Map() };
}

async function startContenders(session: Session): Promise<Entry[]> {
  const { originHttpPort, originBulkPort } = session.stage;
  const entries: Entry[] = [
    {
      key: "direct",
      target: { httpPort: originHttpPort, loggedPort: originHttpPort, bulkPort: originBulkPort },
      running: null,
    },
  ];
  for (const key of PRODUCTS) {
    const running = await startProduct(session.stage, key);
    entries.push({ key, target: running, running });
  }
  progress("warm-up");
  for (const entry of entries) await warmUp(session, entry);
  return entries;
}

/** Returns how many rounds were run: fewer than asked for when the next would break the time budget. */
async function runRounds(
  session: Session,
  entries: readonly Entry[],
  machine: Machine,
  startedMs: number,
): Promise<number> {
  const { rounds, budgetMs } = session.options;
  let longestMs = 0;
  for (let round = 0; round < rounds; round++) {
    const roundStartMs = performance.now();
    if (budgetMs !== null && round > 0 && roundStartMs - startedMs + longestMs > budgetMs) return round;
    progress(`round ${round + 1} of ${rounds}`);
    const busyBefore = othersCpuSeconds();
    const order = turnOrder(entries, round);
    for (const entry of order) await measureConnections(session, entry, round, false);
    for (const entry of order) await measureRequests(session, entry, round);
    for (const entry of order) await measureBulk(session, entry, round, true);
    if (session.options.upload) for (const entry of order) await measureBulk(session, entry, round, false);
    for (const entry of order)
      if (entry.key === "haproxy" || entry.key === "lite") await measureConnections(session, entry, round, true);
    const tookMs = performance.now() - roundStartMs;
    longestMs = Math.max(longestMs, tookMs);
    machine.othersPercent.push(Math.max(0, ((othersCpuSeconds() - busyBefore) / (tookMs / 1000) / machine.cpus) * 100));
  }
  return rounds;
}

function publish(
  session: Session,
  machine: Machine,
  run: { startedAt: string; rounds: number; durationS: number; versions: { haproxy: string; lite: string } },
): number {
  const { samples, errors, options } = session;
  const judged = verdicts(samples);
  const percent = (value: number) => value.toFixed(0);
  const lines = [
    `${run.versions.lite} beside ${run.versions.haproxy}`,
    `${options.threads} thread(s) each, ${run.rounds} rounds, ${CLIENTS} clients, no health checks; ${run.startedAt}, ${run.durationS.toFixed(0)} s`,
    `${machine.cpus} CPUs (${machine.model}), Linux ${machine.kernel}, shared by clients, proxy and server`,
    `load average before: ${machine.loadAverageBefore.map((load) => load.toFixed(2)).join(" ")}; other processes took ` +
      `${percent(machine.othersBeforePercent)} % of the CPUs before, ${percent(Math.min(...machine.othersPercent))}-${percent(Math.max(...machine.othersPercent))} % during the rounds` +
      (Math.max(...machine.othersPercent) >= QUIET_PERCENT
        ? ": NOT A QUIET MACHINE, trust the CPU rows more than the rates"
        : ""),
    "",
    medianTable(samples),
    "",
    ...(run.rounds > 1 ? ["Lowest and highest round:", "", spreadTable(samples), ""] : []),
    ...[...session.logged].map(
      ([key, { lines: received, connections }]) =>
        `log lines received of ${LABELS[key]}: ${received} of ${connections} connections`,
    ),
    ...judged.map(
      ({ target, measured, met }) =>
        `${met === null ? "-     " : met ? "met   " : "MISSED"} ${target} (${measured?.toFixed(2) ?? "not measured"})`,
    ),
    ...errors.map((error) => `ERROR ${error}`),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  mkdirSync(dirname(options.jsonPath), { recursive: true });
  const json = {
    ...run,
    threads: options.threads,
    clients: CLIENTS,
    slotS: options.slotS,
    machine,
    metrics: samplesToJson(samples),
    logged: Object.fromEntries(session.logged),
    targets: judged,
    errors,
  };
  writeFileSync(options.jsonPath, `${JSON.stringify(json, null, 2)}\n`);
  if (errors.length > 0) return 1;
  return options.assert && judged.some(({ met }) => met === false) ? 1 : 0;
}

function progress(what: string): void {
  process.stderr.write(`bench: ${what}\n`);
}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (failure) {
  if (failure instanceof StoppedError) process.exit(130);
  if (!(failure instanceof UsageError) && !(failure instanceof BenchError)) throw failure;
  process.stderr.write(`bench: ${failure.message}\n${failure instanceof UsageError ? USAGE : ""}`);
  process.exit(failure instanceof UsageError ? 2 : 1);
}
