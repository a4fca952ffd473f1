import { filesNeeded, maxconnWithin } from "../config/fileBudget.ts";
import type { Config } from "../config/schema.ts";
import { UserError } from "../core/errors.ts";
import { raiseFileLimit } from "../net/limits.ts";

const EXIT_FAILED = 1;

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
