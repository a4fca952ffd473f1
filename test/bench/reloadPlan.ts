/** Ours; ours that is upgraded in between; HAProxy in master-worker mode, which hands its sockets over; HAProxy started anew with -sf, which does not. */
export const WAYS = ["haproxy-lite", "haproxy-lite upgraded", "haproxy -W", "haproxy -sf"] as const;
export type Way = (typeof WAYS)[number];

/** What is run: the same for each way. */
export interface Plan {
  readonly ways: readonly Way[];
  /** Short connections served, and reloads spread over them. */
  readonly connections: number;
  readonly reloads: number;
  /** Upgrades among the reloads, where that is the way. */
  readonly upgrades: number;
  /** Of 64 KiB, in one long transfer. */
  readonly pieces: number;
  /** Reloads with a server that is DOWN. */
  readonly deadReloads: number;
}

/** What came of one way. */
export interface StormResult {
  readonly way: Way;
  /** Load average over one minute when it began. */
  readonly loadBefore: number;
  /** Short connections tried; those that got no connection; those that were reset or broke off; those with other bytes. */
  readonly tried: number;
  readonly refused: number;
  readonly reset: number;
  readonly corrupt: number;
  readonly transfers: number;
  readonly transfersCut: number;
  readonly idle: number;
  readonly idleLost: number;
  /** From the order until the new settings are in effect. */
  readonly reloadMs: readonly number[];
  /** From the order of an upgrade until its proxy process serves. */
  readonly upgradeMs: readonly number[];
  /** After the last reload and the rest of the traffic: all processes, those that an earlier reload has left, and memory. */
  readonly processes: number;
  readonly oldProcesses: number;
  readonly memoryMb: number;
  readonly oldMemoryMb: number;
  /** Sessions that the listen's counter says there were, and what it should say. */
  readonly counted: number;
  readonly sessions: number;
  /** The same of the bytes from clients, and to them. */
  readonly countedBytes: readonly [received: number, sent: number];
  readonly bytes: number;
  /** How often the kernel told that the virtual IP was gone; null: there was none. */
  readonly addressLost: number | null;
  /** For each reload with a server that is DOWN: for how long it was taken for UP after it; and connections lost in all. */
  readonly upMs: readonly number[];
  readonly lostToDead: number;
}
