import { errno, libc, SystemError } from "./libc.ts";

const RLIMIT_NOFILE = 7;

/** Open-file limits of this process; `Infinity` is reported as 2^63-1 by the kernel and stays a large number. */
export interface FileLimit {
  soft: number;
  hard: number;
}

export function fileLimit(): FileLimit {
  const words = new BigUint64Array(new ArrayBuffer(16));
  if (libc.getrlimit(RLIMIT_NOFILE, words) < 0) throw new SystemError("getrlimit", errno());
  return { soft: Number(words[0]), hard: Number(words[1]) };
}

/**
 * Raises the soft limit to `wanted`, and the hard one too where the process may (CAP_SYS_RESOURCE). Returns the soft limit
 * that is then in force, which can be lower than wanted.
 */
export function raiseFileLimit(wanted: number): number {
  const { soft, hard } = fileLimit();
  if (soft >= wanted) return soft;
  const words = new BigUint64Array(new ArrayBuffer(16));
  for (const [newSoft, newHard] of [
    [wanted, Math.max(hard, wanted)],
    [Math.min(wanted, hard), hard],
  ] as const) {
    words[0] = BigInt(newSoft);
    words[1] = BigInt(newHard);
    if (libc.setrlimit(RLIMIT_NOFILE, words) === 0) return newSoft;
  }
  return soft;
}
