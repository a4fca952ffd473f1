import type { Config } from "./schema.ts";

/** fds that the runtime itself, its threads, logs, the admin socket and its clients need. */
const BASE = 128;
const PER_THREAD = 16;
/** Of each address of the runtime API; see admin/server.ts. */
const ADMIN_CLIENTS = 32;

/**
 * How many file descriptors a proxy process needs for so many connections: two each (client and server), one per check in
 * flight, two per listening socket and thread (ours and the one Bun listens on), and those of the status page.
 */
export function filesNeeded(config: Config, maxconn: number): number {
  return 2 * maxconn + overhead(config);
}

/** The most connections for which `files` descriptors suffice; 0 when not even one fits. */
export function maxconnWithin(config: Config, files: number): number {
  return Math.max(0, Math.floor((files - overhead(config)) / 2));
}

function overhead(config: Config): number {
  const { threads } = config.global;
  const checks = config.listens.reduce((sum, listen) => sum + listen.servers.length, 0);
  const sockets = config.listens.reduce((sum, listen) => sum + listen.binds.length, 0) * threads * 2;
  const stats = config.stats === null ? 0 : config.stats.maxconn + config.stats.binds.length * 2;
  const admin = config.admin.binds.length * (ADMIN_CLIENTS + 2);
  return BASE + PER_THREAD * threads + checks + sockets + stats + admin;
}
