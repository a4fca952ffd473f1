import { errno, libc, SystemError } from "../net/libc.ts";
import type { ProxyStart } from "./protocol.ts";

const PR_SET_NO_NEW_PRIVS = 38;

/**
 * Becomes the account for good: its groups, its group, itself, in that order (afterwards the process may not change them),
 * and never again more than that, whatever it executes. Throws when the kernel refuses or when root could be had back.
 */
export function dropPrivileges(account: NonNullable<ProxyStart["account"]>): void {
  const us = process as NodeJS.Process & { initgroups(user: string, extraGroup: number): void };
  if (account.name === null) us.setgroups?.([account.gid]);
  else us.initgroups(account.name, account.gid);
  us.setgid?.(account.gid);
  us.setuid?.(account.uid);
  if (us.getuid?.() !== account.uid) throw new Error(`the kernel did not let us become uid ${account.uid}`);
  // This thread and those that it starts: the relay threads.
  if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) throw new SystemError("prctl", errno());
  if (account.uid === 0) return;
  try {
    us.setuid?.(0);
  } catch {
    return;
  }
  throw new Error(`still able to become root after changing to uid ${account.uid}`);
}
