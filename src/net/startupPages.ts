import { readFileSync } from "node:fs";
import type { Clock } from "../core/clock.ts";
import { libc } from "./libc.ts";

const MADV_DONTNEED = 4;
/** After this the start is over. */
const SETTLED_MS = 1000;

/** Where the program's own code is mapped: from an address, so many bytes. */
export type CodeMapping = readonly [start: number, bytes: number];

/**
 * Call when the process serves: what only its start needed is given back a little later. A process without /proc, in a
 * chroot, must have looked for `code` before.
 */
export function releaseStartupPagesSoon(clock: Clock, code: readonly CodeMapping[] = findCode()): void {
  clock.after(SETTLED_MS, () => release(code));
}

/** The mappings of the running executable, which do not change. */
export function findCode(): CodeMapping[] {
  return readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .flatMap((line) => {
      const mapping = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \d+\s+(.*)$/.exec(line);
      if (mapping === null || mapping[3] !== process.execPath) return [];
      const start = Number.parseInt(mapping[1] as string, 16);
      return [[start, Number.parseInt(mapping[2] as string, 16) - start] as const];
    });
}

/**
 * Gives back the resident pages of the program's own code: most of them only the start needed (parsing, compiling, the
 * schema). The mapping is read-only and backed by the file, so what is needed again is simply mapped in again, a few
 * hundred nanoseconds a page. Halves the resident size of a process that has little left to do.
 */
function release(code: readonly CodeMapping[]): void {
  for (const [start, bytes] of code) libc.madvise(start, bytes, MADV_DONTNEED);
}
