import type { VirtualIp, VrrpInstanceConfig } from "../config/schema.ts";
import { sameBytes } from "../core/bytes.ts";
import type { Clock } from "../core/clock.ts";
import { Level } from "../core/syslogCodes.ts";
import { removeAddress } from "../net/address.ts";
import { ARP_REPLY, decodeArp } from "../net/arpFrame.ts";
import type { InterfaceSysctls } from "../net/interfaceSysctl.ts";
import { strerror } from "../net/libc.ts";
import type { LinkMonitor } from "../net/linkMonitor.ts";
import { decodeNeighbourAdvertisement } from "../net/ndpFrame.ts";
import type { VrrpInstanceSnapshot } from "../stats/vrrpSnapshot.ts";
import { formatAddress } from "./address.ts";
import { AddressAnnouncer } from "./announcer.ts";
import type { RouterHandoff } from "./handoff.ts";
import { InterfacePort } from "./interfacePort.ts";
import { LeasedAddresses, leaseSeconds } from "./leases.ts";
import { OWNER_PRIORITY } from "./priority.ts";
import { type Rival, RivalProbe } from "./rivalProbe.ts";
import { VirtualRouter } from "./router.ts";
import type { Remark, RouterObserver } from "./routerPorts.ts";
import type { StandInRouter } from "./standIn.ts";
import { VirtualAddress } from "./virtualAddress.ts";

/** What all virtual routers of this process share. */
export interface Host {
  readonly clock: Clock;
  readonly monitor: LinkMonitor;
  readonly sysctls: InterfaceSysctls;
}

/**
 * The notice that an address is gone may come before our own late timers: after a freeze the router looks at those first, and
 * the address has not been removed by hand but by its lease.
 */
const MISSING_CHECK_MS = 20;
const ENODEV = 19;
/** What the kernel refused, sockets or addresses, it is asked for again this much later. */
const RETRY_MS = 30_000;

/** One virtual router with all that belongs to it: its place on the interface, leased addresses, announcements, probes. */
export class Instance {
  readonly router: VirtualRouter;
  private readonly port: InterfacePort;
  private readonly leases: LeasedAddresses;
  private readonly announcer: AddressAnnouncer;
  private readonly probe: RivalProbe;
  private addresses: VirtualAddress[];
  private announcements = 0;
  /** Addresses that the host had for ever before we came, and that we own by priority 255. */
  private hostsOwn: readonly Uint8Array[] = [];
  private cleanedOn: number | null = null;
  /** What is on the interface is ours, and stays. */
  private resuming = false;
  private cancelCheck: (() => void) | null = null;
  /** Addresses that were seen on the interface in this time as MASTER. */
  private readonly held = new Set<string>();
  private cancelRetry: (() => void) | null = null;
  private cancelFollow: (() => void) | null = null;

  constructor(
    private config: VrrpInstanceConfig,
    private readonly host: Host,
    private readonly observer: RouterObserver,
  ) {
    const { clock, monitor, sysctls } = host;
    this.port = new InterfacePort(config, monitor, sysctls, {
      onFault: (fault, sentence) => {
        this.router.setFault(fault, sentence);
        if (fault === "socket" && sentence !== null) this.followAgain();
      },
      onWarning: (text) => observer.onLog(Level.warning, text, remark("interface")),
      onReadable: () => this.router.received(),
      onFrame: (frame) => this.onFrame(frame),
    });
    this.addresses = this.makeAddresses(config);
    const refused = (text: string, errno: number) => this.onRefused(text, errno);
    this.leases = new LeasedAddresses(clock, this.addresses, leaseOf(config), refused);
    this.announcer = new AddressAnnouncer(clock, config.garp, () => this.addresses);
    this.probe = new RivalProbe(clock, {
      probe: () => {
        for (const address of this.addresses) address.probe();
      },
      onRival: (rival, first) => this.onRival(rival, first),
    });
    this.router = new VirtualRouter(config, {
      clock,
      transport: this.port,
      addresses: this.leases,
      announcer: {
        becameMaster: () => {
          this.announcer.becameMaster();
          this.probe.start();
        },
        resume: () => {
          this.announcer.resume();
          this.probe.start();
        },
        reassert: () => this.announcer.reassert(),
        stop: () => {
          this.announcer.stop();
          this.probe.stop();
        },
      },
      observer,
      present: (address) => this.isPresent(address),
      rivals: () => this.rivals(),
    });
  }

  /** Takes its place on the interface and starts the router, which waits for its trackers. */
  start(): void {
    this.follow();
    this.router.start();
  }

  /** Takes its place as the former program of this process had it: a MASTER goes on as MASTER, with its addresses. */
  resume(former: RouterHandoff): void {
    this.resuming = former.standing.kind === "master";
    this.follow();
    this.resuming = false;
    this.router.resume(former);
  }

  /** What another process is to send so that we are taken for MASTER while we say nothing; null: we are not. */
  standIn(): StandInRouter | null {
    const socket = this.port.socketOptions;
    const adverts = this.router.advertsNow();
    if (socket === null || adverts.length === 0) return null;
    return { socket, adverts, intervalMs: this.config.advertIntMs };
  }

  /** See {@link VirtualRouter.handOver}; null: it does not take part yet. */
  handOver(stoodInSeconds: number): RouterHandoff | null {
    return this.router.handOver(stoodInSeconds);
  }

  /** Resigns, and gives everything back. All done on return. */
  stop(): void {
    this.cancelCheck?.();
    this.cancelRetry?.();
    this.cancelFollow?.();
    this.router.stop();
    this.port.close();
  }

  /** Interfaces or addresses of this host changed. */
  follow(): void {
    this.port.follow();
    this.removeLeftovers();
    if (this.router.state !== "MASTER") {
      this.held.clear();
      return;
    }
    const missing = this.missing();
    const removed = missing.filter((text) => this.held.has(text));
    for (const { text } of this.addresses) if (!missing.includes(text)) this.held.add(text);
    if (this.cancelCheck !== null || missing.length === 0) return;
    this.cancelCheck = this.host.clock.after(MISSING_CHECK_MS, () => {
      this.cancelCheck = null;
      // A renewal may have put one back meanwhile, without a word to anybody.
      if (this.router.state === "MASTER") this.router.addressesMissing([...new Set([...removed, ...this.missing()])]);
    });
  }

  /** A lack of sockets or memory ends without a notice. */
  private followAgain(): void {
    this.cancelFollow ??= this.host.clock.after(RETRY_MS, () => {
      this.cancelFollow = null;
      this.follow();
    });
  }

  /** Applies another configuration of the same virtual router in place; what changed, in words. */
  reconfigure(config: VrrpInstanceConfig): string[] {
    const before = this.addresses;
    this.config = config;
    this.addresses = this.makeAddresses(config);
    this.port.configure(config);
    const isNew = ({ bytes }: VirtualAddress) => !before.some((old) => sameBytes(old.bytes, bytes));
    this.removeFound(this.addresses.filter(isNew));
    this.leases.configure(this.addresses, leaseOf(config));
    this.announcer.configure(config.garp);
    const changes = this.router.reconfigure(config);
    if (this.cancelRetry !== null) this.retryRefused();
    return changes;
  }

  /** It has addresses that the host has for itself, as their owner: they stay whatever happens in the election. */
  get keepsAddresses(): boolean {
    return this.hostsOwn.length > 0;
  }

  get syncGroup(): string | null {
    return this.config.syncGroup;
  }

  snapshot(): VrrpInstanceSnapshot {
    const snapshot = this.router.snapshot();
    return { ...snapshot, counters: { ...snapshot.counters, announcements: this.announcements } };
  }

  private makeAddresses(config: VrrpInstanceConfig): VirtualAddress[] {
    const place = () => this.port.place;
    const make = (ip: VirtualIp): VirtualAddress => {
      const address: VirtualAddress = new VirtualAddress(
        ip,
        place,
        () => this.isHostsOwn(address.bytes),
        (result) => {
          if (result === 0) this.announcements += 1;
        },
      );
      return address;
    };
    return [...config.virtualIpAddresses, ...config.virtualIpAddressesExcluded].map(make);
  }

  /**
   * Addresses of ours that an earlier life left on the interface, with whatever prefix length, once for each interface that we
   * come to: with another prefix length they would be there twice.
   */
  private removeLeftovers(): void {
    const { place } = this.port;
    if (place === null || place.ifindex === this.cleanedOn) return;
    this.cleanedOn = place.ifindex;
    this.hostsOwn = [];
    this.removeFound(this.addresses);
  }

  /** Removes these from the interface, unless they are the host's own. */
  private removeFound(addresses: readonly VirtualAddress[]): void {
    const { place } = this.port;
    if (place === null) return;
    const found = this.host.monitor
      .addressesOf(place.ifindex)
      .filter((there) => addresses.some(({ bytes }) => sameBytes(bytes, there.address)));
    const owner = this.config.priority === OWNER_PRIORITY;
    const own = found.filter(({ validSeconds }) => owner && validSeconds === null);
    this.hostsOwn = [...this.hostsOwn, ...own.map(({ address }) => address)];
    for (const there of found) {
      if (this.resuming || this.isHostsOwn(there.address)) continue;
      // The notice that one of ours is gone may not have been read yet.
      if (removeAddress(there) !== 0) continue;
      const text = `${formatAddress(there.address)}/${there.prefixLength}`;
      const removed = `removed ${text} from ${this.config.interface}: left there by an earlier life`;
      this.observer.onLog(Level.notice, removed, remark("cleaned"));
    }
  }

  private isHostsOwn(address: Uint8Array): boolean {
    return this.hostsOwn.some((own) => sameBytes(own, address));
  }

  private missing(): string[] {
    return this.addresses.filter((address) => !this.isThere(address)).map(({ text }) => text);
  }

  private isPresent(text: string): boolean {
    const address = this.addresses.find((each) => each.text === text);
    return address !== undefined && this.isThere(address);
  }

  private isThere({ bytes }: VirtualAddress): boolean {
    const { place } = this.port;
    return place !== null && this.host.monitor.hasAddress(place.ifindex, bytes);
  }

  /** A MASTER without its addresses serves nobody: another router may do better. */
  private onRefused(text: string, errno: number): void {
    // The interface has just gone; the notice of that is on its way, and lasts as long as it is true.
    if (errno === ENODEV) return;
    this.router.setFault("address", `the kernel refuses ${text} on ${this.config.interface}: ${strerror(errno)}`);
    this.cancelRetry ??= this.host.clock.after(RETRY_MS, () => this.retryRefused());
  }

  /** Only what the kernel takes ends the fault: to become MASTER for a try would take the addresses from a router that works. */
  private retryRefused(): void {
    this.cancelRetry?.();
    this.cancelRetry = null;
    const refused = this.leases.tryRefused();
    if (refused === null || refused.errno === ENODEV) this.router.setFault("address", null);
    else this.onRefused(refused.text, refused.errno);
  }

  private onFrame(frame: Uint8Array): void {
    const arp = decodeArp(frame);
    if (arp !== null) {
      if (arp.operation === ARP_REPLY) this.answered(arp.senderAddress, arp.senderMac);
      return;
    }
    const advertisement = decodeNeighbourAdvertisement(frame);
    if (advertisement !== null)
      this.answered(advertisement.target, advertisement.targetMac ?? advertisement.frameSource);
  }

  private answered(address: Uint8Array, mac: Uint8Array): void {
    const ours = this.addresses.some(({ bytes }) => sameBytes(bytes, address));
    if (ours && !this.isOurMac(mac)) this.probe.answered(formatAddress(address), formatMac(mac));
  }

  private isOurMac(mac: Uint8Array): boolean {
    return this.host.monitor.links().some((link) => sameBytes(link.mac, mac));
  }

  private onRival({ address, mac }: Rival, first: boolean): void {
    if (first) {
      const text = `another host, ${mac}, answers for ${address} which is ours now: announcing it again`;
      this.observer.onLog(Level.alert, text, remark("rival"));
      this.observer.onChange();
    }
    this.announcer.reassert();
  }

  private rivals(): VrrpInstanceSnapshot["rivals"] {
    const nowMs = this.host.clock.nowMs();
    return this.probe
      .rivals()
      .map(({ address, mac, answers, lastMs }) => ({ address, mac, answers, agoMs: Math.round(nowMs - lastMs) }));
  }
}

function remark(change: string): Remark {
  return { change, tracker: null };
}

function leaseOf({ downTimerAdverts, advertIntMs }: VrrpInstanceConfig): number {
  return leaseSeconds(downTimerAdverts, advertIntMs);
}

function formatMac(mac: Uint8Array): string {
  return [...mac].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
