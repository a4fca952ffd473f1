import type { Snapshot } from "../snapshot.ts";
import { families, wholeSeconds } from "./family.ts";

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
