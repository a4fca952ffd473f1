/** A proxy process that ran this long counts as healthy: its crash is news, not part of a loop. */
const HEALTHY_MS = 60_000;
const FIRST_MS = 100;
const LONGEST_MS = 10_000;

/** How often in a row the proxy process has crashed soon after its start. */
export interface CrashHistory {
  readonly inARow: number;
}

export const NO_CRASHES: CrashHistory = { inARow: 0 };

/** What to do after a crash: the first restart comes at once, each further one in a row twice as late, up to 10 s. */
export function afterCrash(history: CrashHistory, ranMs: number): { history: CrashHistory; delayMs: number } {
  const inARow = ranMs >= HEALTHY_MS ? 1 : history.inARow + 1;
  return { history: { inARow }, delayMs: inARow === 1 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (inARow - 2)) };
}
