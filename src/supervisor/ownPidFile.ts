import { UserError } from "../core/errors.ts";
import type { Handoff } from "./handoff.ts";
import { claimPidFile, keepPidFile, PidFileHeld } from "./pidFile.ts";

const EXIT_FAILED = 1;

/**
 * Claims the pid file at `path` for this process, or goes on holding the one that another program has claimed in it, `kept`. The
 * function releases it. Throws UserError.
 */
export function ownPidFile(path: string | null, kept: Handoff["pidFile"]): () => void {
  if (path === null) return () => {};
  try {
    return kept?.path === path ? keepPidFile(path, kept.fd, process.pid) : claimPidFile(path, process.pid);
  } catch (error) {
    if (error instanceof PidFileHeld) {
      throw new UserError(
        `another instance is running${error.pid === null ? "" : ` with pid ${error.pid}`}: it holds ${path}\n  stop it first, or give this one another pid file ([global] pidfile, --pidfile)`,
        EXIT_FAILED,
      );
    }
    throw new UserError(`cannot write the pid file ${path}: ${(error as Error).message}`, EXIT_FAILED);
  }
}
