import type { Config } from "../config/schema.ts";
import { formatEndpoint, sameEndpoint } from "../core/endpoint.ts";
import { inheritedListeners } from "../net/inheritedListeners.ts";
import type { OpenListener } from "./handoff.ts";

/**
 * Sockets of listens that whoever started this program has bound for it, HAProxy's `bind fd@N` and the way of test
 * benches; others that are open here are left alone. The threads share each of them.
 */
export function handedIn(config: Config): OpenListener[] {
  const wanted = config.listens.flatMap(({ binds }) => binds);
  return inheritedListeners()
    .filter(({ endpoint }) => wanted.some((bind) => sameEndpoint(bind, endpoint)))
    .map(({ fd, endpoint }, id) => ({ id, endpoint, fds: [fd] }));
}

/** Addresses of such sockets by the words that HAProxy's files have for them, "fd@N". */
export function handedInAddresses(): Record<string, string> {
  return Object.fromEntries(inheritedListeners().map(({ fd, endpoint }) => [`fd@${fd}`, formatEndpoint(endpoint)]));
}
