/** Why an advert is refused: the names of the counters that `status` shows. */
export const REJECT_REASONS = [
  /** It carries our own source address: a loop, or a second host with our address. */
  "own-address",
  /** Cut off, or longer than its fields. */
  "length",
  /** Not from a host of this link. */
  "ttl",
  "version",
  /** It is signed (keepalived's auth_hmac). */
  "trailer",
  "auth-type",
  "auth-password",
  /** Version 2: not ours; version 3: none. */
  "interval",
  /** No advertisement. */
  "type",
  "checksum",
  /** Unicast where multicast is spoken, or the other way round. */
  "destination",
  /** Not one of the unicast peers. */
  "source",
] as const;

/** One word of {@link REJECT_REASONS}. */
export type RejectReason = (typeof REJECT_REASONS)[number];

/** A refusal: the counter it belongs to, and a sentence for the log without the sender's name. */
export interface Rejection {
  readonly reason: RejectReason;
  readonly detail: string;
}
