import { type Stats, statSync } from "node:fs";

const WRITABLE_BY_OTHERS = 0o022;

/**
 * Why a directory is no place to lock a process into, as the end of the sentence "PATH …"; null when nothing speaks
 * against it, or when this user may not find out. Whoever can write there could offer the process its own /etc/passwd.
 */
export function chrootProblem(path: string): string | null {
  const stat = statOrCode(path);
  if (typeof stat === "string") return stat === "ENOENT" || stat === "ENOTDIR" ? "does not exist" : null;
  if (!stat.isDirectory()) return "is not a directory";
  if (stat.uid !== 0) return `belongs to uid ${stat.uid} instead of root`;
  return (stat.mode & WRITABLE_BY_OTHERS) === 0 ? null : "can be written to by others than root";
}

/** Whether something is there; also true when this user may not find out. */
export function isThere(path: string): boolean {
  const stat = statOrCode(path);
  return stat !== "ENOENT" && stat !== "ENOTDIR";
}

function statOrCode(path: string): Stats | string {
  try {
    return statSync(path);
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
