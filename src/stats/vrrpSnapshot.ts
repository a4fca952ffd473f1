/** How the virtual routers stand: plain JSON, made by the supervisor, shown by `status`. Ages are whole ms at the moment of taking. */
export interface VrrpSnapshot {
  routerId: string;
  instances: VrrpInstanceSnapshot[];
}

/** INIT: trackers have not all answered yet; the others as in RFC 9568 §6.4, and keepalived's FAULT. */
export type VrrpStateName = "INIT" | "BACKUP" | "MASTER" | "FAULT";

export interface VrrpInstanceSnapshot {
  name: string;
  interface: string;
  virtualRouterId: number;
  version: 2 | 3;
  family: 4 | 6;
  state: VrrpStateName;
  /** Time in this state. */
  inStateMs: number;
  /** The last change of state; null: none yet. */
  lastTransition: VrrpTransition | null;
  syncGroup: string | null;
  /** An operator has taken it out of the election; null: nobody has. */
  released: VrrpRelease | null;
  /** What a BACKUP waits for; null: it is none. */
  waiting: VrrpWaiting | null;
  priority: {
    /** As configured, with everything added, and what adverts carry: the total within 1..254 (255 stays 255). */
    base: number;
    total: number;
    effective: number;
    parts: VrrpPriorityPart[];
  };
  /** Why it is in FAULT, in words; empty when it is not. */
  faults: string[];
  /** In the order of the advert, then the excluded ones; as "192.0.2.100/24". `present`: on the interface now. */
  addresses: { address: string; excluded: boolean; present: boolean }[];
  advertIntMs: number;
  /** Silence after which a BACKUP takes over, skew included; follows the MASTER's interval in version 3. */
  masterDownMs: number;
  /** The router whose adverts were heard last; null: nobody yet. */
  peer: VrrpPeerSnapshot | null;
  /** Hosts that answered for an address while it was ours. */
  rivals: { address: string; mac: string; answers: number; agoMs: number }[];
  counters: VrrpCounters;
  /** Adverts that were refused, by reason; reasons that never came up are left out. */
  rejected: Record<string, number>;
}

/** `vrrp release`: the lowest priority, and MASTER only while nobody else is there; with `hold` not even then. */
export interface VrrpRelease {
  hold: boolean;
  /** Epoch ms. */
  sinceWallMs: number;
}

export interface VrrpWaiting {
  /** Until it takes over, should no advert come that begins the wait anew; null: it will not, because its sync group is not ready, or because it is held. */
  takeoverInMs: number | null;
  /** Whether it takes over from a working MASTER of lower priority; false: `nopreempt`. */
  preempt: boolean;
  /** What is left of `preempt_delay`; null: it does not run. */
  preemptInMs: number | null;
}

export interface VrrpTransition {
  from: VrrpStateName;
  to: VrrpStateName;
  /** The sentence of the log line: "no advert from 192.0.2.1 (priority 101) for 3.61 s". */
  cause: string;
  /** Epoch ms. */
  wallMs: number;
}

/** What one tracker adds to the priority. */
export interface VrrpPriorityPart {
  /** "script chk_uplink", "interface eth1", "proxy", "listen web", "file /run/weight", "operator". */
  tracker: string;
  /** released: the operator's part alone. */
  state: "unknown" | "ok" | "failed" | "released";
  weight: number;
  reverse: boolean;
  /** Added to the priority now. */
  amount: number;
  /** What it found, in words; "" for nothing to say. */
  detail: string;
}

export interface VrrpPeerSnapshot {
  address: string;
  priority: number;
  /** As in its adverts. */
  intervalMs: number;
  /** Since its last valid advert. */
  agoMs: number;
}

export interface VrrpCounters {
  advertsSent: number;
  advertsReceived: number;
  becameMaster: number;
  releasedMaster: number;
  priorityZeroSent: number;
  priorityZeroReceived: number;
  /** Gratuitous ARP and neighbour advertisement frames. */
  announcements: number;
  /** Adverts the kernel refused to send. */
  sendErrors: number;
  /** Valid adverts whose address list differs from ours. */
  addressListMismatches: number;
  /** Times that addresses were found missing while MASTER, and put back. */
  addressesRestored: number;
  /** Times that our timers ran late by more than an advert interval. */
  stalls: number;
}
