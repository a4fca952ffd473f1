import { openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { libc } from "./libc.ts";

const PR_SET_DUMPABLE = 4;

/** Whose file rights one goes by. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Runs a synchronous change to the entry `path` of a directory with the file rights of whoever owns that directory; what it
 * makes belongs to that one. Root needs that without CAP_DAC_OVERRIDE (CAP_SETUID and CAP_SETGID do instead); for anybody
 * else, and in a directory of root's own, nothing is different.
 */
export function asDirectoryOwner<T>(path: string, change: () => T): T {
  const owner = ownerOfNearest(dirname(path));
  return owner.uid === 0 ? change() : asOwner(owner, change);
}

/**
 * Opens a file, where root without CAP_DAC_OVERRIDE may not with the rights of whoever owns the file, or the directory that
 * is closed to us. Throws as openSync does.
 */
export function openAsOwner(path: string, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    return asOwner(ownerOfNearest(path), () => openSync(path, flags));
  }
}

/** Runs something synchronous, of this thread alone, with the file rights of somebody else, if we are root. */
export function asOwner<T>({ uid, gid }: Owner, action: () => T): T {
  if (process.geteuid?.() !== 0) return action();
  const gidBefore = libc.setfsgid(gid) >>> 0;
  const uidBefore = libc.setfsuid(uid) >>> 0;
  try {
    return action();
  } finally {
    libc.setfsuid(uidBefore);
    libc.setfsgid(gidBefore);
    // The kernel has made us undumpable for it: what we start could not find us in /proc any more.
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  }
}

/** Who owns the path, or the nearest directory above it that we can see. */
function ownerOfNearest(path: string): Owner {
  for (let at = path; ; at = dirname(at)) {
    try {
      return statSync(at);
    } catch (error) {
      if (at === dirname(at)) throw error;
    }
  }
}
