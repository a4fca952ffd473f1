import type { Fault } from "./faults.ts";
import { BOTH, other, type Which } from "./pair.ts";
import type { Played } from "./play.ts";

/**
 * What a row comes to. stuck: the addresses stay on a host that cannot serve, while the other could. split: the members of a
 * sync group are on different hosts.
 */
export type Verdict = "fine" | "stuck" | "nobody" | "two owners" | "flaps" | "split";

/** From bad to good. */
export const WORST_FIRST: readonly Verdict[] = ["two owners", "flaps", "nobody", "stuck", "split", "fine"];

/** A verdict, and whether it could have been otherwise. */
export interface Judgement {
  readonly verdict: Verdict;
  /** Why no other configuration would do better; "" for fine, and for what is a problem. */
  readonly excuse: string;
}

/** Judges what a fault, or a start (null), did to a virtual router. */
export function judge(played: Played, fault: Fault | null): Judgement {
  const { settled, during, could } = played;
  const { owners } = during;
  if (!settled) return { verdict: "flaps", excuse: "" };
  if (owners.length === 2) return { verdict: "two owners", excuse: excuseForTwo(fault) };
  const [owner] = owners;
  if (owner === undefined) {
    const lost = BOTH.some((which) => could[which].something);
    return { verdict: "nobody", excuse: lost ? "" : "neither host could serve" };
  }
  return isStuck(owner, could) ? { verdict: "stuck", excuse: "" } : { verdict: "fine", excuse: "" };
}

function excuseForTwo(fault: Fault | null): string {
  if (fault?.blocksAdverts) return "adverts are all that VRRP has to tell a dead host from one that cannot be heard";
  if (fault?.leavesAddress) return "keepalived leaves its address behind when it does not run";
  return "";
}

function isStuck(owner: Which, could: Played["could"]): boolean {
  const [mine, theirs] = [could[owner], could[other(owner)]];
  return (!mine.all && theirs.all) || (!mine.something && theirs.something);
}
