import { readFileSync } from "node:fs";
import type { Clock } from "../core/clock.ts";
import { libc } from "./libc.ts";

const MADV_DONTNEED = 4;
/** After this the start is over. */
const SETTLED_MS = 1000;

/** Call when the process serves: what only its start needed is given back a little later. */
export function releaseStartupPagesSoon(clock: Clock): void {
  clock.after(SETTLED_MS, releaseStartupPages);
}

/**
 * Gives back the resident pages of the program's own code: most of them only the start needed (parsing, compiling, the
 * schema). The mapping is read-only and backed by the file, so what is needed again is simply mapped in again, a few
 * hundred nanoseconds a page. Halves the resident size of a process that has little left to do.
 */
function releaseStartupPages(): void {
  for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
    const mapping = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \d+\s+(.*)$/.exec(line);
    if (mapping === null || mapping[3] !== process.execPath) continue;
    const start = Number.parseInt(mapping[1] as string, 16);
    const end = Number.parseInt(mapping[2] as string, 16);
    libc.madvise(start, end - start, MADV_DONTNEED);
  }
}
