import { CHECK_DESCRIPTION } from "../core/checkStatus.ts";
import { formatEndpoint } from "../core/endpoint.ts";
import { serverCounter, type Tally } from "../pool/board.ts";
import { LISTEN_COUNTERS, ListenCounter, SERVER_COUNTERS, ServerCounter, WEIGHT_SCALE } from "../pool/layout.ts";
import type { Pool } from "../pool/pool.ts";
import { ThreadCounter } from "../pool/processBoard.ts";
import { addressOf, type PoolServer, serverStatus } from "../pool/server.ts";
import type {
  CheckSnapshot,
  ListenSnapshot,
  ListenStatus,
  ProcessSnapshot,
  ServerSnapshot,
  Snapshot,
  VrrpStatus,
} from "./snapshot.ts";
import type { CheckView, ProxyView } from "./view.ts";
import type { VrrpWaiting } from "./vrrpSnapshot.ts";

// Filled and read within one step, again and again: a full snapshot has thousands of these.
const LISTEN_TALLY = tallyOf(LISTEN_COUNTERS);
const SERVER_TALLY = tallyOf(SERVER_COUNTERS);

function tallyOf(counters: number): Tally {
  return { sums: new Float64Array(counters), highest: new Float64Array(counters) };
}

/** Reads boards and pools; changes nothing and costs the traffic nothing. */
export function takeSnapshot(view: ProxyView): Snapshot {
  for (const steps = snapshotSteps(view); ; ) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** About so many servers are read in one step. */
const STEP_SERVERS = 256;

/**
 * The same in steps, between which others may have their turn: with thousands of servers it takes milliseconds. Each listen is as it
 * was at one moment; one that is gone when its turn comes is left out.
 */
export function* snapshotSteps(view: ProxyView): Generator<null, Snapshot> {
  const listens: ListenSnapshot[] = [];
  let servers = 0;
  for (const pool of view.pools) {
    if (!view.sampler.watches(pool)) continue;
    listens.push(listenSnapshot(view, pool));
    servers += pool.servers.length;
    if (servers < STEP_SERVERS) continue;
    servers = 0;
    yield null;
  }
  return { process: processSnapshot(view), listens, vrrp: vrrpStatus(view) };
}

/** In words, why the process as a whole does not serve as it should; null: no thread stands still. */
export function hangOf({ lateThread }: Pick<ProxyView, "lateThread">): string | null {
  if (lateThread === null) return null;
  return `relay thread ${lateThread} hangs: its event loop has not turned for seconds; the proxy process will be replaced`;
}

/** The virtual routers as they were told, their ages brought up to now. */
export function vrrpStatus({ vrrp, clock }: Pick<ProxyView, "vrrp" | "clock">): VrrpStatus | null {
  if (vrrp === null) return null;
  const ageMs = Math.max(0, Math.round(clock.nowMs() - vrrp.receivedMs));
  const instances = vrrp.snapshot.instances.map((instance) => ({
    ...instance,
    inStateMs: instance.inStateMs + ageMs,
    waiting: instance.waiting && waitingSince(instance.waiting, ageMs),
    peer: instance.peer && { ...instance.peer, agoMs: instance.peer.agoMs + ageMs },
    rivals: instance.rivals.map((rival) => ({ ...rival, agoMs: rival.agoMs + ageMs })),
  }));
  return { ...vrrp.snapshot, instances, ageMs };
}

function waitingSince(waiting: VrrpWaiting, ageMs: number): VrrpWaiting {
  const left = (ms: number | null): number | null => (ms === null ? null : Math.max(0, ms - ageMs));
  return { ...waiting, takeoverInMs: left(waiting.takeoverInMs), preemptInMs: left(waiting.preemptInMs) || null };
}

function processSnapshot(view: ProxyView): ProcessSnapshot {
  const { board, sampler } = view;
  const nowMs = view.clock.nowMs();
  return {
    version: view.version,
    commit: view.commit,
    releaseDate: view.releaseDate,
    node: view.node,
    pid: view.pid,
    supervisorPid: view.supervisorPid,
    startedWallMs: view.startedWallMs,
    uptimeMs: Math.round(nowMs - view.startedMs),
    proxyUptimeMs: Math.round(nowMs - view.proxyStartedMs),
    restarts: view.restarts,
    crashLoop: null,
    hang: hangOf(view),
    stopping: view.stopping,
    threads: board.threads,
    connections: {
      current: board.current,
      max: board.max(ThreadCounter.maxCurrent),
      limit: board.maxconn,
      total: board.sum(ThreadCounter.connections),
    },
    connectionRate: sampler.connectionRate(nowMs),
    bytesOutRate: sampler.bytesOutRate(nowMs),
    idlePercent: sampler.idlePercent(nowMs),
    openFilesLimit: view.fileLimit,
    droppedLogs: view.droppedLogs + board.sum(ThreadCounter.droppedLogs),
  };
}

function listenSnapshot(view: ProxyView, pool: Pool): ListenSnapshot {
  const { config, board, counts } = pool;
  const nowMs = view.clock.nowMs();
  const availability = view.sampler.availability(pool);
  const available = counts.active + counts.backups > 0;
  const servers = pool.servers.map((server) => serverSnapshot(view, pool, server));
  board.tally(0, LISTEN_TALLY);
  const { sums, highest } = LISTEN_TALLY;
  return {
    name: config.name,
    status: listenStatus(view, pool, available),
    leavingForMs: leavingForMs(view.leavingUntilMs(pool), nowMs),
    mode: "tcp",
    binds: config.binds.map(formatEndpoint),
    balance: config.balance,
    sessions: {
      current: board.current,
      max: highest[ListenCounter.maxCurrent] as number,
      limit: pool.maxconn,
      total: sums[ListenCounter.connections] as number,
    },
    ...traffic(LISTEN_TALLY, ListenCounter),
    rate: view.sampler.listenRate(pool, nowMs),
    queue: { current: board.queued, max: highest[ListenCounter.maxQueued] as number },
    lastSessionAgoMs: youngest(servers),
    acceptPauses: sums[ListenCounter.acceptPauses] as number,
    usable: { active: counts.active, backup: counts.backups },
    available,
    inStateMs: Math.round(nowMs - availability.sinceMs),
    downs: availability.downs,
    downtimeMs: Math.round(availability.downtimeMs(nowMs)),
    servers,
  };
}

function listenStatus(view: ProxyView, pool: Pool, available: boolean): ListenStatus {
  const { board, maxconn } = pool;
  if (view.stopping || view.leavingUntilMs(pool) !== null || pool.accepting === "stopped") return "STOP";
  if (pool.accepting === "paused") return "PAUSED";
  if (!available) return "DOWN";
  return board.current >= (maxconn ?? Infinity) || view.board.current >= view.board.maxconn ? "FULL" : "OPEN";
}

function serverSnapshot(view: ProxyView, pool: Pool, server: PoolServer): ServerSnapshot {
  const { board } = pool;
  const { slot, config } = server;
  const nowMs = view.clock.nowMs();
  const check = view.check(pool, slot);
  board.tally(serverCounter(slot, 0), SERVER_TALLY);
  const { sums, highest } = SERVER_TALLY;
  const lastSessionMs = highest[ServerCounter.lastSession] as number;
  return {
    name: config.name,
    address: formatEndpoint(addressOf(server)),
    status: serverStatus(server, check?.statusText ?? null),
    admin: server.admin,
    leavingForMs: leavingForMs(server.leavingUntilMs, nowMs),
    unresolved: server.unresolved,
    up: server.up,
    backup: config.backup,
    weight: { configured: server.weight, effective: board.weight(slot) / WEIGHT_SCALE },
    throttlePercent: pool.throttlePercent(slot),
    sessions: {
      current: board.served(slot),
      max: highest[ServerCounter.maxCurrent] as number,
      limit: server.maxconn,
      total: sums[ServerCounter.sessions] as number,
    },
    selected: sums[ServerCounter.selected] as number,
    connects: sums[ServerCounter.connects] as number,
    ...traffic(SERVER_TALLY, ServerCounter),
    rate: view.sampler.serverRate(pool, slot, nowMs),
    queue: { current: board.queuedOn(slot), max: highest[ServerCounter.maxQueued] as number },
    lastSessionAgoMs: lastSessionMs > 0 ? Math.max(0, Math.round(view.clock.wallMs() - lastSessionMs)) : null,
    check: check === null ? null : checkSnapshot(check, config.observe !== "none", nowMs),
    inStateMs: Math.round(nowMs - server.changedMs),
    downs: server.downs,
    downtimeMs: Math.round(pool.downtimeMs(slot)),
  };
}

/** How long what was removed may still have its sessions; null: it was not removed. */
function leavingForMs(untilMs: number | null, nowMs: number): number | null {
  return untilMs === null ? null : Math.max(0, Math.round(untilMs - nowMs));
}

function checkSnapshot(check: CheckView, isObserved: boolean, nowMs: number): CheckSnapshot {
  const { health, rise, fall, failures, observed, inconclusive, inProgress, lastResult, lastCheckMs } = check;
  return {
    health,
    rise,
    fall,
    failures,
    observed: isObserved ? observed : null,
    inconclusive,
    inProgress,
    last: lastResult && {
      status: lastResult.status,
      description: CHECK_DESCRIPTION[lastResult.status],
      code: lastResult.code,
      info: lastResult.info,
      durationMs: lastResult.durationMs === null ? null : Math.round(lastResult.durationMs),
      agoMs: lastCheckMs === null ? 0 : Math.max(0, Math.round(nowMs - lastCheckMs)),
    },
  };
}

/** The counters that a listen and a server have alike, each at its own place. */
type TrafficCounters = Record<
  | "bytesIn"
  | "bytesOut"
  | "connectErrors"
  | "retries"
  | "redispatches"
  | "clientAborts"
  | "serverAborts"
  | "queueTimeSum"
  | "connectTimeSum"
  | "totalTimeSum"
  | "timeSamples"
  | "maxQueueTime"
  | "maxConnectTime"
  | "maxTotalTime",
  number
>;

function traffic({ sums, highest }: Tally, at: TrafficCounters) {
  const sum = (counter: number) => sums[counter] as number;
  const samples = sum(at.timeSamples);
  const mean = (counter: number) => (samples > 0 ? Math.round(sum(counter) / samples) : 0);
  const most = (counter: number) => Math.round(highest[counter] as number);
  return {
    bytesIn: sum(at.bytesIn),
    bytesOut: sum(at.bytesOut),
    errors: {
      connect: sum(at.connectErrors),
      retries: sum(at.retries),
      redispatches: sum(at.redispatches),
      clientAborts: sum(at.clientAborts),
      serverAborts: sum(at.serverAborts),
    },
    average: { queueMs: mean(at.queueTimeSum), connectMs: mean(at.connectTimeSum), totalMs: mean(at.totalTimeSum) },
    longest: { queueMs: most(at.maxQueueTime), connectMs: most(at.maxConnectTime), totalMs: most(at.maxTotalTime) },
  };
}

/** How long ago the last session of any of them began; null: none has had one. */
function youngest(servers: readonly ServerSnapshot[]): number | null {
  let youngestMs: number | null = null;
  for (const { lastSessionAgoMs } of servers)
    if (lastSessionAgoMs !== null && lastSessionAgoMs < (youngestMs ?? Infinity)) youngestMs = lastSessionAgoMs;
  return youngestMs;
}
