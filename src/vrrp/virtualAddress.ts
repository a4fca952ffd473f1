import type { VirtualIp } from "../config/schema.ts";
import { addAddress, removeAddress } from "../net/address.ts";
import { arpProbe, gratuitousArp } from "../net/arpFrame.ts";
import { duplicateAddressProbe, unsolicitedAdvertisement } from "../net/ndpFrame.ts";
import { parseIp } from "../net/sockaddr.ts";
import type { Announcement } from "./announcer.ts";
import type { Place } from "./interfacePort.ts";
import type { LeasedAddress } from "./leases.ts";

const ENODEV = 19;
const MAC_BYTES = 6;

/** One virtual address in the kernel and in the neighbours' tables. */
export class VirtualAddress implements LeasedAddress, Announcement {
  readonly bytes: Uint8Array;
  readonly prefixLength: number;
  readonly family: 4 | 6;
  readonly text: string;

  constructor(
    ip: VirtualIp,
    /** Where it is to live; null while that is not there. */
    private readonly place: () => Place | null,
    /** The host has it for itself, as the owner of the address: not ours to add or remove. */
    private readonly ownedByHost: () => boolean,
    /** An announcement left (0), or did not (`-errno`). */
    private readonly onAnnounced: (result: number) => void,
  ) {
    this.bytes = parseIp(ip.address);
    this.prefixLength = ip.prefixLength;
    this.family = this.bytes.length === 4 ? 4 : 6;
    this.text = `${ip.address}/${ip.prefixLength}`;
  }

  hold(leaseSeconds: number): number {
    const place = this.place();
    if (place === null) return -ENODEV;
    if (this.ownedByHost()) return 0;
    const { bytes: address, prefixLength } = this;
    return addAddress({ ifindex: place.ifindex, address, prefixLength, validSeconds: leaseSeconds });
  }

  release(): number {
    const place = this.place();
    if (place === null || this.ownedByHost()) return 0;
    return removeAddress({ ifindex: place.ifindex, address: this.bytes, prefixLength: this.prefixLength });
  }

  send(form: "request" | "reply"): void {
    const result = this.sendFrame(({ mac, forwardsIpv6 }) =>
      this.family === 4
        ? gratuitousArp(mac, this.bytes, form)
        : unsolicitedAdvertisement(mac, this.bytes, forwardsIpv6),
    );
    this.onAnnounced(result);
  }

  /** Asks who else has it; whoever does answers. */
  probe(): void {
    this.sendFrame(({ mac }) =>
      this.family === 4 ? arpProbe(mac, this.bytes) : duplicateAddressProbe(mac, this.bytes),
    );
  }

  private sendFrame(make: (place: Place) => Uint8Array): number {
    const place = this.place();
    // Interfaces without hardware addresses have no neighbours to tell.
    return place === null || place.mac.length !== MAC_BYTES ? -ENODEV : place.sendFrame(make(place));
  }
}
