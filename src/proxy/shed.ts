import { capabilities, dropCapabilities } from "../net/capabilities.ts";
import { executeAnew } from "../net/execute.ts";
import { errno, libc, SystemError } from "../net/libc.ts";

const PR_SET_NO_NEW_PRIVS = 38;
const PR_GET_NO_NEW_PRIVS = 39;

/**
 * The first thing a proxy process does: gives up whatever it may do beyond what its account may, and every way to more.
 * An ordinary user's may have come as ambient capabilities, or from the executable's file. Both settings are the
 * thread's own and the runtime has started others by now, so the program is executed once more, which leaves but one.
 * (Root's capabilities are still needed to become another user; that takes them from all threads.)
 */
export function shedPrivileges(): void {
  const root = process.geteuid?.() === 0;
  const clean = root || capabilities().permitted === 0n;
  if (clean && libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) === 1) return;
  if (!root) dropCapabilities();
  if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) throw new SystemError("prctl", errno());
  executeAnew();
}
