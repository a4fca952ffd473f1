import type { TimeoutConfig } from "../config/schema.ts";

/** What the idle timers of an established connection depend on; times are monotonic ms. */
export interface IdleState {
  /** Last time a byte moved in either direction: traffic one way keeps both sides alive. */
  lastActivityMs: number;
  /** When the client's, or the server's, end of input was passed on; null: not yet. */
  clientEndedMs: number | null;
  serverEndedMs: number | null;
  /** The side does not read what we have for it. */
  clientBlocked: boolean;
  serverBlocked: boolean;
}

/** When each side's inactivity is to be acted upon; Infinity: never. */
export interface IdleDeadlines {
  clientMs: number;
  serverMs: number;
}

/**
 * HAProxy's idle timers in TCP mode (reference: `timeout client|server|tunnel|client-fin|server-fin`): a side is watched
 * while it may still send and we are reading it, or while it does not take what we have for it. A side whose peer has
 * ended is watched with its `*_fin` timeout, counted from that end or from later traffic.
 */
export function idleDeadlines(state: IdleState, timeout: TimeoutConfig): IdleDeadlines {
  const { lastActivityMs, clientEndedMs, serverEndedMs } = state;
  const clientLimit = limit(timeout.tunnelMs ?? timeout.clientMs, timeout.clientFinMs, lastActivityMs, serverEndedMs);
  const serverLimit = limit(timeout.tunnelMs ?? timeout.serverMs, timeout.serverFinMs, lastActivityMs, clientEndedMs);
  const clientWatched = state.clientBlocked || (clientEndedMs === null && !state.serverBlocked);
  const serverWatched = state.serverBlocked || (serverEndedMs === null && !state.clientBlocked);
  return { clientMs: clientWatched ? clientLimit : Infinity, serverMs: serverWatched ? serverLimit : Infinity };
}

function limit(
  openMs: number | null,
  finMs: number | null,
  lastActivityMs: number,
  peerEndedMs: number | null,
): number {
  if (peerEndedMs !== null && finMs !== null) return Math.max(lastActivityMs, peerEndedMs) + finMs;
  return openMs === null ? Infinity : lastActivityMs + openMs;
}

/** How long a connection may wait for a server slot; HAProxy: `timeout queue`, else `timeout connect`. */
export function queueTimeout(timeout: TimeoutConfig): number {
  return timeout.queueMs ?? timeout.connectMs ?? Infinity;
}
