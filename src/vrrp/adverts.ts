import type { VrrpInstanceConfig } from "../config/schema.ts";
import { ipVersion } from "../core/endpoint.ts";
import { errnoName } from "../core/errno.ts";
import { Level } from "../core/syslogCodes.ts";
import type { Once } from "../log/once.ts";
import { parseIp } from "../net/sockaddr.ts";
import type { VrrpCounters } from "../stats/vrrpSnapshot.ts";
import { formatAddress } from "./address.ts";
import type { ChecksumDialect } from "./checksum.ts";
import { type Expected, judgeAdvert, type Verdict } from "./judge.ts";
import { type Advert, AUTH_PASS, encodeAdvert, NO_AUTHENTICATION, passwordBytes } from "./packet.ts";
import type { AdvertTransport, Datagram } from "./ports.ts";

/** Receivers of adverts that must not be told apart: all of the multicast group. */
const GROUP = "group";
const NO_TRAILER = new Uint8Array(0);

/** The family of a virtual router's adverts. */
export function addressFamily({ virtualIpAddresses, unicastSrcIp, unicastPeers }: VrrpInstanceConfig): 4 | 6 {
  return ipVersion(virtualIpAddresses[0]?.address ?? unicastSrcIp ?? unicastPeers[0] ?? "") === 6 ? 6 : 4;
}

type Accepted = Extract<Verdict, { kind: "accepted" }>;

/** Adverts of one virtual router, between what they mean and the bytes on the wire: coded, judged, counted. */
export class Adverts {
  /** Refused ones by reason. */
  readonly rejected: Record<string, number> = {};
  private readonly dialects = new Map<string, ChecksumDialect>();
  private wire: Expected;
  private addresses: string;

  constructor(
    private config: VrrpInstanceConfig,
    private readonly transport: AdvertTransport,
    private readonly counters: VrrpCounters,
    private readonly once: Once,
    private readonly log: (level: Level, text: string, change: string) => void,
  ) {
    this.wire = expectedBy(config);
    this.addresses = listOf(this.wire.addresses);
  }

  /** Other intervals, addresses, peers, password from now on. */
  configure(config: VrrpInstanceConfig): void {
    this.config = config;
    this.wire = expectedBy(config);
    this.addresses = listOf(this.wire.addresses);
  }

  /** What each receiver was found to speak, for another program. */
  get learned(): Record<string, ChecksumDialect> {
    return Object.fromEntries(this.dialects);
  }

  /** Goes on with what another program found. */
  remember(learned: Readonly<Record<string, ChecksumDialect>>): void {
    for (const [receiver, dialect] of Object.entries(learned)) this.dialects.set(receiver, dialect);
  }

  /** The message to each destination, as {@link send} would send it; none without a source address. */
  messages(priority: number): { destination: Uint8Array; message: Uint8Array }[] {
    const { source, destinations } = this.transport;
    if (source === null) return [];
    const advert = this.advertOf(priority);
    return destinations.map((destination) => ({
      destination,
      message: encodeAdvert(advert, { source, destination, dialect: this.dialectFor(destination) }),
    }));
  }

  /** Sends one advert to every destination, in the checksum dialect that the destination speaks itself. */
  send(priority: number): void {
    for (const { destination, message } of this.messages(priority)) {
      const result = this.transport.send(destination, message);
      if (result < 0) this.sendFailed(priority, destination, -result);
      else if (priority === 0) this.counters.priorityZeroSent += 1;
      else this.counters.advertsSent += 1;
    }
  }

  /** Reads all that is queued; only valid adverts reach `deliver`. */
  receive(deliver: (source: Uint8Array, advert: Advert) => void): void {
    this.transport.receive((datagram) => {
      const verdict = judgeAdvert(datagram, { ...this.wire, source: this.transport.source });
      if (verdict.kind === "rejected") this.refuse(datagram, verdict.reason, verdict.detail);
      if (verdict.kind !== "accepted") return;
      if (verdict.advert.priority === 0) this.counters.priorityZeroReceived += 1;
      else this.counters.advertsReceived += 1;
      this.learnDialect(datagram, verdict);
      this.compareLists(datagram, verdict);
      // The kernel may use the bytes again.
      deliver(datagram.source.slice(), verdict.advert);
    });
  }

  private advertOf(priority: number): Advert {
    const { version, virtualRouterId, addresses, intervalMs, auth } = this.wire;
    const fields = { virtualRouterId, priority, addresses, intervalMs, trailer: NO_TRAILER };
    return version === 2
      ? { version, ...fields, auth: auth ?? NO_AUTHENTICATION }
      : { version, ...fields, auth: null, reserved: 0 };
  }

  private sendFailed(priority: number, destination: Uint8Array, errno: number): void {
    this.counters.sendErrors += 1;
    // A farewell through an interface that is down: the transition says that, and adverts would have said anything else.
    if (priority === 0) return;
    this.once.logOnce(`send ${errno}`, (unsaid) => {
      const text = `cannot send adverts to ${formatAddress(destination)}: ${errnoName(errno)}`;
      this.log(Level.err, text + more(unsaid), "unsent");
    });
  }

  private refuse({ source }: Datagram, reason: string, detail: string): void {
    this.rejected[reason] = (this.rejected[reason] ?? 0) + 1;
    const { virtualRouterId, interface: device } = this.config;
    this.once.logOnce(`refused ${reason} ${formatAddress(source)}`, (unsaid) => {
      const who = `advert of VRID ${virtualRouterId} on ${device} from ${formatAddress(source)}`;
      this.log(Level.warning, `${who} refused: ${detail}${more(unsaid)}`, "refused");
    });
  }

  /** Never an election: keepalived 2.2.7 made two MASTERs of it. */
  private compareLists({ source }: Datagram, { addressesDiffer }: Accepted): void {
    if (addressesDiffer === null) return;
    this.counters.addressListMismatches += 1;
    const peer = formatAddress(source);
    // Our list is part of the cause: after a reload that changes it, it is news again.
    this.once.logOnce(`list ${peer} ${this.addresses}`, (unsaid) => {
      const { theirs, ours } = addressesDiffer;
      const lists = `theirs ${theirs.join(", ") || "none"}; ours ${ours.join(", ") || "none"}`;
      const who = `VRID ${this.config.virtualRouterId} on ${this.config.interface}: ${peer}`;
      this.log(Level.warning, `${who} announces other addresses: ${lists}${more(unsaid)}`, "otherAddresses");
    });
  }

  private dialectFor(destination: Uint8Array): ChecksumDialect {
    const { checksum } = this.config;
    if (checksum !== "auto") return checksum;
    return this.dialects.get(this.receiver(destination)) ?? "pseudo";
  }

  private learnDialect({ source }: Datagram, { dialect }: Accepted): void {
    if (this.config.checksum !== "auto" || this.wire.version === 2) return;
    const receiver = this.receiver(source);
    if (dialect === (this.dialects.get(receiver) ?? "pseudo")) return;
    this.dialects.set(receiver, dialect);
    const peer = formatAddress(source);
    this.once.logOnce(`dialect ${peer} ${dialect}`, () => {
      this.log(Level.info, `${peer} makes checksums of the form "${dialect}": so do we from now on`, "dialect");
    });
  }

  private receiver(address: Uint8Array): string {
    return this.wire.unicastPeers === null ? GROUP : formatAddress(address);
  }
}

function expectedBy(config: VrrpInstanceConfig): Expected {
  const { version, virtualRouterId, authentication, advertIntMs, unicastPeers, virtualIpAddresses, checksum } = config;
  const auth =
    version === 2 && authentication !== null ? { type: AUTH_PASS, data: passwordBytes(authentication.password) } : null;
  return {
    version,
    family: addressFamily(config),
    virtualRouterId,
    auth,
    intervalMs: advertIntMs,
    unicastPeers: unicastPeers.length === 0 ? null : unicastPeers.map(parseIp),
    addresses: virtualIpAddresses.map(({ address }) => parseIp(address)),
    checksum,
    source: null,
  };
}

function listOf(addresses: readonly Uint8Array[]): string {
  return addresses.map(formatAddress).join(" ");
}

function more(unsaid: number): string {
  return unsaid === 0 ? "" : ` (and ${unsaid} more times since the last line)`;
}
