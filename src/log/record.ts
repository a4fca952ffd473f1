import { acceptDate } from "./localTime.ts";

/** What a relay thread knows about a connection when it ends. Plain data, filled once; counts are whole numbers. */
export interface SessionRecord {
  /** Client address as text, IPv6 without brackets. On a unix listener HAProxy prints `unix:<listener id>`: host `unix`, port the id. */
  clientHost: string;
  clientPort: number;
  /** When the connection was accepted, milliseconds since the epoch. */
  acceptWallMs: number;
  frontend: string;
  backend: string;
  /** null when no server was chosen: `<NOSRV>`. */
  server: string | null;
  /** Accept to the choice of a server, queue included; -1 when not reached. */
  twMs: number;
  /** Connect time, of the last attempt; -1 when the connection was not established. */
  tcMs: number;
  /** Accept to the end of the session. */
  ttMs: number;
  /** Server to client. */
  bytesOut: number;
  /** Client to server; not in tcplog. */
  bytesIn: number;
  /** HAProxy's two-letter termination state: `--`, `cD`, `SC`, … */
  termination: string;
  /** Connections of the process and of the frontend, this one included. */
  actconn: number;
  feconn: number;
  /** Sessions of the backend and of the server after this one left. */
  beconn: number;
  srvConn: number;
  retries: number;
  /** A retry went to another server: the count is printed as `+N`. */
  redispatched: boolean;
  /** Place in the server's and in the backend's queue, 1 being the next to be served; 0: did not wait there. */
  srvQueue: number;
  backendQueue: number;
}

/** HAProxy's `option tcplog`: `%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq`. */
export function formatTcplog(r: SessionRecord): string {
  return `${r.clientHost}:${r.clientPort} [${acceptDate(r.acceptWallMs)}] ${r.frontend} ${r.backend}/${r.server ?? "<NOSRV>"} ${r.twMs}/${r.tcMs}/${r.ttMs} ${r.bytesOut} ${r.termination} ${counts(r)}`;
}

/**
 * The same in the shape of HAProxy's HTTP log, for halog, whose every option but `-c` reads HTTP lines only:
 * `%ci:%cp [%t] %ft %b/%s 0/%Tw/%Tc/%Tr/%Tt %ST %B - - %ts-- %ac/%fc/%bc/%sc/%rc %sq/%bq {} {} "TCP %b/%s -"`.
 * A connected session counts as 200 with `%Tr` 0. One that never reached a server gets what HAProxy's HTTP mode would
 * give it, `%Tr` -1 and 503, or 400 when the client itself left, so that `halog -e`, `-srv` and `-st` see it fail.
 */
export function formatHalog(r: SessionRecord): string {
  const path = `${r.backend}/${r.server ?? "<NOSRV>"}`;
  const connected = r.tcMs >= 0;
  const status = connected ? 200 : r.termination.startsWith("C") ? 400 : 503;
  // halog takes Tt apart and complains about a negative rest, which rounding each time on its own can produce.
  const ttMs = connected ? Math.max(r.ttMs, r.twMs + r.tcMs) : r.ttMs;
  return `${r.clientHost}:${r.clientPort} [${acceptDate(r.acceptWallMs)}] ${r.frontend} ${path} 0/${r.twMs}/${r.tcMs}/${connected ? 0 : -1}/${ttMs} ${status} ${r.bytesOut} - - ${r.termination}-- ${counts(r)} {} {} "TCP ${path} -"`;
}

function counts(r: SessionRecord): string {
  return `${r.actconn}/${r.feconn}/${r.beconn}/${r.srvConn}/${r.redispatched ? "+" : ""}${r.retries} ${r.srvQueue}/${r.backendQueue}`;
}
