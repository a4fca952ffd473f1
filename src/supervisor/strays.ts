import { readFileSync } from "node:fs";
import type { Clock } from "../core/clock.ts";
import { reap } from "../net/execute.ts";

const LOOK_MS = 500;

/**
 * Takes note of the end of every child that the program before this one left behind, such as scripts: nobody else does, for
 * the runtime does not know them. To be called before this program has children of its own; `others` look after some themselves.
 */
export function reapStrays(others: readonly number[], clock: Clock): void {
  let strays = children().filter((pid) => !others.includes(pid));
  const look = (): void => {
    strays = strays.filter((pid) => reap(pid) === null);
    if (strays.length > 0) clock.after(LOOK_MS, look);
  };
  look();
}

function children(): number[] {
  try {
    const pids = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1");
    return pids.split(" ").filter(Boolean).map(Number);
  } catch {
    return []; // a kernel without CONFIG_PROC_CHILDREN: they stay zombies until we end
  }
}
