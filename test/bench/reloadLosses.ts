import { CORRUPT, type StormOutcome } from "../e2e/reload/storm.ts";
import type { StormResult } from "./reloadPlan.ts";

/** What was lost, kind by kind, and the short connections of which some may have been. */
export type Losses = Pick<StormResult, "tried" | "refused" | "reset" | "corrupt" | "transfersCut" | "idleLost">;

/** Counts what a storm has lost. */
export function lossesOf({ short, broken }: StormOutcome): Losses {
  const all = [...short.failed];
  const count = (wanted: (how: string) => boolean): number =>
    all.filter(([how]) => wanted(how)).reduce((sum, [, times]) => sum + times, 0);
  const isRefused = (how: string): boolean => how === "ECONNREFUSED" || how === "ETIMEDOUT";
  const isCorrupt = (how: string): boolean => how === "other bytes" || how === CORRUPT;
  const transfers = broken.filter(({ kind }) => kind === "transfer");
  return {
    tried: short.served + count(() => true),
    refused: count(isRefused),
    reset: count((how) => !isRefused(how) && !isCorrupt(how)),
    corrupt: count(isCorrupt) + transfers.filter(({ how }) => isCorrupt(how)).length,
    transfersCut: transfers.filter(({ how }) => !isCorrupt(how)).length,
    idleLost: new Set(broken.flatMap((each) => (each.kind === "idle" ? [each.session] : []))).size,
  };
}
