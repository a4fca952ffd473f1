import type { VrrpStatus } from "../../src/stats/snapshot.ts";
import type { VrrpCounters, VrrpInstanceSnapshot, VrrpSnapshot } from "../../src/stats/vrrpSnapshot.ts";
import { DAY_MS, HOUR_MS } from "./tableCases.ts";

const NO_COUNTS: VrrpCounters = {
  advertsSent: 0,
  advertsReceived: 0,
  becameMaster: 0,
  releasedMaster: 0,
  priorityZeroSent: 0,
  priorityZeroReceived: 0,
  announcements: 0,
  sendErrors: 0,
  addressListMismatches: 0,
  addressesRestored: 0,
  stalls: 0,
};

/** The epoch ms that a clock on the wall shows as this, wherever it hangs. */
export const WALL_MS = new Date(2026, 10, 22, 16, 5, 9).getTime();

/** A router that is MASTER and well. */
export function instanceWith(over: Partial<VrrpInstanceSnapshot> = {}): VrrpInstanceSnapshot {
  return {
    name: "VI_1",
    interface: "eth0",
    virtualRouterId: 51,
    version: 2,
    family: 4,
    state: "MASTER",
    inStateMs: 3 * DAY_MS + 4 * HOUR_MS,
    lastTransition: {
      from: "BACKUP",
      to: "MASTER",
      cause: "no advert from 192.0.2.2 (priority 100) for 3.61 s",
      wallMs: WALL_MS,
    },
    syncGroup: null,
    released: null,
    waiting: null,
    priority: { base: 101, total: 101, effective: 101, parts: [] },
    faults: [],
    addresses: [{ address: "192.0.2.100/24", excluded: false, present: true }],
    advertIntMs: 1000,
    masterDownMs: 3605,
    peer: null,
    rivals: [],
    counters: NO_COUNTS,
    rejected: {},
    ...over,
  };
}

/** Counters that have moved. */
export function counted(over: Partial<VrrpCounters>): VrrpCounters {
  return { ...NO_COUNTS, ...over };
}

/** What the supervisor tells of these. */
export function vrrpWith(...instances: VrrpInstanceSnapshot[]): VrrpSnapshot {
  return { routerId: "lb01", instances };
}

/** The same in a snapshot of the proxy process. */
export function vrrpStatusWith(...instances: VrrpInstanceSnapshot[]): VrrpStatus {
  return { ...vrrpWith(...instances), ageMs: 0 };
}
