import { CHECK_DESCRIPTION, type CheckStatus } from "../../src/core/checkStatus.ts";
import type { LastCheck, ListenSnapshot, ProcessSnapshot, ServerSnapshot, Snapshot } from "../../src/stats/snapshot.ts";

const NOTHING = {
  rate: { now: 0, max: 0 },
  bytesIn: 0,
  bytesOut: 0,
  queue: { current: 0, max: 0 },
  errors: { connect: 0, retries: 0, redispatches: 0, clientAborts: 0, serverAborts: 0 },
  average: { queueMs: 0, connectMs: 0, totalMs: 0 },
  longest: { queueMs: 0, connectMs: 0, totalMs: 0 },
  lastSessionAgoMs: null,
  sessions: { current: 0, max: 0, limit: null, total: 0 },
  inStateMs: 0,
  downs: 0,
  downtimeMs: 0,
};

export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;

export function processWith(over: Partial<ProcessSnapshot> = {}): ProcessSnapshot {
  return {
    version: "0.1.0",
    commit: "abc1234",
    releaseDate: "2026/11/22",
    node: "lb01",
    pid: 4712,
    supervisorPid: 4711,
    startedWallMs: 0,
    uptimeMs: 3 * DAY_MS + 4 * HOUR_MS + 12 * MINUTE_MS,
    proxyUptimeMs: 3 * DAY_MS,
    restarts: 0,
    crashLoop: null,
    hang: null,
    stopping: false,
    threads: 2,
    connections: { current: 123, max: 200, limit: 4096, total: 9000 },
    connectionRate: { now: 56, max: 80 },
    bytesOutRate: { now: 0, max: 0 },
    idlePercent: 90,
    openFilesLimit: 20_000,
    droppedLogs: 0,
    ...over,
  };
}

export function listenWith(over: Partial<ListenSnapshot> & { name: string }): ListenSnapshot {
  const servers = over.servers ?? [];
  const usable = { active: servers.filter(({ up, admin }) => up && admin === "ready").length, backup: 0 };
  return {
    ...NOTHING,
    status: "OPEN",
    leavingForMs: null,
    mode: "tcp",
    binds: ["0.0.0.0:14900"],
    balance: "roundrobin",
    acceptPauses: 0,
    usable,
    available: true,
    servers,
    ...over,
  };
}

export function serverWith(over: Partial<ServerSnapshot> & { name: string }): ServerSnapshot {
  return {
    ...NOTHING,
    address: "192.0.2.11:4900",
    status: "UP",
    admin: "ready",
    leavingForMs: null,
    unresolved: false,
    up: true,
    backup: false,
    weight: { configured: 1, effective: 1 },
    throttlePercent: null,
    selected: 0,
    connects: 0,
    check: null,
    ...over,
  };
}

/** A check that last found this. */
export function checkedAs(status: CheckStatus, over: Partial<LastCheck> = {}): ServerSnapshot["check"] {
  const last = {
    status,
    description: CHECK_DESCRIPTION[status],
    code: null,
    info: null,
    durationMs: 1,
    agoMs: 500,
    ...over,
  };
  return { health: 4, rise: 2, fall: 3, failures: 0, observed: null, inconclusive: 0, inProgress: false, last };
}

/** Two services: one healthy but for a server that is down, one that nobody serves. */
export const BUSY: Snapshot = {
  process: processWith(),
  vrrp: null,
  listens: [
    listenWith({
      name: "tcp_service_a",
      sessions: { current: 120, max: 190, limit: 500, total: 104_233 },
      bytesIn: 1_234_567,
      bytesOut: 98_765_432_100,
      rate: { now: 56, max: 80 },
      queue: { current: 3, max: 9 },
      inStateMs: 3 * DAY_MS + 4 * HOUR_MS,
      servers: [
        serverWith({
          name: "tcp_service_a_01",
          weight: { configured: 100, effective: 100 },
          sessions: { current: 120, max: 150, limit: 200, total: 99_999 },
          bytesIn: 1_200_000,
          bytesOut: 98_765_432_100,
          check: checkedAs("L4OK"),
          inStateMs: 3 * DAY_MS + 4 * HOUR_MS,
        }),
        serverWith({
          name: "tcp_service_a_02",
          status: "DOWN 1/2",
          up: false,
          sessions: { current: 0, max: 40, limit: null, total: 4234 },
          bytesIn: 34_567,
          bytesOut: 512,
          check: checkedAs("L4CON", { info: "Connection refused", durationMs: 0 }),
          inStateMs: 12 * MINUTE_MS + 3000,
          downs: 1,
        }),
        serverWith({ name: "spare", status: "no check", backup: true, inStateMs: 3 * DAY_MS }),
      ],
    }),
    listenWith({
      name: "b",
      status: "DOWN",
      available: false,
      usable: { active: 0, backup: 0 },
      binds: ["[::1]:14901", "unix:/run/b.sock"],
      balance: "leastconn",
      inStateMs: 59_000,
      servers: [
        serverWith({
          name: "b1",
          status: "MAINT",
          admin: "maint",
          check: checkedAs("L7OK", { code: 0, info: "(tcp-check)" }),
        }),
        serverWith({
          name: "b2",
          status: "DOWN",
          up: false,
          check: checkedAs("L7STS", { code: 421, info: "4.3.2 too busy, please come back", durationMs: 30 }),
        }),
      ],
    }),
  ],
};
