import { sameBytes } from "../core/bytes.ts";
import { formatAddress } from "./address.ts";
import { type ChecksumDialect, checksumOf, dialectsOf, fittingDialect } from "./checksum.ts";
import {
  type Advert,
  AUTH_PASS,
  type Authentication,
  type Decoded,
  decodeAdvert,
  GROUP_IPV4,
  GROUP_IPV6,
} from "./packet.ts";
import type { Datagram } from "./ports.ts";
import type { Rejection, RejectReason } from "./rejection.ts";

/** What a virtual router expects of the adverts of its peers. */
export interface Expected {
  readonly version: 2 | 3;
  readonly family: 4 | 6;
  /** 1..255. */
  readonly virtualRouterId: number;
  /** Version 2: what adverts must carry. Null, as always in version 3: nothing. */
  readonly auth: Authentication | null;
  /** Our own interval: version 2 demands the same of everybody. */
  readonly intervalMs: number;
  /** The only hosts whose adverts count; null: multicast. */
  readonly unicastPeers: readonly Uint8Array[] | null;
  /** Our own list of virtual addresses. */
  readonly addresses: readonly Uint8Array[];
  /** The only checksum that version 3 over IPv4 may have; "auto": any dialect. */
  readonly checksum: "auto" | ChecksumDialect;
  /** Our own address in adverts; null: we have none now. */
  readonly source: Uint8Array | null;
}

/** What is to be done with a datagram of protocol 112. */
export type Verdict =
  /** Of another virtual router: not ours to count. */
  | { readonly kind: "foreign" }
  /** To be counted and logged, once a `reason` and sender (`detail` may vary), and nothing else: no timer may hear of it. */
  | ({ readonly kind: "rejected" } & Rejection)
  | {
      readonly kind: "accepted";
      readonly advert: Advert;
      /** How its checksum was made: what to answer in. */
      readonly dialect: ChecksumDialect;
      /** Null: the same addresses as ours, in any order. Else worth a warning, but never an election. */
      readonly addressesDiffer: AddressDifference | null;
    };

/** The virtual addresses of an advert and our own, as text, each in the order of its owner. */
export interface AddressDifference {
  readonly theirs: string[];
  readonly ours: string[];
}

type Fault = Rejection | null;

/** Reasons that a virtual router of somebody else with the same id gives, too: its addresses tell. */
const STRANGE: readonly RejectReason[] = ["version", "trailer", "auth-type", "auth-password", "interval", "source"];

/** No more of a stranger's addresses stand in a line of the log. */
const SHOWN_ADDRESSES = 4;

/**
 * Judges one received datagram; never throws. Only an accepted one may touch a timer, or anybody on the link could
 * silence a MASTER, as he can keepalived's. The checks are those of RFC 9568 §7.1 and RFC 2338 §7.1, in keepalived's order.
 */
export function judgeAdvert(datagram: Datagram, expected: Expected): Verdict {
  const { payload, source } = datagram;
  if (payload.length >= 2 && payload[1] !== expected.virtualRouterId) return { kind: "foreign" };
  if (expected.source !== null && sameBytes(source, expected.source)) {
    return {
      kind: "rejected",
      reason: "own-address",
      detail: "it comes from our own address: a loop in the network, or another host that has it",
    };
  }
  const decoded = decodeAdvert(payload, expected.family);
  if (decoded.advert === null) {
    const distant = decoded.reason === "version" ? ttlFault(datagram, expected) : null;
    return rejected(distant ?? decoded);
  }
  const { advert } = decoded;
  const difference = differenceOf(advert.addresses, expected.addresses);
  const fault =
    ttlFault(datagram, expected) ??
    versionFault(advert, expected) ??
    trailerFault(advert) ??
    authFault(advert, expected) ??
    intervalFault(advert, expected);
  if (fault !== null) return rejected(fault, difference);
  if (!decoded.ok) return rejected(decoded);
  const dialect = fittingDialect(decoded.summed, datagram, allowedDialects(expected));
  if (dialect === null) return rejected(checksumFault(decoded, datagram, expected));
  const misdirected = destinationFault(datagram, expected) ?? sourceFault(datagram, expected);
  if (misdirected !== null) return rejected(misdirected, difference);
  return { kind: "accepted", advert, dialect, addressesDiffer: difference };
}

function rejected({ reason, detail }: Rejection, difference: AddressDifference | null = null): Verdict {
  if (difference === null || !STRANGE.includes(reason)) return { kind: "rejected", reason, detail };
  const { theirs } = difference;
  const more = theirs.length > SHOWN_ADDRESSES ? ` and ${theirs.length - SHOWN_ADDRESSES} more` : "";
  const shown = theirs.length === 0 ? "no address" : theirs.slice(0, SHOWN_ADDRESSES).join(", ") + more;
  return { kind: "rejected", reason, detail: `${detail}; it announces ${shown}: another virtual router with our id?` };
}

function differenceOf(theirs: readonly Uint8Array[], ours: readonly Uint8Array[]): AddressDifference | null {
  // Text is made only when there is something to say: an advert comes every 10 ms, and may list 255 addresses.
  const [theirSet, ourSet] = [setOf(theirs), setOf(ours)];
  if (theirSet.size === ourSet.size && theirSet.isSubsetOf(ourSet)) return null;
  return { theirs: theirs.map(formatAddress), ours: ours.map(formatAddress) };
}

function setOf(addresses: readonly Uint8Array[]): Set<string> {
  return new Set(addresses.map((address) => String.fromCharCode(...address)));
}

/** RFC 9568 §5.1.1.3 and §5.1.2.3. Unicast peers may be routers away, and keepalived does not look either. */
function ttlFault({ ttl }: Datagram, { family, unicastPeers }: Expected): Fault {
  if (unicastPeers !== null || ttl === 255) return null;
  return { reason: "ttl", detail: `${family === 6 ? "hop limit" : "TTL"} ${ttl}, must be 255 (another network?)` };
}

function versionFault({ version }: Advert, expected: Expected): Fault {
  return version === expected.version
    ? null
    : { reason: "version", detail: `version ${version}, ours is ${expected.version}` };
}

function trailerFault({ trailer }: Advert): Fault {
  if (trailer.length === 0) return null;
  return {
    reason: "trailer",
    detail: "it is signed: keepalived's auth_hmac is set over there, and signed adverts are not supported here",
  };
}

function authFault({ auth }: Advert, expected: Expected): Fault {
  if (auth === null) return null;
  const ours = expected.auth?.type ?? 0;
  if (auth.type !== ours) {
    return {
      reason: "auth-type",
      detail: `authentication: its type is ${authName(auth.type)}, ours ${authName(ours)}`,
    };
  }
  // RFC 2338 §5.3.6.1: without authentication the data are ignored.
  if (ours === 0 || expected.auth === null || sameBytes(auth.data, expected.auth.data)) return null;
  return { reason: "auth-password", detail: "authentication: the password differs" };
}

function authName(type: number): string {
  return type === 0 ? "none" : type === AUTH_PASS ? "PASS" : type === 2 ? "AH" : `${type}`;
}

/** RFC 3768 §7.1 discards another interval, RFC 9568 §6.4.2 adopts it; but none at all could not be waited for. */
function intervalFault({ version, intervalMs }: Advert, expected: Expected): Fault {
  if (version === 3) {
    return intervalMs > 0 ? null : { reason: "interval", detail: "advert interval 0" };
  }
  if (intervalMs === expected.intervalMs) return null;
  const detail = `advert interval ${intervalMs / 1000} s, ours is ${expected.intervalMs / 1000} s`;
  return { reason: "interval", detail };
}

function allowedDialects({ version, family, checksum }: Expected): readonly ChecksumDialect[] {
  const all = dialectsOf(version, family);
  return checksum === "auto" || all.length === 1 ? all : [checksum];
}

function checksumFault(decoded: Decoded & { ok: true }, ends: Datagram, expected: Expected): Rejection {
  const [first = "pseudo"] = allowedDialects(expected);
  const other = fittingDialect(decoded.summed, ends, dialectsOf(expected.version, expected.family));
  const computed = checksumOf(decoded.summed, ends, first);
  const hint = other === null ? "" : `; it is right in the form "${other}", and ours is set to "${first}"`;
  return { reason: "checksum", detail: `checksum ${hex(decoded.checksum)}, must be ${hex(computed)}${hint}` };
}

function hex(word: number): string {
  return `0x${word.toString(16).padStart(4, "0")}`;
}

function destinationFault({ destination }: Datagram, { family, unicastPeers }: Expected): Fault {
  const group = family === 6 ? GROUP_IPV6 : GROUP_IPV4;
  const toGroup = sameBytes(destination, group);
  if (toGroup === (unicastPeers === null)) return null;
  const [there, here] = toGroup ? ["multicast", "unicast_peer is set"] : ["unicast", "no unicast_peer is set"];
  return {
    reason: "destination",
    detail: `it was sent by ${there} to ${formatAddress(destination)}, and here ${here}`,
  };
}

function sourceFault({ source }: Datagram, { unicastPeers }: Expected): Fault {
  if (unicastPeers === null || unicastPeers.some((peer) => sameBytes(peer, source))) return null;
  return { reason: "source", detail: "the sender is not one of unicast_peer" };
}
