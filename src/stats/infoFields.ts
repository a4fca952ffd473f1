import { seconds } from "./columns/column.ts";
import type { Field, FieldValue, Tag } from "./field.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * The HAProxy release whose answers these are. Tools look here for what they may ask (Ansible's module drains servers from
 * 1.5 on, and wants two numbers at the front), so ours stands behind it.
 */
export const SPOKEN_VERSION = "2.6.0";

/** Our version, as the runtime API says it. */
export function formatVersion(version: string): string {
  return `${SPOKEN_VERSION}-haproxy-lite-${version}`;
}

/** A line of `show info`: where its value comes from (null: there is none, and no line), or the value itself. */
export interface InfoField extends Field {
  readonly tag: Tag;
  readonly source: string | number | ((snapshot: Snapshot) => FieldValue);
  /** The same with decimals, for those who ask for `float`; null: it has none. */
  readonly precise: ((snapshot: Snapshot) => number) | null;
}

type Line = Omit<InfoField, "pos">;

function line(
  name: string,
  tag: Tag,
  about: string,
  source: InfoField["source"],
  precise: InfoField["precise"] = null,
) {
  return { name, tag, about, source, precise } satisfies Line;
}

const NOBODY = () => null;
const connections = ({ process }: Snapshot) => process.connections;
const listeners = ({ listens }: Snapshot) => listens.reduce((count, { binds }) => count + binds.length, 0);

const PROCESS: readonly Line[] = [
  line("Name", "POS:str", "the product", "haproxy-lite"),
  line("Version", "POS:str", "HAProxy's release whose language this is, and our own", ({ process }) =>
    formatVersion(process.version),
  ),
  line("Release_date", "POS:str", "day of the last change to it", ({ process }) => process.releaseDate),
  line("Nbthread", "CGS:u32", "threads that relay", ({ process }) => process.threads),
  line("Nbproc", "CGS:u32", "worker processes", 1),
  line("Process_num", "KGP:u32", "number of this worker process", 1),
  line("Pid", "SGP:u32", "pid of this worker process", ({ process }) => process.pid),
  line("Uptime", "MDP:str", "time since the start", ({ process }) => uptime(seconds(process.uptimeMs))),
  line(
    "Uptime_sec",
    "MDP:u32",
    "seconds since the start",
    ({ process }) => seconds(process.uptimeMs),
    ({ process }) => process.uptimeMs / 1000,
  ),
  // Memory is not taken from pools, and has no limit of ours.
  line("Memmax_MB", "CLP:u32", "most memory allowed, in MB; 0: no limit", 0),
  line("PoolAlloc_MB", "MGP:u32", "memory in pools, in MB", 0),
  line("PoolUsed_MB", "MGP:u32", "memory of pools in use, in MB", 0),
  line("PoolFailed", "MCP:u32", "failures to get memory from pools", 0),
  line("Ulimit-n", "CLP:u32", "most open files", ({ process }) => process.openFilesLimit),
  line("Maxsock", "CLP:u32", "most sockets", ({ process }) => process.openFilesLimit),
  line("Maxconn", "CLP:u32", "most connections at a time", (snapshot) => connections(snapshot).limit),
  line("Hard_maxconn", "CLP:u32", "most connections that can be asked for", (snapshot) => connections(snapshot).limit),
  line("CurrConns", "MGP:u32", "connections of clients now", (snapshot) => connections(snapshot).current),
  line("CumConns", "MCP:u32", "connections of clients so far", (snapshot) => connections(snapshot).total),
  line("CumReq", "MCP:u32", "requests so far: a connection is one", (snapshot) => connections(snapshot).total),
];

/** A Debian build has TLS and pipes; with neither in use HAProxy, too, has 0 in all of these. */
const TLS_AND_PIPES: readonly Line[] = [
  line("MaxSslConns", "MMP:u32", "most TLS connections; 0: no limit", 0),
  line("CurrSslConns", "MGP:u32", "TLS connections now", 0),
  line("CumSslConns", "MCP:u32", "TLS connections so far", 0),
  line("Maxpipes", "CLP:u32", "most pipes; 0: no limit", 0),
  line("PipesUsed", "MGP:u32", "pipes in use", 0),
  line("PipesFree", "MGP:u32", "pipes not in use", 0),
];

const RATES: readonly Line[] = [
  line("ConnRate", "MRP:u32", "connections in the last second", ({ process }) => process.connectionRate.now),
  line("ConnRateLimit", "CLP:u32", "most connections allowed in a second; 0: no limit", 0),
  line("MaxConnRate", "MMP:u32", "most connections in any second", ({ process }) => process.connectionRate.max),
  line("SessRate", "MRP:u32", "sessions in the last second", ({ process }) => process.connectionRate.now),
  line("SessRateLimit", "CLP:u32", "most sessions allowed in a second; 0: no limit", 0),
  // Tagged as HAProxy tags it, though it is a maximum.
  line("MaxSessRate", "MRP:u32", "most sessions in any second", ({ process }) => process.connectionRate.max),
  line("SslRate", "MRP:u32", "TLS connections in the last second", 0),
  line("SslRateLimit", "CLP:u32", "most TLS connections allowed in a second; 0: no limit", 0),
  line("MaxSslRate", "MMP:u32", "most TLS connections in any second", 0),
  line("SslFrontendKeyRate", "MGP:u32", "TLS keys made for clients in the last second", 0),
  line("SslFrontendMaxKeyRate", "MMP:u32", "most TLS keys made for clients in any second", 0),
  line("SslFrontendSessionReuse_pct", "MGP:u32", "percent of TLS sessions that clients took up again", 0),
  line("SslBackendKeyRate", "MRP:u32", "TLS keys made for servers in the last second", 0),
  line("SslBackendMaxKeyRate", "MMP:u32", "most TLS keys made for servers in any second", 0),
  line("SslCacheLookups", "MCP:u32", "questions to the cache of TLS sessions", 0),
  line("SslCacheMisses", "MCP:u32", "questions that it could not answer", 0),
  line("CompressBpsIn", "MRP:u32", "bytes a second given to the compressor", 0),
  line("CompressBpsOut", "MRP:u32", "bytes a second that it gave", 0),
  line("CompressBpsRateLim", "CLP:u32", "most of those; 0: no limit", 0),
  // Places that a Debian build of HAProxy leaves out, and so do we.
  line("ZlibMemUsage", "MGP:u32", "memory of zlib", NOBODY),
  line("MaxZlibMemUsage", "CLP:u32", "most memory of zlib", NOBODY),
];

const STATE: readonly Line[] = [
  line("Tasks", "MGP:u32", "tasks: one a connection", (snapshot) => connections(snapshot).current),
  line("Run_queue", "MGP:u32", "tasks that wait to run", 0),
  line(
    "Idle_pct",
    "MaP:u32",
    "percent of the last second that threads were idle",
    ({ process }) => process.idlePercent,
  ),
  line("node", "COS:str", "name of this host", ({ process }) => process.node),
  line("description", "COS:str", "what the configuration says of this host", NOBODY),
  line("Stopping", "MGP:u32", "1: it accepts no more, and ends with its last connection", ({ process }) =>
    process.stopping ? 1 : 0,
  ),
  line(
    "Jobs",
    "MGP:u32",
    "connections and listeners",
    (snapshot) => connections(snapshot).current + listeners(snapshot),
  ),
  line("Unstoppable Jobs", "MGP:u32", "jobs that a stop does not wait for", 0),
  line("Listeners", "MGP:u32", "addresses that are listened on", listeners),
  line("ActivePeers", "MGP:u32", "peers that are spoken with", 0),
  line("ConnectedPeers", "MGP:u32", "peers that are connected", 0),
  line("DroppedLogs", "MGP:u32", "log lines lost", ({ process }) => process.droppedLogs),
  line("BusyPolling", "MGP:u32", "1: it polls without a pause", 0),
  line("FailedResolutions", "MGP:u32", "names that a resolver could not resolve", 0),
  line("TotalBytesOut", "MGP:u64", "bytes to clients so far", ({ listens }) =>
    listens.reduce((bytes, listen) => bytes + listen.bytesOut, 0),
  ),
  line("TotalSplicdedBytesOut", "MGP:u64", "bytes through pipes so far", 0), // spelled as HAProxy 2.6 spells it
  line("BytesOutRate", "MRP:u64", "bytes to clients in the last second", ({ process }) => process.bytesOutRate.now),
  line("DebugCommandsIssued", "MGP:u32", "debug commands given", 0),
  line("CumRecvLogs", "MCP:u32", "log lines received to be passed on", 0),
  line(
    "Build info",
    "POS:str",
    "what was built",
    ({ process }) => `haproxy-lite ${process.version} (${process.commit})`,
  ),
  line("Memmax_bytes", "CLP:u32", "most memory allowed; 0: no limit", 0),
  line("PoolAlloc_bytes", "MGP:u64", "memory in pools", 0),
  line("PoolUsed_bytes", "MGP:u64", "memory of pools in use", 0),
  line(
    "Start_time_sec",
    "MDP:u32",
    "when it was started: seconds since 1970",
    ({ process }) => seconds(process.startedWallMs),
    ({ process }) => process.startedWallMs / 1000,
  ),
  line("Tainted", "SGP:str", "what is unsafe about this process", "0"),
];

/** HAProxy 2.6's lines in its order. What we do not have is what it is in a build, or a configuration, without it. */
export const INFO_FIELDS: readonly InfoField[] = [...PROCESS, ...TLS_AND_PIPES, ...RATES, ...STATE].map(
  (each, pos) => ({ ...each, pos }),
);

/** "0d 0h00m07s" */
function uptime(wholeSeconds: number): string {
  const two = (count: number) => String(count).padStart(2, "0");
  const [days, hours] = [Math.floor(wholeSeconds / 86_400), Math.floor(wholeSeconds / 3600) % 24];
  return `${days}d ${hours}h${two(Math.floor(wholeSeconds / 60) % 60)}m${two(wholeSeconds % 60)}s`;
}
