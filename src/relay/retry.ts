/** Why a connect attempt failed, which decides what may be tried next. */
export type ConnectFailure =
  /** The server said no (refused, reset, unreachable): it is to blame. */
  | { kind: "refused"; errno: string }
  /** No answer within `timeout connect`. */
  | { kind: "timeout" }
  /** We have no file descriptor, memory or source port: nobody else is to blame, and no other server would help. */
  | { kind: "shortage"; errno: string };

export type RetryDecision =
  /** Another server, at once. */
  | { kind: "redispatch" }
  /** The same server (or, with redispatch, all of them anew) after a pause. */
  | { kind: "again"; delayMs: number; anyServer: boolean }
  | { kind: "fail" };

/** HAProxy pauses this long between two attempts on one server that refuses. */
const PAUSE_MS = 1000;

/**
 * What to do after a failed attempt. Unlike HAProxy, which forgets all but the last server, every server tried on this
 * connection is remembered: while an untried one is usable the next attempt goes there, at once, whatever the algorithm.
 * When all have been tried the round starts anew after HAProxy's pause, for servers that are just restarting.
 */
export function decideRetry(
  failure: ConnectFailure,
  state: { retriesLeft: number; redispatch: boolean; untriedUsable: boolean; connectTimeoutMs: number | null },
): RetryDecision {
  if (failure.kind === "shortage" || state.retriesLeft <= 0) return { kind: "fail" };
  if (state.redispatch && state.untriedUsable) return { kind: "redispatch" };
  const delayMs = failure.kind === "timeout" ? 0 : Math.min(PAUSE_MS, state.connectTimeoutMs ?? PAUSE_MS);
  return { kind: "again", delayMs, anyServer: state.redispatch };
}

const OUR_SHORTAGE = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL", "EADDRINUSE"]);

/** Sorts an errno name (ECONNREFUSED, EMFILE …) by who is to blame. */
export function classifyConnectError(errno: string): ConnectFailure {
  if (errno === "ETIMEDOUT") return { kind: "timeout" };
  return { kind: OUR_SHORTAGE.has(errno) ? "shortage" : "refused", errno };
}
