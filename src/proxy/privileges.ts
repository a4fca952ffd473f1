import { dropCapabilities } from "../net/capabilities.ts";
import type { ProxyStart } from "./protocol.ts";

/**
 * Becomes the account for good: its groups, its group, itself, in that order (afterwards the process may not change them).
 * That it can become no more than that, whatever it executes, proxy/shed.ts has seen to. Throws when the kernel refuses or when root could be had back.
 */
export function dropPrivileges(account: NonNullable<ProxyStart["account"]>): void {
  const us = process as NodeJS.Process & { initgroups(user: string, extraGroup: number): void };
  if (account.name === null) us.setgroups?.([account.gid]);
  else us.initgroups(account.name, account.gid);
  us.setgid?.(account.gid);
  us.setuid?.(account.uid);
  if (us.getuid?.() !== account.uid) throw new Error(`the kernel did not let us become uid ${account.uid}`);
  // Who stays root has not lost them by that.
  dropCapabilities();
  if (account.uid === 0) return;
  try {
    us.setuid?.(0);
  } catch {
    return;
  }
  throw new Error(`still able to become root after changing to uid ${account.uid}`);
}
