import { closeSync, openSync } from "node:fs";
import { libc } from "../../src/net/libc.ts";
import { fileLimit } from "../../src/net/limits.ts";

const RLIMIT_NOFILE = 7;

function setSoftLimit(soft: number, hard: number): void {
  if (libc.setrlimit(RLIMIT_NOFILE, new BigUint64Array([BigInt(soft), BigInt(hard)])) !== 0)
    throw new Error("setrlimit");
}

/** Runs `fn` while this process can open nothing more: EMFILE from every call that makes an fd. */
export function withoutFreeFds<T>(fn: () => T): T {
  const { soft, hard } = fileLimit();
  // The kernel gives the lowest free number, so a limit at that number is a limit at "no more".
  const lowestFree = openSync("/dev/null", "r");
  closeSync(lowestFree);
  setSoftLimit(lowestFree, hard);
  try {
    return fn();
  } finally {
    setSoftLimit(soft, hard);
  }
}
