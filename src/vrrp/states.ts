import type { VrrpStateName } from "../stats/vrrpSnapshot.ts";
import type { ResumedState } from "./handoff.ts";
import type { TimerSettings } from "./timers.ts";
import type { Cause, Peer, Transition } from "./transitions.ts";

/** The words of the machine: its states, what happens to it, and what it wants done. The rules are in machine.ts. */

/** A virtual router's state. FAULT is keepalived's, the others are those of RFC 9568 §6.4. */
export type RouterState =
  | { readonly kind: "init" }
  | BackupState
  | { readonly kind: "master"; readonly advertAtMs: number }
  | { readonly kind: "fault" };

/** Waiting for the MASTER to fall silent. */
export interface BackupState {
  readonly kind: "backup";
  readonly sinceMs: number;
  /** When it takes over; null: it would have, but others of its sync group are not ready. */
  readonly downAtMs: number | null;
  /** The interval of the MASTER's adverts, version 3 only; null: none accepted yet. */
  readonly learnedIntervalMs: number | null;
  /** Who is MASTER, to the best of our knowledge, lower ones that we are about to replace included. */
  readonly master: Peer | null;
  /** The MASTER that resigned last. */
  readonly resigned: Peer | null;
  /** End of preempt_delay; null: no lower MASTER was heard. */
  readonly preemptAtMs: number | null;
}

/** What the machine knows of its configuration. */
export interface MachineConfig extends TimerSettings {
  /** Between our own adverts. */
  readonly intervalMs: number;
  /** Whether it takes over from a working MASTER of lower priority. */
  readonly preempt: boolean;
  /** For how long it tolerates such a MASTER first. */
  readonly preemptDelayMs: number;
  /** Our address in adverts; null: none at the moment. */
  readonly source: Uint8Array | null;
  /** Member of a sync group: waits for its `promote`. */
  readonly grouped: boolean;
  /** An operator has taken it out of the election for good: it does not become MASTER, even if nobody else is there. */
  readonly held: boolean;
}

/** What happens to a virtual router. */
export type RouterEvent =
  /** The process runs again after waiting, and nothing else was handled yet. `jumpMs`: wall time that passed beyond monotonic time. */
  | { readonly kind: "wake"; readonly jumpMs: number }
  /** The deadline may have come. */
  | { readonly kind: "timer" }
  /** A valid advert. `alone`: its sender is the only other router that was heard of. */
  | { readonly kind: "advert"; readonly peer: Peer; readonly alone: boolean }
  /** Faults as they are now, and trackers that have not answered yet. */
  | { readonly kind: "health"; readonly faults: readonly string[]; readonly waiting: readonly string[] }
  /** Before the start: the program before this one was in this state, and nobody has noticed that it is gone. */
  | { readonly kind: "resume"; readonly standing: ResumedState }
  /** Priority, intervals or the like changed; `was` is the former configuration. */
  | { readonly kind: "configured"; readonly was: MachineConfig }
  | { readonly kind: "addressesMissing" }
  /** The sync group: every member is ready. */
  | { readonly kind: "promote" }
  /** The sync group: another member left MASTER. `resign`: tell the peers. */
  | { readonly kind: "yield"; readonly cause: Cause; readonly resign: boolean }
  /** An operator has taken it out of the election; the priority is the lowest already. */
  | { readonly kind: "release" }
  | { readonly kind: "stop" };

/** What is to be done about it, in this order. */
export type Effect =
  | { readonly kind: "advert" }
  /** An advert of priority 0, twice: one may be lost. */
  | { readonly kind: "resign" }
  /** Addresses: add what is missing, renew. */
  | { readonly kind: "hold" }
  /** Addresses off, announcements end. */
  | { readonly kind: "release" }
  /** First announcements of a new MASTER. */
  | { readonly kind: "announce" }
  /** Still MASTER, in another program. */
  | { readonly kind: "resumed" }
  /** Announcements after something that may have misled the neighbours. */
  | { readonly kind: "reassert" }
  | { readonly kind: "rival"; readonly peer: Peer }
  | { readonly kind: "stalled"; readonly lateMs: number }
  | { readonly kind: "restored" }
  | ({ readonly kind: "transition" } & Transition);

/** The new state, and what to do. */
export type Step = readonly [RouterState, readonly Effect[]];

/** Before the start, and after the end. */
export const INITIAL: RouterState = { kind: "init" };

const NAMES = { init: "INIT", backup: "BACKUP", master: "MASTER", fault: "FAULT" } as const;

/** The state's name as people see it. */
export function stateName(state: RouterState): VrrpStateName {
  return NAMES[state.kind];
}

/** When the machine wants a `timer` event; null: never. */
export function deadlineMs(state: RouterState): number | null {
  if (state.kind === "master") return state.advertAtMs;
  return state.kind === "backup" ? state.downAtMs : null;
}

/** Ready to become MASTER as soon as its sync group is. */
export function isReady(state: RouterState): boolean {
  return state.kind === "backup" && state.downAtMs === null;
}

/** The interval that a BACKUP reckons with: its MASTER's in version 3 (RFC 9568 §6.1), its own in version 2. */
export function masterIntervalMs(state: RouterState, { version, intervalMs }: MachineConfig): number {
  return (version === 3 && state.kind === "backup" ? state.learnedIntervalMs : null) ?? intervalMs;
}
