import type { VrrpInstanceConfig } from "../config/schema.ts";
import { sameBytes } from "../core/bytes.ts";
import { forwardsIpv6, type InterfaceSysctls } from "../net/interfaceSysctl.ts";
import { SystemError } from "../net/libc.ts";
import type { Link } from "../net/linkMessages.ts";
import type { LinkMonitor } from "../net/linkMonitor.ts";
import { createMacvlan, deleteMacvlan, VMAC_PARENT_SETTINGS, virtualMac } from "../net/macvlan.ts";
import { PacketSocket } from "../net/packetSocket.ts";
import { ProtocolSocket, type ProtocolSocketOptions } from "../net/rawSocket.ts";
import { parseIp } from "../net/sockaddr.ts";
import { addressFamily } from "./adverts.ts";
import { GROUP_IPV4, GROUP_IPV6 } from "./group.ts";
import type { AdvertTransport, Datagram } from "./ports.ts";
import { OWNER_PRIORITY } from "./priority.ts";

/** IP protocol number of VRRP (RFC 9568 §5.1). */
const IPPROTO_VRRP = 112;
const EEXIST = 17;
const ENODEV = 19;

/** What keeps a router from taking part; each is set and cleared on its own. */
export type PortFault = "interface" | "source" | "socket";

/** Who hears of it. */
export interface PortObserver {
  /** @param sentence null: that cause is over */
  onFault(fault: PortFault, sentence: string | null): void;
  onWarning(text: string): void;
  /** Adverts may be queued. */
  onReadable(): void;
  /** A frame came in that answers a probe of ours. */
  onFrame(frame: Uint8Array): void;
}

/** Where a router's addresses live and its frames leave: the interface, or the macvlan on it. */
export interface Place {
  readonly ifindex: number;
  readonly mac: Uint8Array;
  /** This host forwards IPv6 there: announcements that denied it would end its being anybody's default router. */
  readonly forwardsIpv6: boolean;
  /** Sends one Ethernet frame; 0, or `-errno`. */
  sendFrame(frame: Uint8Array): number;
}

/** The virtual MAC's own interface, while it is there. */
interface Macvlan {
  readonly index: number;
  readonly name: string;
  readonly mac: Uint8Array;
  remove(): void;
}

/** What is open while the interface is there. */
interface Opened {
  readonly link: Link;
  readonly adverts: ProtocolSocket;
  readonly options: ProtocolSocketOptions;
  readonly place: Place;
  close(): void;
}

/**
 * One virtual router's place on its interface: sockets, our own address in adverts, and what is wrong with them. Follows the
 * interface through being down, gone, renamed and made anew: {@link follow} after every change.
 */
export class InterfacePort implements AdvertTransport {
  private opened: Opened | null = null;
  private own: Uint8Array | null = null;
  readonly family: 4 | 6;
  destinations: readonly Uint8Array[];

  constructor(
    private config: VrrpInstanceConfig,
    private readonly monitor: LinkMonitor,
    private readonly sysctls: InterfaceSysctls,
    private readonly observer: PortObserver,
  ) {
    this.family = addressFamily(config);
    this.destinations = this.destinationsOf(config);
  }

  get source(): Uint8Array | null {
    return this.own;
  }

  /** null while the interface is not there. */
  get place(): Place | null {
    return this.opened?.place ?? null;
  }

  /** What adverts go through, for somebody who sends them in our place; null: nothing is open. */
  get socketOptions(): ProtocolSocketOptions | null {
    return this.opened === null ? null : { ...this.opened.options, source: this.own };
  }

  send(destination: Uint8Array, message: Uint8Array): number {
    // All copies of one advert carry one identification, as keepalived's do; the first destination begins a new advert.
    const [first = destination] = this.destinations;
    return this.opened?.adverts.send(destination, message, { sameId: !sameBytes(destination, first) }) ?? -ENODEV;
  }

  receive(deliver: (datagram: Datagram) => void): void {
    this.opened?.adverts.receive(deliver);
  }

  /** Looks at the interface again. A fault is told while its sockets are still open, so that the router can resign on them. */
  follow(): void {
    const { config, monitor, observer } = this;
    const link = monitor.linkByName(config.interface);
    observer.onFault("interface", config.dontTrackPrimary && link !== null ? null : linkFault(config.interface, link));
    if (link === null || link.index !== this.opened?.link.index) this.close();
    if (link === null) return;
    const source = this.findSource(link);
    observer.onFault("source", source === null ? this.sourceFault() : null);
    this.own = source;
    if (this.opened === null && source !== null) this.open(link, source);
    else if (source !== null) this.opened?.adverts.setSource(source);
  }

  /** Other peers or another source address. Interface, family, VRID and use_vmac stay: with others it is another router. */
  configure(config: VrrpInstanceConfig): void {
    const switched = config.unicastPeers.length > 0 !== this.config.unicastPeers.length > 0;
    if (switched) this.close();
    this.config = config;
    this.destinations = this.destinationsOf(config);
    this.follow();
  }

  /** Closes the sockets; a macvlan of ours goes away. */
  close(): void {
    const { opened } = this;
    this.opened = null;
    this.own = null;
    opened?.close();
  }

  private destinationsOf({ unicastPeers }: VrrpInstanceConfig): Uint8Array[] {
    return unicastPeers.length > 0 ? unicastPeers.map(parseIp) : [this.family === 4 ? GROUP_IPV4 : GROUP_IPV6];
  }

  private findSource(link: Link): Uint8Array | null {
    const { monitor, config, family } = this;
    const virtual = [...config.virtualIpAddresses, ...config.virtualIpAddressesExcluded].map(({ address }) =>
      parseIp(address),
    );
    if (config.unicastSrcIp === null) {
      // The owner of the address speaks from it (RFC 9568 §5.1.1.1).
      return monitor.sourceFor(link.index, family, config.priority === OWNER_PRIORITY ? [] : virtual);
    }
    const wanted = parseIp(config.unicastSrcIp);
    return monitor.links().some(({ index }) => monitor.hasAddress(index, wanted)) ? wanted : null;
  }

  private sourceFault(): string {
    const { interface: device, unicastSrcIp } = this.config;
    if (unicastSrcIp !== null) return `unicast_src_ip ${unicastSrcIp} is on no interface of this host`;
    return `${device} has no ${this.family === 4 ? "IPv4" : "usable link-local IPv6"} address of its own to send from`;
  }

  private openMacvlan(link: Link): Macvlan {
    const { virtualRouterId } = this.config;
    const mac = virtualMac(this.family, virtualRouterId);
    const make = (name: string) => ({ name, made: createMacvlan({ parentIndex: link.index, name, mac }) });
    const usual = `vrrp${this.family === 4 ? "" : "6"}.${virtualRouterId}`;
    const first = make(usual);
    // The same VRID on another interface has the usual name.
    const taken = !first.made.ok && first.made.errno === EEXIST;
    const { name, made } = taken ? make(`${usual}.${link.index}`) : first;
    if (!made.ok) throw new SystemError(`use_vmac: interface ${name}`, made.errno);
    const settings = this.sysctls.hold(link.index, VMAC_PARENT_SETTINGS);
    const refused = [
      ...made.refused.map(({ key }) => `${name}.${key}`),
      ...settings.refused.map(({ key }) => `${link.name}.${key}`),
    ];
    if (refused.length > 0) {
      const keys = refused.map((key) => `net.ipv4.conf.${key}`).join(", ");
      this.observer.onWarning(`use_vmac: cannot set ${keys}: clients may learn the wrong MAC address`);
    }
    const remove = () => {
      settings.release();
      deleteMacvlan(made.ifindex);
    };
    return { index: made.ifindex, name, mac, remove };
  }

  /**
   * The virtual address becomes the primary one of its subnet when the interface's own is removed and put back while we hold
   * it, and an expiring primary takes all other addresses of the subnet with it, unless this is set.
   */
  private keepSecondaries(link: Link): () => void {
    const { refused, release } = this.sysctls.hold(link.index, { promote_secondaries: 1 });
    if (refused.length > 0) {
      const key = `net.ipv4.conf.${link.name}.promote_secondaries`;
      this.observer.onWarning(
        `cannot set ${key}: addresses of ${link.name} may vanish with a virtual one; set it to 1`,
      );
    }
    return release;
  }

  private open(link: Link, source: Uint8Array): void {
    const { config, family, observer } = this;
    const closers: (() => void)[] = [];
    try {
      const macvlan = config.useVmac ? this.openMacvlan(link) : null;
      if (macvlan !== null) closers.push(() => macvlan.remove());
      const device = macvlan ?? link;
      const unicast = config.unicastPeers.length > 0;
      // Frames from the virtual MAC arrive at our own macvlan of that MAC alone, those for our address below it.
      const heard = unicast ? link : device;
      const options = {
        family,
        protocol: IPPROTO_VRRP,
        device: heard.name,
        ifindex: heard.index,
        group: unicast ? null : (this.destinations[0] ?? null),
        source,
        sendDevice: { name: device.name, ifindex: device.index },
      };
      const adverts = ProtocolSocket.open(options);
      closers.push(() => adverts.close());
      const frames = PacketSocket.open(device.index);
      closers.push(() => frames.close());
      // After joining the group, which waits for the kernel to end what it does to the interface: the settings of one that was
      // just renamed are under no name for a moment.
      if (family === 4) closers.push(this.keepSecondaries(link));
      adverts.onReadable(() => observer.onReadable());
      frames.onFrame((frame) => observer.onFrame(frame));
      const place = {
        ifindex: device.index,
        mac: device.mac,
        forwardsIpv6: forwardsIpv6(link.name),
        sendFrame: (frame: Uint8Array) => frames.sendFrame(frame),
      };
      const close = () => {
        for (const each of closers.reverse()) each();
      };
      this.opened = { link, adverts, options, place, close };
      observer.onFault("socket", null);
    } catch (error) {
      for (const close of closers.reverse()) close();
      if (!(error instanceof SystemError)) throw error;
      observer.onFault("socket", `cannot speak VRRP on ${link.name}: ${error.message}`);
    }
  }
}

function linkFault(name: string, link: Link | null): string | null {
  if (link === null) return `interface ${name} does not exist`;
  if (!link.up) return `interface ${name} is down`;
  return link.running ? null : `interface ${name} has no carrier`;
}
