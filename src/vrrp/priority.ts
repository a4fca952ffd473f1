import type { VrrpPriorityPart } from "../stats/vrrpSnapshot.ts";

/** What one tracker found, and how much it counts. */
export interface TrackerReport {
  /** Its name, which is its identity: "script chk_uplink", "interface eth1", "proxy", "listen web", "file /run/weight". */
  readonly tracker: string;
  /** unknown: no result yet. */
  readonly state: "unknown" | "ok" | "failed";
  /** -253..253; 0: failure means FAULT. */
  readonly weight: number;
  /** The contribution negated; with weight 0, ok means FAULT. */
  readonly reverse: boolean;
  /** Files only: what they add, which is their number times the weight, negated if `reverse`. */
  readonly amount?: number;
  /** Files only: whether their number means FAULT. */
  readonly fault?: boolean;
  /** What it found, in words; "" for nothing to say. */
  readonly detail: string;
}

/** The priority, how it came about, and what forbids to own the addresses. */
export interface Weighing {
  /** Base and all contributions, not clamped. */
  readonly total: number;
  /** What adverts carry: 1..254, or 255 for an owner. */
  readonly effective: number;
  readonly parts: readonly VrrpPriorityPart[];
  /** A sentence for each tracker that means FAULT. */
  readonly faults: readonly string[];
  /** Trackers that may mean FAULT and have not answered yet. */
  readonly waiting: readonly string[];
}

/** Base priority of the router that owns the addresses: weights do not count (RFC 9568 §5.2.4, keepalived). */
export const OWNER_PRIORITY = 255;

const HIGHEST = 254;
const LOWEST = 1;

/**
 * keepalived's arithmetic: the sum of base and contributions, clamped to 1..254 only at the end. `released`: an operator has
 * taken the router out of the election, which is the lowest priority whatever the sum, an owner's too.
 */
export function weigh(base: number, reports: readonly TrackerReport[], released = false): Weighing {
  const owner = base === OWNER_PRIORITY;
  const tracked: VrrpPriorityPart[] = reports.map(({ tracker, state, weight, reverse, detail, ...report }) => ({
    tracker,
    state,
    weight,
    reverse,
    amount: owner ? 0 : contribution({ tracker, state, weight, reverse, detail, ...report }),
    detail,
  }));
  const sum = tracked.reduce((total, { amount }) => total + amount, base);
  const parts = released ? [...tracked, operatorPart(sum)] : tracked;
  const total = released ? Math.min(sum, LOWEST) : sum;
  return {
    total,
    effective: owner && !released ? OWNER_PRIORITY : Math.min(HIGHEST, Math.max(LOWEST, total)),
    parts,
    faults: reports.filter(meansFault).map(reportSentence),
    waiting: reports.filter(({ state, weight }) => state === "unknown" && weight === 0).map(({ tracker }) => tracker),
  };
}

function operatorPart(sum: number): VrrpPriorityPart {
  return {
    tracker: "operator",
    state: "released",
    weight: -253,
    reverse: false,
    amount: Math.min(0, LOWEST - sum),
    detail: "",
  };
}

/** The sum in words: "103 = 101 + 2 (script chk_haproxy ok)". */
export function prioritySum(base: number, { total, effective, parts }: Weighing): string {
  const summands = parts
    .filter(({ weight }) => weight !== 0)
    .map(({ tracker, state, amount }) => ` ${amount < 0 ? "-" : "+"} ${Math.abs(amount)} (${tracker} ${state})`);
  const sum = summands.length === 0 ? `${total}` : `${total} = ${base}${summands.join("")}`;
  return total === effective ? sum : `${effective}, the limit for ${sum}`;
}

function contribution({ state, weight, reverse, amount }: TrackerReport): number {
  if (amount !== undefined) return amount;
  const added = state === "ok" ? Math.max(weight, 0) : state === "failed" ? Math.min(weight, 0) : 0;
  // Adding 0 turns the -0 of a negated nothing into 0.
  return (reverse ? -added : added) + 0;
}

/** Whether this forbids to own the addresses. */
export function meansFault({ state, weight, reverse, fault }: TrackerReport): boolean {
  return fault ?? (weight === 0 && state === (reverse ? "ok" : "failed"));
}

/** What a tracker found, in words: "script chk_uplink failed: exit status 1". */
export function reportSentence({ tracker, state, detail }: TrackerReport): string {
  return `${tracker} ${state}${detail === "" ? "" : `: ${detail}`}`;
}
