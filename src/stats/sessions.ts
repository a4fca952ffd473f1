import { formatEndpoint } from "../core/endpoint.ts";
import type { Pool } from "../pool/pool.ts";
import { addressOf, type PoolServer } from "../pool/server.ts";
import type { SessionView, SocketAddress } from "../pool/sessionView.ts";
import { iidOf } from "./rows.ts";
import type { ProxyView } from "./view.ts";

/** HAProxy's numbers for what is done on the server's side of a session. */
const SERVER_SIDE = { choosing: 1, queued: 2, pausing: 3, connecting: 5, established: 8 } as const;
const SIDE_NAMES = { choosing: "REQ", queued: "QUE", pausing: "TAR", connecting: "CON", established: "EST" } as const;
const CLIENT_SIDE = 8;

type Listens = Pick<ProxyView, "pools" | "poolOf">;

/** `show sess`: a line a session. What HAProxy says of its tasks and buffers, and we have not, is 0 or empty. */
export function sessionLine(session: SessionView, view: Listens): string {
  const { heldIn, heldOut, clientExpiresMs, serverExpiresMs, retries } = session;
  const { listen, server } = namesOf(session, view);
  const receive = (held: number, expiresMs: number | null) =>
    `[f=0h,i=${held},an=00h,rx=${expiresMs === null ? "" : humanTime(expiresMs)},wx=,ax=]`;
  return [
    `${sessionPointer(session.id)}: proto=${protocolOf(session)} src=${clientOf(session)}`,
    `fe=${listen} be=${listen} srv=${server?.config.name ?? "<none>"}`,
    `ts=00 epoch=0 age=${humanTime(session.ageMs)} calls=0 rate=0 cpu=0 lat=0`,
    `rq${receive(heldIn, clientExpiresMs)} rp${receive(heldOut, serverExpiresMs)}`,
    `scf=[${CLIENT_SIDE},0h,fd=${session.clientFd}] scb=[${SERVER_SIDE[session.phase]},1h,fd=${session.serverFd}]`,
    `exp=${expiryOf(session, "")} rc=${retries} c_exp=\n`,
  ].join(" ");
}

/** `show sess <id>`: all that is known of one, in the form of HAProxy's; `startedAt` is when it began, as a log has it. */
export function sessionDetail(session: SessionView, view: Listens, startedAt: string): string {
  const { listen, pool, server } = namesOf(session, view);
  const iid = iidOf(pool === null ? -1 : view.pools.indexOf(pool));
  const sid = server === null ? -1 : (pool?.servers.indexOf(server) ?? -1) + 1;
  const at = (address: SocketAddress | null) => (address === null ? "" : ` addr=${text(address)}`);
  const serverName = server === null ? "<NONE>" : server.config.name;
  const serverAddress = server === null ? "" : ` addr=${formatEndpoint(addressOf(server))}`;
  const channel = (expiresMs: number | null) => `an_exp=<NEVER> rex=${expires(expiresMs)} wex=<NEVER>`;
  return [
    `${sessionPointer(session.id)}: [${startedAt}] id=${session.id} proto=${protocolOf(session)} source=${clientOf(session)}`,
    `  flags=0x0, conn_retries=${session.retries}, conn_exp=<NEVER> conn_et=0x000 srv_conn=(nil), pend_pos=(nil) waiting=${session.phase === "queued" ? 1 : 0} epoch=0`,
    `  frontend=${listen} (id=${iid} mode=tcp), listener=? (id=1)${at(session.clientLocal)}`,
    `  backend=${listen} (id=${iid} mode=tcp)${at(session.serverLocal)}`,
    `  server=${serverName} (id=${sid})${serverAddress}`,
    `  task=(nil) (state=0x00 nice=0 calls=0 rate=0 exp=${expiryOf(session, "<NEVER>")} age=${humanTime(session.ageMs)})`,
    `  scf=(nil) flags=0x00000000 state=EST fd=${session.clientFd}`,
    `  scb=(nil) flags=0x00000001 state=${SIDE_NAMES[session.phase]} fd=${session.serverFd}`,
    `  req=(nil) (f=0x0 an=0x0 pipe=0 tofwd=-1 total=${session.bytesIn})`,
    `      ${channel(session.clientExpiresMs)}`,
    `      buf=(nil) data=(nil) o=${session.heldIn} p=0 i=0 size=0`,
    `  res=(nil) (f=0x0 an=0x0 pipe=0 tofwd=-1 total=${session.bytesOut})`,
    `      ${channel(session.serverExpiresMs)}`,
    `      buf=(nil) data=(nil) o=${session.heldOut} p=0 i=0 size=0\n`,
  ].join("\n");
}

/** A session's number in the form of HAProxy's pointers. */
export function sessionPointer(id: number): string {
  return `0x${id.toString(16)}`;
}

/** The number behind such a pointer; the prefix may be left out, as in C. 0, which no session has: it is none. */
export function parsePointer(pointer: string): number {
  const digits = /^(?:0x)?([0-9a-f]{1,13})$/i.exec(pointer)?.[1];
  return digits === undefined ? 0 : Number.parseInt(digits, 16);
}

/** HAProxy's way with durations: the two largest units, "4s", "1m30s", "2h5m", "3d4h". */
export function humanTime(durationMs: number): string {
  const s = Math.floor(durationMs / 1000);
  if (s >= 86_400) return `${Math.floor(s / 86_400)}d${Math.floor(s / 3600) % 24}h`;
  if (s >= 3600) return `${Math.floor(s / 3600)}h${Math.floor(s / 60) % 60}m`;
  return s >= 60 ? `${Math.floor(s / 60)}m${s % 60}s` : `${s}s`;
}

function namesOf(
  { listen, server }: SessionView,
  view: Listens,
): { pool: Pool | null; listen: string; server: PoolServer | null } {
  const pool = view.poolOf(listen);
  return { pool, listen: pool?.config.name ?? "<NONE>", server: pool?.slots[server] ?? null };
}

function protocolOf({ client }: SessionView): string {
  if (client === null) return "unix_stream";
  return client.host.includes(":") ? "tcpv6" : "tcpv4";
}

function clientOf({ client }: SessionView): string {
  return client === null ? "unix:1" : text(client);
}

/** As HAProxy writes them: IPv6 without brackets. */
function text({ host, port }: SocketAddress): string {
  return `${host}:${port}`;
}

function expiryOf({ clientExpiresMs, serverExpiresMs }: SessionView, never: string): string {
  const firstMs = Math.min(clientExpiresMs ?? Infinity, serverExpiresMs ?? Infinity);
  return firstMs === Infinity ? never : humanTime(firstMs);
}

function expires(expiresMs: number | null): string {
  return expiresMs === null ? "<NEVER>" : humanTime(expiresMs);
}
