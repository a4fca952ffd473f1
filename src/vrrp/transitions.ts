import { assertNever } from "../core/errors.ts";
import type { VrrpStateName } from "../stats/vrrpSnapshot.ts";
import { formatAddress } from "./address.ts";

/** Another router, as its last advert showed it. */
export interface Peer {
  /** 4 or 16 bytes. */
  readonly source: Uint8Array;
  readonly priority: number;
  /** Between its adverts. */
  readonly intervalMs: number;
  /** When its last advert came. */
  readonly heardAtMs: number;
}

/** Why a virtual router changed its state. */
export type Cause =
  | { readonly kind: "started" }
  | { readonly kind: "recovered" }
  /** Priority 255: no election is waited for. */
  | { readonly kind: "owner" }
  /** Nobody was heard; `master` is who was heard last. */
  | { readonly kind: "silence"; readonly master: Peer | null; readonly silentMs: number }
  | { readonly kind: "resigned"; readonly peer: Peer }
  /** A working MASTER of lower priority is replaced. */
  | { readonly kind: "preempted"; readonly peer: Peer }
  /** A better MASTER was heard. */
  | { readonly kind: "outranked"; readonly peer: Peer }
  | { readonly kind: "faults"; readonly faults: readonly string[] }
  /** Our timers ran so late that somebody may have taken over. */
  | { readonly kind: "stalled"; readonly lateMs: number }
  /** A member of the sync group moved, and all move with it. */
  | { readonly kind: "group"; readonly group: string; readonly member: string; readonly because: string }
  /** An operator has taken it out of the election. */
  | { readonly kind: "released" }
  | { readonly kind: "stopped" };

/** A change of state, ready for the log line. */
export interface Transition {
  readonly from: VrrpStateName;
  readonly to: VrrpStateName;
  readonly cause: Cause;
}

/** The cause in words, without a full stop: "no advert from 192.0.2.1 (priority 101) for 3.61 s". */
export function causeSentence(cause: Cause): string {
  switch (cause.kind) {
    case "started":
      return "started, waiting for adverts";
    case "recovered":
      return "all faults are gone, waiting for adverts";
    case "owner":
      return "it owns the addresses (priority 255)";
    case "silence":
      return `no advert${cause.master === null ? "" : ` from ${peerName(cause.master)}`} for ${seconds(cause.silentMs)}`;
    case "resigned":
      return `${formatAddress(cause.peer.source)} resigned (advert of priority 0)`;
    case "preempted":
      return `${peerName(cause.peer)} is MASTER with a lower priority`;
    case "outranked":
      return `advert from ${peerName(cause.peer)}, which ranks higher`;
    case "faults":
      return cause.faults.join("; ");
    case "stalled":
      return `our timers ran ${seconds(cause.lateMs)} late: another router may be MASTER, listening first`;
    case "group":
      return `sync group ${cause.group}: ${cause.member} left MASTER: ${cause.because}`;
    case "released":
      return "released by an operator";
    case "stopped":
      return "stopped";
    default:
      return assertNever(cause);
  }
}

/** "192.0.2.1 (priority 101)". */
export function peerName({ source, priority }: Pick<Peer, "source" | "priority">): string {
  return `${formatAddress(source)} (priority ${priority})`;
}

/** A duration for people: "3.61 s". */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
