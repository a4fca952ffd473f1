import type { VrrpCounters, VrrpRelease, VrrpTransition } from "../stats/vrrpSnapshot.ts";
import type { ChecksumDialect } from "./checksum.ts";
import type { RouterIdentity } from "./identity.ts";
import type { TrackerReport } from "./priority.ts";

/** How the virtual routers of this process stand, for the program that takes its place. Plain JSON; ages instead of times. */
export interface VrrpHandoff {
  readonly instances: readonly RouterHandoff[];
  /** Settings of interfaces that were changed, as they were before: "IFINDEX KEY" and the value. */
  readonly settings: Readonly<Record<string, number>>;
}

/** One virtual router. */
export interface RouterHandoff extends RouterIdentity {
  readonly name: string;
  readonly standing: ResumedState;
  readonly inStateMs: number;
  readonly lastTransition: VrrpTransition | null;
  readonly counters: VrrpCounters;
  /** Left out by versions that know no such thing. */
  readonly released?: VrrpRelease | null;
  readonly reports: readonly TrackerReport[];
  /** Checksums that receivers of adverts were found to make. */
  readonly dialects: Readonly<Record<string, ChecksumDialect>>;
}

/** The state to go on in; INIT is no state to go on in. */
export type ResumedState =
  | { readonly kind: "master" }
  | { readonly kind: "backup"; readonly learnedIntervalMs: number | null }
  | { readonly kind: "fault" };
