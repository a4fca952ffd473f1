import type { Snapshot } from "./snapshot.ts";

/**
 * The HAProxy release whose answers these are. Tools look here for what they may ask (Ansible's module drains servers from
 * 1.5 on, and wants two numbers at the front), so ours stands behind it.
 */
const SPOKEN_VERSION = "2.6.0";

/** `show info`: HAProxy 2.6's lines in its order. What we do not have (TLS, compression, pipes, peers) is 0. */
export function formatInfo({ process, listens }: Snapshot): string {
  const { connections, connectionRate: rate } = process;
  const uptimeS = Math.floor(process.uptimeMs / 1000);
  const listeners = listens.reduce((count, { binds }) => count + binds.length, 0);
  const bytesOut = listens.reduce((bytes, listen) => bytes + listen.bytesOut, 0);
  const fields: [string, string | number][] = [
    ["Name", "haproxy-lite"],
    ["Version", `${SPOKEN_VERSION}-haproxy-lite-${process.version}`],
    ["Release_date", process.releaseDate],
    ["Nbthread", process.threads],
    ["Nbproc", 1],
    ["Process_num", 1],
    ["Pid", process.pid],
    ["Uptime", uptime(uptimeS)],
    ["Uptime_sec", uptimeS],
    ["Memmax_MB", 0],
    ["PoolAlloc_MB", 0],
    ["PoolUsed_MB", 0],
    ["PoolFailed", 0],
    ["Ulimit-n", process.openFilesLimit],
    ["Maxsock", process.openFilesLimit],
    ["Maxconn", connections.limit],
    ["Hard_maxconn", connections.limit],
    ["CurrConns", connections.current],
    ["CumConns", connections.total],
    ["CumReq", connections.total],
    ["MaxSslConns", 0],
    ["CurrSslConns", 0],
    ["CumSslConns", 0],
    ["Maxpipes", 0],
    ["PipesUsed", 0],
    ["PipesFree", 0],
    ["ConnRate", rate.now],
    ["ConnRateLimit", 0],
    ["MaxConnRate", rate.max],
    ["SessRate", rate.now],
    ["SessRateLimit", 0],
    ["MaxSessRate", rate.max],
    ["SslRate", 0],
    ["SslRateLimit", 0],
    ["MaxSslRate", 0],
    ["SslFrontendKeyRate", 0],
    ["SslFrontendMaxKeyRate", 0],
    ["SslFrontendSessionReuse_pct", 0],
    ["SslBackendKeyRate", 0],
    ["SslBackendMaxKeyRate", 0],
    ["SslCacheLookups", 0],
    ["SslCacheMisses", 0],
    ["CompressBpsIn", 0],
    ["CompressBpsOut", 0],
    ["CompressBpsRateLim", 0],
    ["Tasks", connections.current],
    ["Run_queue", 0],
    ["Idle_pct", process.idlePercent],
    ["node", process.node],
    ["Stopping", process.stopping ? 1 : 0],
    ["Jobs", connections.current + listeners],
    ["Unstoppable Jobs", 0],
    ["Listeners", listeners],
    ["ActivePeers", 0],
    ["ConnectedPeers", 0],
    ["DroppedLogs", process.droppedLogs],
    ["BusyPolling", 0],
    ["FailedResolutions", 0],
    ["TotalBytesOut", bytesOut],
    ["TotalSplicdedBytesOut", 0], // spelled as HAProxy 2.6 spells it
    ["BytesOutRate", process.bytesOutRate.now],
    ["DebugCommandsIssued", 0],
    ["CumRecvLogs", 0],
    ["Build info", `haproxy-lite ${process.version} (${process.commit})`],
    ["Memmax_bytes", 0],
    ["PoolAlloc_bytes", 0],
    ["PoolUsed_bytes", 0],
    ["Start_time_sec", Math.floor(process.startedWallMs / 1000)],
    ["Tainted", 0],
  ];
  return fields.map(([key, value]) => `${key}: ${value}\n`).join("");
}

/** "0d 0h00m07s" */
function uptime(seconds: number): string {
  const two = (count: number) => String(count).padStart(2, "0");
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  return `${days}d ${hours}h${two(Math.floor(seconds / 60) % 60)}m${two(seconds % 60)}s`;
}
