import { CHECK_DESCRIPTION } from "../core/checkStatus.ts";
import { formatEndpoint } from "../core/endpoint.ts";
import { type ListenBoard, serverCounter } from "../pool/board.ts";
import { ListenCounter, ServerCounter, WEIGHT_SCALE } from "../pool/layout.ts";
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

/** Reads boards and pools; changes nothing and costs the traffic nothing. */
export function takeSnapshot(view: ProxyView): Snapshot {
  return {
    process: processSnapshot(view),
    listens: view.pools.map((pool) => listenSnapshot(view, pool)),
    vrrp: vrrpStatus(view),
  };
}

/** The virtual routers as they were told, their ages brought up to now. */
export function vrrpStatus({ vrrp, clock }: Pick<ProxyView, "vrrp" | "clock">): VrrpStatus | null {
  if (vrrp === null) return null;
  const ageMs = Math.max(0, Math.round(clock.nowMs() - vrrp.receivedMs));
  const instances = vrrp.snapshot.instances.map((instance) => ({
    ...instance,
    inStateMs: instance.inStateMs + ageMs,
    peer: instance.peer && { ...instance.peer, agoMs: instance.peer.agoMs + ageMs },
    rivals: instance.rivals.map((rival) => ({ ...rival, agoMs: rival.agoMs + ageMs })),
  }));
  return { ...vrrp.snapshot, instances, ageMs };
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
    hang:
      view.lateThread === null
        ? null
        : `relay thread ${view.lateThread} hangs: its event loop has not turned for seconds; the proxy process will be replaced`,
    stopping: view.stopping,
    threads: board.threads,
    connections: {
      current: board.current,
      max: Math.max(
        ...Array.from({ length: board.threads }, (_, t) => board.counters(t)[ThreadCounter.maxCurrent] as number),
      ),
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
  const ago = servers.flatMap(({ lastSessionAgoMs }) => lastSessionAgoMs ?? []);
  return {
    name: config.name,
    status: listenStatus(view, pool, available),
    leavingForMs: leavingForMs(view.leavingUntilMs(pool), nowMs),
    mode: "tcp",
    binds: config.binds.map(formatEndpoint),
    balance: config.balance,
    sessions: {
      current: board.current,
      max: board.max(ListenCounter.maxCurrent),
      limit: pool.maxconn,
      total: board.sum(ListenCounter.connections),
    },
    ...traffic(board, 0, ListenCounter),
    rate: view.sampler.listenRate(pool, nowMs),
    queue: { current: board.queued, max: board.max(ListenCounter.maxQueued) },
    lastSessionAgoMs: ago.length > 0 ? Math.min(...ago) : null,
    acceptPauses: board.sum(ListenCounter.acceptPauses),
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
  if (view.stopping || view.leavingUntilMs(pool) !== null) return "STOP";
  if (!available) return "DOWN";
  return board.current >= (maxconn ?? Infinity) || view.board.current >= view.board.maxconn ? "FULL" : "OPEN";
}

function serverSnapshot(view: ProxyView, pool: Pool, server: PoolServer): ServerSnapshot {
  const { board } = pool;
  const { slot, config } = server;
  const nowMs = view.clock.nowMs();
  const check = view.check(pool, slot);
  const base = serverCounter(slot, 0);
  const lastSessionMs = board.max(base + ServerCounter.lastSession);
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
      max: board.max(base + ServerCounter.maxCurrent),
      limit: server.maxconn,
      total: board.sum(base + ServerCounter.sessions),
    },
    selected: board.sum(base + ServerCounter.selected),
    connects: board.sum(base + ServerCounter.connects),
    ...traffic(board, base, ServerCounter),
    rate: view.sampler.serverRate(pool, slot, nowMs),
    queue: { current: board.queuedOn(slot), max: board.max(base + ServerCounter.maxQueued) },
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

function traffic(board: ListenBoard, base: number, at: TrafficCounters) {
  const samples = board.sum(base + at.timeSamples);
  const mean = (sum: number) => (samples > 0 ? Math.round(board.sum(base + sum) / samples) : 0);
  const most = (counter: number) => Math.round(board.max(base + counter));
  return {
    bytesIn: board.sum(base + at.bytesIn),
    bytesOut: board.sum(base + at.bytesOut),
    errors: {
      connect: board.sum(base + at.connectErrors),
      retries: board.sum(base + at.retries),
      redispatches: board.sum(base + at.redispatches),
      clientAborts: board.sum(base + at.clientAborts),
      serverAborts: board.sum(base + at.serverAborts),
    },
    average: { queueMs: mean(at.queueTimeSum), connectMs: mean(at.connectTimeSum), totalMs: mean(at.totalTimeSum) },
    longest: { queueMs: most(at.maxQueueTime), connectMs: most(at.maxConnectTime), totalMs: most(at.maxTotalTime) },
  };
}
