import type { SessionRecord } from "../log/record.ts";
import { serverCounter } from "../pool/board.ts";
import { ListenCounter, ServerCounter } from "../pool/layout.ts";
import type { Session } from "./session.ts";

/** HAProxy's averages run over about the last 1024 sessions: a sum that forgets a 1024th of itself with each new value. */
const WINDOW = 1024;

/** Adds an ended session's outcome and times to this thread's counters, of the listen and of the server it used. */
export function settleCounters(session: Session, endedMs: number): void {
  const { counters } = session.listen;
  const bases = session.dialer.server < 0 ? [0] : [0, serverCounter(session.dialer.server, 0)];
  const cause = session.termination[0];
  // The listen's and a server's abort and time counters stand in the same order, so one loop serves both.
  for (const base of bases) {
    const at = base === 0 ? ListenCounter : ServerCounter;
    if (cause === "C" || cause === "c") counters[base + at.clientAborts] = (counters[base + at.clientAborts] as number) + 1;
    if (cause === "S" || cause === "s") counters[base + at.serverAborts] = (counters[base + at.serverAborts] as number) + 1;
    if (session.connectedMs < 0) continue;
    smooth(counters, base + at.queueTimeSum, session.dialer.assignedMs - session.acceptedMs);
    smooth(counters, base + at.connectTimeSum, session.connectedMs - session.dialer.assignedMs);
    smooth(counters, base + at.totalTimeSum, endedMs - session.acceptedMs);
    counters[base + at.timeSamples] = Math.min(WINDOW, (counters[base + at.timeSamples] as number) + 1);
  }
}

function smooth(counters: Float64Array, at: number, valueMs: number): void {
  const sum = counters[at] as number;
  counters[at] = sum - sum / WINDOW + valueMs;
}

/**
 * The session as the log sees it; null when it is not to be logged: `dontlognull` hides connections on which nothing at
 * all happened, and no failure of a server or of ours (HAProxy also hides those on which only the server spoke).
 */
export function toRecord(session: Session, endedMs: number, counts: { actconn: number; feconn: number }): SessionRecord | null {
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
    server: listen.config.servers[named]?.name ?? null,
    twMs: waited(session, endedMs),
    tcMs: session.connectedMs < 0 ? -1 : Math.round(session.connectedMs - session.dialer.assignedMs),
    ttMs: Math.round(endedMs - session.acceptedMs),
    bytesOut,
    bytesIn,
    termination,
    actconn: counts.actconn,
    feconn: counts.feconn,
    beconn: Math.max(0, counts.feconn - 1),
    srvConn: session.dialer.server < 0 ? 0 : listen.board.served(session.dialer.server),
    retries: session.dialer.retries,
    redispatched: session.dialer.redispatched,
    srvQueue: session.dialer.queueAhead.onServer,
    backendQueue: session.dialer.queueAhead.onListen,
  };
}

function waited(session: Session, endedMs: number): number {
  if (session.dialer.assignedMs >= 0) return Math.round(session.dialer.assignedMs - session.acceptedMs);
  return session.dialer.queuedMs >= 0 ? Math.round(endedMs - session.acceptedMs) : -1;
}
