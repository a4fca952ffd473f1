import { CString, type Pointer, read } from "bun:ffi";
import { libc } from "./libc.ts";

/** An account of the system's user database (files, LDAP, whatever nsswitch names). */
export interface Account {
  name: string;
  uid: number;
  /** The user's primary group. */
  gid: number;
}

// struct passwd on 64-bit Linux, glibc and musl: char *name, *passwd; uid_t uid; gid_t gid; …
const PASSWD = { name: 0, uid: 16, gid: 20 } as const;
// struct group: char *name, *passwd; gid_t gid; …
const GROUP_GID = 16;

/** The account with this name or number; null when there is none. */
export function findUser(user: string | number): Account | null {
  const entry = typeof user === "number" ? libc.getpwuid(user) : libc.getpwnam(cString(user));
  if (entry === null) return null;
  const name = read.ptr(entry, PASSWD.name) as Pointer;
  return { name: String(new CString(name)), uid: read.u32(entry, PASSWD.uid), gid: read.u32(entry, PASSWD.gid) };
}

/** The number of a group given by name or number; null when no group has that name. A number needs no entry. */
export function findGroup(group: string | number): number | null {
  if (typeof group === "number") return group;
  const entry = libc.getgrnam(cString(group));
  return entry === null ? null : read.u32(entry, GROUP_GID);
}

function cString(text: string): Uint8Array {
  return Buffer.from(`${text}\0`);
}
