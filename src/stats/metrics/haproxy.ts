import type { CheckStatus } from "../../core/checkStatus.ts";
import type { ServerSnapshot, Snapshot } from "../snapshot.ts";
import {
  type CountFamily,
  families,
  type ListenRow,
  type ServerRow,
  type StateFamily,
  wholeSeconds,
} from "./family.ts";

/**
 * HAProxy's metrics (the names of its own exporter, 2.6), as far as balancing TCP has something to count. What HAProxy has
 * for HTTP, TLS, compression, caches, pipes and its memory pools is left out: 0 would be a lie there.
 */

/** Of the process. */
export const PROCESS = families<Snapshot>("haproxy_process_", [
  ["nbthread", "Relay threads.", ({ process }) => process.threads],
  ["nbproc", "Processes that serve.", () => 1],
  ["relative_process_id", "Number of this one among them.", () => 1],
  ["uptime_seconds", "Seconds since the start.", ({ process }) => wholeSeconds(process.uptimeMs)],
  ["max_fds", "Open files that the process may have.", ({ process }) => process.openFilesLimit],
  ["max_sockets", "Sockets that the process may have.", ({ process }) => process.openFilesLimit],
  ["max_connections", "Client connections that may be open at a time.", ({ process }) => process.connections.limit],
  ["hard_max_connections", "The same, at the start.", ({ process }) => process.connections.limit],
  ["current_connections", "Client connections that are open.", ({ process }) => process.connections.current],
  ["connections_total", "Client connections accepted.", ({ process }) => process.connections.total],
  ["requests_total", "Sessions; over TCP each connection is one.", ({ process }) => process.connections.total],
  ["current_connection_rate", "Connections of the last second.", ({ process }) => process.connectionRate.now],
  ["max_connection_rate", "Most connections that a second has had.", ({ process }) => process.connectionRate.max],
  ["current_session_rate", "Sessions of the last second.", ({ process }) => process.connectionRate.now],
  ["max_session_rate", "Most sessions that a second has had.", ({ process }) => process.connectionRate.max],
  ["idle_time_percent", "Share of the last second that the threads were idle.", ({ process }) => process.idlePercent],
  ["stopping", "1 while it is stopping.", ({ process }) => Number(process.stopping)],
  ["jobs", "Connections and listening sockets.", (all) => all.process.connections.current + listeners(all)],
  ["listeners", "Addresses that are listened on.", listeners],
  ["dropped_logs_total", "Log lines that nobody took.", ({ process }) => process.droppedLogs],
  ["bytes_out_total", "Bytes sent to clients.", bytesOut],
  ["bytes_out_rate", "Bytes sent to clients in the last second.", ({ process }) => process.bytesOutRate.now],
  [
    "start_time_seconds",
    "When it started, in seconds of the epoch.",
    ({ process }) => wholeSeconds(process.startedWallMs),
  ],
]);

function listeners({ listens }: Snapshot): number {
  return listens.reduce((count, { binds }) => count + binds.length, 0);
}

function bytesOut({ listens }: Snapshot): number {
  return listens.reduce((bytes, listen) => bytes + listen.bytesOut, 0);
}

/** Of a listen, as clients see it. */
export const FRONTEND = families<ListenRow>("haproxy_frontend_", [
  ["current_sessions", "Sessions now.", ({ listen }) => listen.sessions.current],
  ["max_sessions", "Most sessions at a time so far.", ({ listen }) => listen.sessions.max],
  ["limit_sessions", "Sessions that may be at a time.", sessionLimit],
  ["sessions_total", "Sessions so far.", ({ listen }) => listen.sessions.total],
  ["bytes_in_total", "Bytes from clients.", ({ listen }) => listen.bytesIn],
  ["bytes_out_total", "Bytes to clients.", ({ listen }) => listen.bytesOut],
  ["max_session_rate", "Most sessions that a second has had.", ({ listen }) => listen.rate.max],
  ["connections_rate_max", "Most connections that a second has had.", ({ listen }) => listen.rate.max],
  ["connections_total", "Connections so far.", ({ listen }) => listen.sessions.total],
]);

export const FRONTEND_STATUS: StateFamily<ListenRow> = {
  name: "haproxy_frontend_status",
  help: "Whether the listen accepts.",
  states: ["DOWN", "UP"],
  state: ({ listen }) => (listen.status === "STOP" ? "DOWN" : "UP"),
};

/** Of a listen's servers, taken together. */
export const BACKEND = families<ListenRow>("haproxy_backend_", [
  ["current_queue", "Connections that wait for a server.", ({ listen }) => listen.queue.current],
  ["max_queue", "Most that have waited at a time.", ({ listen }) => listen.queue.max],
  ["current_sessions", "Sessions now.", ({ listen }) => listen.sessions.current],
  ["max_sessions", "Most sessions at a time so far.", ({ listen }) => listen.sessions.max],
  ["limit_sessions", "Sessions that may be at a time.", sessionLimit],
  ["sessions_total", "Sessions so far.", ({ listen }) => listen.sessions.total],
  ["bytes_in_total", "Bytes from clients.", ({ listen }) => listen.bytesIn],
  ["bytes_out_total", "Bytes to clients.", ({ listen }) => listen.bytesOut],
  ["connection_errors_total", "Sessions that reached no server.", ({ listen }) => listen.errors.connect],
  ["retry_warnings_total", "Times that a connection was tried again.", ({ listen }) => listen.errors.retries],
  [
    "redispatch_warnings_total",
    "Times that a connection went to another server.",
    ({ listen }) => listen.errors.redispatches,
  ],
  ["weight", "Weight of all servers that take sessions.", usableWeight],
  ["active_servers", "Active servers that take sessions.", ({ listen }) => listen.usable.active],
  ["backup_servers", "Backup servers that take sessions.", ({ listen }) => listen.usable.backup],
  ["check_up_down_total", "Times that no server was left.", ({ listen }) => listen.downs],
  [
    "check_last_change_seconds",
    "Seconds since it became usable, or ceased to be.",
    ({ listen }) => wholeSeconds(listen.inStateMs),
  ],
  ["downtime_seconds_total", "Seconds without a server.", ({ listen }) => wholeSeconds(listen.downtimeMs)],
  [
    "loadbalanced_total",
    "Times that a server was chosen.",
    ({ listen }) => sum(listen.servers, ({ selected }) => selected),
  ],
  ["max_session_rate", "Most sessions that a second has had.", ({ listen }) => listen.rate.max],
  ["client_aborts_total", "Sessions that a client broke off.", ({ listen }) => listen.errors.clientAborts],
  ["server_aborts_total", "Sessions that a server broke off.", ({ listen }) => listen.errors.serverAborts],
  [
    "last_session_seconds",
    "Seconds since the last session began; -1: there was none.",
    ({ listen }) => lastSession(listen),
  ],
  [
    "queue_time_average_seconds",
    "Mean wait for a server, over the last 1024 sessions.",
    ({ listen }) => listen.average.queueMs / 1000,
  ],
  [
    "connect_time_average_seconds",
    "Mean time to connect, over the last 1024 sessions.",
    ({ listen }) => listen.average.connectMs / 1000,
  ],
  [
    "total_time_average_seconds",
    "Mean length of the last 1024 sessions.",
    ({ listen }) => listen.average.totalMs / 1000,
  ],
  ["max_queue_time_seconds", "Longest wait for a server.", ({ listen }) => listen.longest.queueMs / 1000],
  ["max_connect_time_seconds", "Longest time to connect.", ({ listen }) => listen.longest.connectMs / 1000],
  ["max_total_time_seconds", "Longest session.", ({ listen }) => listen.longest.totalMs / 1000],
  [
    "connection_attempts_total",
    "Connections started to servers.",
    ({ listen }) => sum(listen.servers, ({ connects }) => connects),
  ],
  ["uweight", "The same as weight.", usableWeight],
]);

export const BACKEND_STATUS: StateFamily<ListenRow> = {
  name: "haproxy_backend_status",
  help: "Whether there is a server that takes sessions.",
  states: ["DOWN", "UP"],
  state: ({ listen }) => (listen.available || listen.servers.length === 0 ? "UP" : "DOWN"),
};

const STATES = ["DOWN", "UP", "MAINT", "DRAIN", "NOLB"] as const;

/** The check results that HAProxy has states for, in its order. */
const CHECK_STATES = (
  "HANA SOCKERR L4OK L4TOUT L4CON L6OK L6TOUT L6RSP L7TOUT L7RSP L7OK L7OKC L7STS PROCERR PROCTOUT PROCOK" as const
).split(" ") as CheckStatus[];

export const BACKEND_COUNTS: readonly CountFamily<ListenRow>[] = [
  {
    name: "haproxy_backend_agg_server_status",
    help: "Servers in each state.",
    states: STATES,
    count: ({ listen }, state) => howMany(listen.servers, (server) => stateOf(server) === state),
  },
  {
    name: "haproxy_backend_agg_server_check_status",
    help: "The same, under the name that it had before HAProxy 2.5.",
    states: STATES,
    count: ({ listen }, state) => howMany(listen.servers, (server) => stateOf(server) === state),
  },
  {
    name: "haproxy_backend_agg_check_status",
    help: "Servers by the result of their last check.",
    states: CHECK_STATES,
    count: ({ listen }, state) =>
      howMany(listen.servers, (server) => isChecked(server) && server.check?.last?.status === state),
  },
];

/** Of a server. */
export const SERVER = families<ServerRow>("haproxy_server_", [
  ["current_queue", "Connections that wait for it.", ({ server }) => server.queue.current],
  ["max_queue", "Most that have waited at a time.", ({ server }) => server.queue.max],
  ["current_sessions", "Sessions now.", ({ server }) => server.sessions.current],
  ["max_sessions", "Most sessions at a time so far.", ({ server }) => server.sessions.max],
  ["limit_sessions", "Sessions that may be at a time.", ({ server }) => server.sessions.limit],
  ["sessions_total", "Sessions so far.", ({ server }) => server.sessions.total],
  ["bytes_in_total", "Bytes from clients.", ({ server }) => server.bytesIn],
  ["bytes_out_total", "Bytes to clients.", ({ server }) => server.bytesOut],
  ["connection_errors_total", "Connections to it that failed.", ({ server }) => server.errors.connect],
  ["retry_warnings_total", "Times that a connection to it was tried again.", ({ server }) => server.errors.retries],
  [
    "redispatch_warnings_total",
    "Times that a connection left for another server.",
    ({ server }) => server.errors.redispatches,
  ],
  ["weight", "Weight that it has now.", weight],
  ["check_failures_total", "Checks that failed while it was up.", ({ server }) => server.check?.failures ?? null],
  ["check_up_down_total", "Times that it went down.", ({ server }) => (server.check === null ? null : server.downs)],
  ["check_last_change_seconds", "Seconds since its state changed.", ({ server }) => wholeSeconds(server.inStateMs)],
  [
    "downtime_seconds_total",
    "Seconds that it was down.",
    ({ server }) => (server.check === null ? null : wholeSeconds(server.downtimeMs)),
  ],
  [
    "current_throttle",
    "Share of its weight that slow start has reached, in percent.",
    ({ server }) => server.throttlePercent,
  ],
  ["loadbalanced_total", "Times that it was chosen.", ({ server }) => server.selected],
  ["max_session_rate", "Most sessions that a second has had.", ({ server }) => server.rate.max],
  [
    "check_code",
    "Code of the last check's answer, in its protocol.",
    ({ server }) => server.check?.last?.code ?? 0,
    hasCheck,
  ],
  [
    "check_duration_seconds",
    "How long the last check took.",
    ({ server }) => (server.check?.last?.durationMs ?? 0) / 1000,
    hasResult,
  ],
  ["client_aborts_total", "Sessions that a client broke off.", ({ server }) => server.errors.clientAborts],
  ["server_aborts_total", "Sessions that it broke off.", ({ server }) => server.errors.serverAborts],
  [
    "last_session_seconds",
    "Seconds since the last session began; -1: there was none.",
    ({ server }) => lastSession(server),
  ],
  [
    "queue_time_average_seconds",
    "Mean wait for it, over the last 1024 sessions.",
    ({ server }) => server.average.queueMs / 1000,
  ],
  [
    "connect_time_average_seconds",
    "Mean time to connect, over the last 1024 sessions.",
    ({ server }) => server.average.connectMs / 1000,
  ],
  [
    "total_time_average_seconds",
    "Mean length of the last 1024 sessions.",
    ({ server }) => server.average.totalMs / 1000,
  ],
  ["max_queue_time_seconds", "Longest wait for a server.", ({ server }) => server.longest.queueMs / 1000],
  ["max_connect_time_seconds", "Longest time to connect.", ({ server }) => server.longest.connectMs / 1000],
  ["max_total_time_seconds", "Longest session.", ({ server }) => server.longest.totalMs / 1000],
  ["connection_attempts_total", "Connections started to it.", ({ server }) => server.connects],
  ["used_connections_current", "Connections to it that are in use.", ({ server }) => server.sessions.current],
  ["need_connections_current", "Connections to it that are needed.", ({ server }) => server.sessions.current],
  ["uweight", "Weight that it is to have.", ({ server }) => server.weight.configured],
]);

export const SERVER_STATES: readonly StateFamily<ServerRow>[] = [
  {
    name: "haproxy_server_status",
    help: "What state it is in.",
    states: STATES,
    state: ({ server }) => stateOf(server),
  },
  {
    name: "haproxy_server_check_status",
    help: "What its last check found.",
    states: CHECK_STATES,
    has: hasCheck,
    state: ({ server }) => server.check?.last?.status ?? null,
  },
];

function stateOf({ admin, unresolved, up, weight: { configured }, leavingForMs }: ServerSnapshot): string {
  if (admin === "maint" || unresolved) return "MAINT";
  if (!up) return "DOWN";
  return admin === "drain" || configured === 0 || (leavingForMs ?? null) !== null ? "DRAIN" : "UP";
}

function isChecked({ check, admin, unresolved }: ServerSnapshot): boolean {
  return check !== null && admin !== "maint" && !unresolved;
}

function hasCheck({ server }: ServerRow): boolean {
  return isChecked(server);
}

function hasResult({ server }: ServerRow): boolean {
  return isChecked(server) && server.check?.last != null;
}

function sessionLimit({ listen, process }: ListenRow): number {
  return listen.sessions.limit ?? process.connections.limit;
}

function usableWeight({ listen }: ListenRow): number {
  return Math.round(sum(listen.servers, (server) => server.weight.effective));
}

function weight({ server: { weight: own, throttlePercent } }: ServerRow): number {
  return throttlePercent === null ? own.configured : Math.ceil((own.configured * throttlePercent) / 100);
}

function lastSession({ lastSessionAgoMs }: Pick<ServerSnapshot, "lastSessionAgoMs">): number {
  return lastSessionAgoMs === null ? -1 : wholeSeconds(lastSessionAgoMs);
}

function sum<T>(list: readonly T[], value: (each: T) => number): number {
  return list.reduce((total, each) => total + value(each), 0);
}

function howMany<T>(list: readonly T[], is: (each: T) => boolean): number {
  return sum(list, (each) => Number(is(each)));
}
