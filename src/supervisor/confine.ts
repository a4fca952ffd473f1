import { closeSync } from "node:fs";
import { filesNeeded } from "../config/fileBudget.ts";
import type { Config } from "../config/schema.ts";
import { UserError } from "../core/errors.ts";
import {
  CAP_KILL,
  CAP_NET_ADMIN,
  CAP_NET_BIND_SERVICE,
  CAP_NET_RAW,
  CAP_SETGID,
  CAP_SETUID,
  CAP_SYS_CHROOT,
  capabilities,
  keepCapabilities,
} from "../net/capabilities.ts";
import { executeAnewWith } from "../net/execute.ts";
import { SystemError } from "../net/libc.ts";
import { raiseFileLimit } from "../net/limits.ts";
import { leaveNote, readNote } from "../net/note.ts";

const EXIT_FAILED = 1;
/** Names the descriptor that tells a program which was executed by {@link confine} what it was about to do. */
const START_VARIABLE = "HAPROXY_LITE_START";

/**
 * What the supervisor may go on needing: virtual addresses and adverts, listeners, the accounts of proxy processes and
 * scripts, and signals to them.
 */
const KEPT = [CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW];

/**
 * Gives up every other capability, before anything is open. Capabilities belong to threads and the runtime has started
 * some by now, so the program executes itself once more, which leaves but one; {@link takeStart} has the configuration
 * then. Returns where there is nothing to give up (a service manager may have seen to it), and where the kernel would give
 * it back. What takes more is done before: the limit of open files is raised.
 */
export function confine(config: Config): void {
  const problem = chrootProblem(config);
  if (problem !== null) throw new UserError(problem, EXIT_FAILED);
  raiseFileLimit(filesNeeded(config, config.global.maxconn));
  if (!keepCapabilities(config.global.chroot === null ? KEPT : [...KEPT, CAP_SYS_CHROOT])) return;
  const note = leaveNote(Buffer.from(JSON.stringify(config)));
  try {
    executeAnewWith(START_VARIABLE, note);
  } catch (error) {
    closeSync(note);
    // This thread has given them up all the same.
    if (!(error instanceof SystemError)) throw error;
  }
}

/** Why this process cannot lock another one into the directory that the file names; null: it can, or is not to. */
export function chrootProblem({ global: { chroot } }: Config): string | null {
  if (chroot === null || process.geteuid?.() !== 0) return null;
  if ((capabilities().permitted & (1n << BigInt(CAP_SYS_CHROOT))) !== 0n) return null;
  return "[global] chroot needs the capability CAP_SYS_CHROOT, which a service manager may withhold, and which is given up by whoever starts without a chroot: restart instead of upgrading";
}

/** The configuration that {@link confine} was given before it executed this program; null: it did not. Found once. */
export function takeStart(environment: Record<string, string | undefined>): Config | null {
  const [pid, fd] = (environment[START_VARIABLE] ?? "").split(":");
  delete environment[START_VARIABLE];
  // Left over in somebody's environment, it would name a descriptor that is another's.
  return pid === String(process.pid) ? (JSON.parse(readNote(Number(fd))) as Config) : null;
}
