import type { Clock } from "../core/clock.ts";
import type { Level } from "../core/syslogCodes.ts";
import type { VrrpInstanceSnapshot, VrrpStateName } from "../stats/vrrpSnapshot.ts";
import type { AddressHolder, AdvertTransport, Announcer } from "./ports.ts";
import type { Cause, Peer } from "./transitions.ts";

/** A change of state, as people are told of it. */
export interface TransitionReport {
  readonly from: VrrpStateName;
  readonly to: VrrpStateName;
  /** A sentence without a full stop that says everything, the sum of the priority included. */
  readonly cause: string;
  /** The effective one. */
  readonly priority: number;
  /** What led to it, for whoever looks for the event behind it. */
  readonly why: TransitionWhy;
}

/** What led to a change of state. */
export interface TransitionWhy {
  readonly kind: Cause["kind"];
  /** Trackers that mean FAULT: "listen web". */
  readonly trackers: readonly string[];
  /** The member of the sync group that it moved with; null: it moved by itself. */
  readonly member: string | null;
}

/** What a line of the log is about. */
export interface Remark {
  /** One word: "priority", "released", "resumed", "rival", "stalled", … */
  readonly change: string;
  /** The tracker that is behind it; null: none is. */
  readonly tracker: string | null;
}

/** Who hears what a virtual router does. Texts do not name the instance. */
export interface RouterObserver {
  /** The one log line of a change of state is made of this; it is in no {@link onLog}. */
  onTransition(transition: TransitionReport): void;
  onLog(level: Level, text: string, remark: Remark): void;
  onPriorityChange(effective: number): void;
  /** A MASTER heard another one of lower rank: notify_master_rx_lower_pri. */
  onRival(peer: Peer): void;
  /** What a snapshot shows changed, other than by counting. */
  onChange(): void;
}

/** The world of one virtual router. */
export interface RouterPorts {
  readonly clock: Clock;
  readonly transport: AdvertTransport;
  readonly addresses: AddressHolder;
  readonly announcer: Announcer;
  readonly observer: RouterObserver;
  /** For snapshots: whether an address, as "192.0.2.100/24", is on the interface now. */
  present(address: string): boolean;
  /** false: it waits for its whole skew after priority 0 even from the only other router, as keepalived. Default: true. */
  readonly hurries?: boolean;
  /** For snapshots: hosts that answered for an address while it was ours. */
  rivals(): VrrpInstanceSnapshot["rivals"];
}
