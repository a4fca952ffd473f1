import type { VrrpInstanceConfig } from "../../config/schema.ts";
import type { Pair, Side, Subject } from "./pair.ts";

/** What can be wrong with a pair, whatever each file says for itself. */
export type FindingCode =
  | "unpaired"
  | "vrid"
  | "version"
  | "auth"
  | "advert_int"
  | "virtual_ipaddress"
  | "subnet"
  | "family"
  | "unicast"
  | "checksum"
  | "sync_group"
  | "same_host"
  | "equal_priority"
  | "state"
  | "owner"
  | "weight"
  | "nopreempt"
  | "nopreempt_weight"
  | "password_length"
  | "slow_handover"
  | "script"
  | "no_track"
  | "all_or_nothing"
  | "shared_script"
  | "standby_stopped";

/** One thing that is wrong with a pair. */
export interface Finding {
  readonly code: FindingCode;
  /** The virtual router that it is about. */
  readonly subject: string;
  /** What is wrong and what follows from it, without a full stop. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** A virtual router that both hosts have. */
export interface Match {
  readonly pair: Pair;
  readonly subject: Subject;
  readonly a: VrrpInstanceConfig;
  readonly b: VrrpInstanceConfig;
  /** Names of the hosts. */
  readonly names: readonly [string, string];
  find(code: FindingCode, message: string, hint: string): Finding;
}

/** A rule of the pair. */
export type PairRule = (match: Match) => Finding[];

/** Both hosts with what they say of a virtual router. */
export function sidesOf({
  pair,
  a,
  b,
}: Match): { side: Side; instance: VrrpInstanceConfig; peer: VrrpInstanceConfig; other: Side }[] {
  return [
    { side: pair[0], instance: a, peer: b, other: pair[1] },
    { side: pair[1], instance: b, peer: a, other: pair[0] },
  ];
}
