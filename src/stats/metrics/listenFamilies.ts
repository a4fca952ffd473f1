import { type CountFamily, families, type ListenRow, type StateFamily, wholeSeconds } from "./family.ts";
import { CHECK_STATES, isChecked, lastSession, SERVER_STATES, stateOf } from "./states.ts";

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

export const BACKEND_COUNTS: readonly CountFamily<ListenRow>[] = [
  {
    name: "haproxy_backend_agg_server_status",
    help: "Servers in each state.",
    states: SERVER_STATES,
    count: ({ listen }, state) => howMany(listen.servers, (server) => stateOf(server) === state),
  },
  {
    name: "haproxy_backend_agg_server_check_status",
    help: "The same, under the name that it had before HAProxy 2.5.",
    states: SERVER_STATES,
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

function sessionLimit({ listen, process }: ListenRow): number {
  return listen.sessions.limit ?? process.connections.limit;
}

function usableWeight({ listen }: ListenRow): number {
  return Math.round(sum(listen.servers, (server) => server.weight.effective));
}

function sum<T>(list: readonly T[], value: (each: T) => number): number {
  return list.reduce((total, each) => total + value(each), 0);
}

function howMany<T>(list: readonly T[], is: (each: T) => boolean): number {
  return sum(list, (each) => Number(is(each)));
}
