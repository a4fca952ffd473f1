import type { Config } from "../config/schema.ts";
import { UserError } from "../core/errors.ts";
import { raiseFileLimit } from "../net/limits.ts";

/** fds that the runtime itself, its threads, logs, the admin socket and its clients need. */
const BASE = 128;
const PER_THREAD = 16;
const EXIT_FAILED = 1;

/**
 * How many file descriptors a proxy process needs for so many connections: two each (client and server), one per check in
 * flight, two per listening socket and thread (ours and the one Bun listens on).
 */
export function filesNeeded(config: Config, maxconn: number): number {
  return 2 * maxconn + overhead(config);
}

/** The most connections for which `files` descriptors suffice; 0 when not even one fits. */
export function maxconnWithin(config: Config, files: number): number {
  return Math.max(0, Math.floor((files - overhead(config)) / 2));
}

/**
 * Raises the limit of open files to what `maxconn` needs, and returns maxconn, or lowers it to what the limit allows, and
 * says so. Throws UserError when that is not even one connection.
 */
export function fitFileLimit(config: Config, warn: (text: string) => void): number {
  const { maxconn } = config.global;
  const wanted = filesNeeded(config, maxconn);
  const files = raiseFileLimit(wanted);
  if (files >= wanted) return maxconn;
  const fitting = maxconnWithin(config, files);
  if (fitting < 1) {
    throw new UserError(
      `the open file limit is ${files}, too low to serve even one connection\n  raise it (ulimit -n, LimitNOFILE=)`,
      EXIT_FAILED,
    );
  }
  warn(
    `maxconn lowered from ${maxconn} to ${fitting}: ${maxconn} connections need ${wanted} open files and the limit is ${files} (ulimit -n, LimitNOFILE=)`,
  );
  return fitting;
}

function overhead(config: Config): number {
  const { threads } = config.global;
  const checks = config.listens.reduce((sum, listen) => sum + listen.servers.length, 0);
  const sockets = config.listens.reduce((sum, listen) => sum + listen.binds.length, 0) * threads * 2;
  return BASE + PER_THREAD * threads + checks + sockets;
}
