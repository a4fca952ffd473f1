import { families, type ServerRow, type StateFamily, wholeSeconds } from "./family.ts";
import { CHECK_STATES, isChecked, lastSession, SERVER_STATES, stateOf } from "./states.ts";

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

export const SERVER_IN_STATES: readonly StateFamily<ServerRow>[] = [
  {
    name: "haproxy_server_status",
    help: "What state it is in.",
    states: SERVER_STATES,
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

function hasCheck({ server }: ServerRow): boolean {
  return isChecked(server);
}

function hasResult({ server }: ServerRow): boolean {
  return isChecked(server) && server.check?.last != null;
}

function weight({ server: { weight: own, throttlePercent } }: ServerRow): number {
  return throttlePercent === null ? own.configured : Math.ceil((own.configured * throttlePercent) / 100);
}
