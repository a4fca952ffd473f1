import { statSync } from "node:fs";
import { dirname } from "node:path";
import { libc } from "./libc.ts";

const PR_SET_DUMPABLE = 4;

/**
 * Runs a synchronous change to the entry `path` of a directory with the file rights of whoever owns that directory. Root
 * needs that once it has given CAP_DAC_OVERRIDE up (CAP_SETUID and CAP_SETGID do instead); for anybody else, and in a
 * directory of root's own, nothing is different.
 */
export function asDirectoryOwner<T>(path: string, change: () => T): T {
  const owner = foreignOwner(dirname(path));
  if (owner === null) return change();
  libc.setfsgid(owner.gid);
  libc.setfsuid(owner.uid);
  try {
    return change();
  } finally {
    libc.setfsuid(0);
    libc.setfsgid(0);
    // The kernel has made us undumpable for it: what we start could not find us in /proc any more.
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  }
}

function foreignOwner(directory: string): { uid: number; gid: number } | null {
  if (process.geteuid?.() !== 0) return null;
  const stat = statSync(directory, { throwIfNoEntry: false });
  return stat === undefined || stat.uid === 0 ? null : stat;
}
