import type { SessionRecord } from "../log/record.ts";
import { serverCounter } from "../pool/board.ts";
import { ListenCounter, ServerCounter } from "../pool/layout.ts";
import { count, raise } from "./counting.ts";
import type { Session } from "./session.ts";

/** HAProxy's averages run over about the last 1024 sessions: once it has that many, a sum forgets a 1024th of itself with each new value. */
const WINDOW = 1024;

/** Adds an ended session's outcome and times to this thread's counters, of the listen and of the server it used. */
export function settleCounters(session: Session, endedMs: number): void {
  settle(session, endedMs, 0, ListenCounter);
  if (session.dialer.server >= 0) settle(session, endedMs, serverCounter(session.dialer.server, 0), ServerCounter);
}

function settle(
  session: Session,
  endedMs: number,
  base: number,
  at: typeof ListenCounter | typeof ServerCounter,
): void {
  const { counters } = session.listen;
  const [cause, moment] = session.termination;
  // As HAProxy: who gave up before there was a server, or could not be reached, has not broken anything off.
  if (moment === "D" && (cause === "C" || cause === "c")) count(counters, base + at.clientAborts);
  if (moment === "D" && (cause === "S" || cause === "s")) count(counters, base + at.serverAborts);
  if (session.connectedMs < 0) return;
  const samples = counters[base + at.timeSamples] as number;
  const keep = samples < WINDOW ? 1 : 1 - 1 / WINDOW;
  const { acceptedMs, connectedMs, dialer } = session;
  const queueMs = dialer.assignedMs - acceptedMs;
  const connectMs = connectedMs - dialer.assignedMs;
  const totalMs = endedMs - acceptedMs;
  smooth(counters, base + at.queueTimeSum, keep, queueMs);
  smooth(counters, base + at.connectTimeSum, keep, connectMs);
  smooth(counters, base + at.totalTimeSum, keep, totalMs);
  raise(counters, base + at.maxQueueTime, queueMs);
  raise(counters, base + at.maxConnectTime, connectMs);
  raise(counters, base + at.maxTotalTime, totalMs);
  counters[base + at.timeSamples] = Math.min(WINDOW, samples + 1);
}

function smooth(counters: Float64Array, at: number, keep: number, valueMs: number): void {
  counters[at] = (counters[at] as number) * keep + valueMs;
}

/**
 * The session as the log sees it; null when it is not to be logged: `dontlognull` hides connections on which nothing at
 * all happened, and no failure of a server or of ours (HAProxy also hides those on which only the server spoke).
 */
export function toRecord(
  session: Session,
  endedMs: number,
  counts: { actconn: number; feconn: number },
): SessionRecord | null {
  const { listen, termination } = session;
  const bytesIn = session.up.bytes;
  const bytesOut = session.down?.bytes ?? 0;
  const peaceful = termination === "--" || termination[0] === "C" || termination[0] === "c";
  if (listen.config.dontlognull && bytesIn === 0 && bytesOut === 0 && peaceful) return null;
  const named = session.dialer.server >= 0 ? session.dialer.server : session.dialer.boundTo;
  return {
    clientHost: session.clientHost,
    clientPort: session.clientPort,
    acceptWallMs: session.acceptedWallMs,
    frontend: listen.config.name,
    backend: listen.config.name,
    server: listen.servers[named]?.name ?? null,
    twMs: waited(session, endedMs),
    tcMs: session.connectedMs < 0 ? -1 : Math.round(session.connectedMs - session.dialer.assignedMs),
    ttMs: Math.round(endedMs - session.acceptedMs),
    bytesOut,
    bytesIn,
    termination,
    actconn: counts.actconn,
    feconn: counts.feconn,
    beconn: Math.max(0, counts.feconn - 1),
    srvConn: named < 0 ? 0 : listen.board.served(named),
    retries: session.dialer.retries,
    redispatched: session.dialer.redispatched,
    srvQueue: session.dialer.placeOnServer,
    backendQueue: session.dialer.placeOnListen,
  };
}

function waited(session: Session, endedMs: number): number {
  if (session.dialer.assignedMs >= 0) return Math.round(session.dialer.assignedMs - session.acceptedMs);
  return session.dialer.queuedMs >= 0 ? Math.round(endedMs - session.acceptedMs) : -1;
}
