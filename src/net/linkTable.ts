import { sameBytes } from "../core/bytes.ts";
import { type Address, decodeAddress, SCOPE_GLOBAL, SCOPE_LINK } from "./addressMessages.ts";
import { decodeLink, type Link } from "./linkMessages.ts";
import { type NetlinkMessage, RTM_DELADDR, RTM_DELLINK, RTM_NEWADDR, RTM_NEWLINK } from "./netlinkMessages.ts";

/** What happened to interfaces and their addresses. A renewed lifetime is no change. */
export type Change =
  | { readonly kind: "linkAdded"; readonly link: Link }
  | { readonly kind: "linkChanged"; readonly link: Link; readonly before: Link }
  | { readonly kind: "linkRenamed"; readonly link: Link; readonly before: Link }
  | { readonly kind: "linkRemoved"; readonly link: Link }
  | { readonly kind: "addressAdded"; readonly address: Address }
  | { readonly kind: "addressChanged"; readonly address: Address; readonly before: Address }
  | { readonly kind: "addressRemoved"; readonly address: Address };

/** The kernel's interfaces and addresses as netlink told them: pure, fed with messages. Never throws on what they contain. */
export class LinkTable {
  private readonly linkOf = new Map<number, Link>();
  private readonly addressesOn = new Map<number, Map<string, Address>>();

  links(): Link[] {
    return [...this.linkOf.values()];
  }

  link(ifindex: number): Link | null {
    return this.linkOf.get(ifindex) ?? null;
  }

  linkByName(name: string): Link | null {
    for (const link of this.linkOf.values()) if (link.name === name) return link;
    return null;
  }

  /** In the order in which they appeared. */
  addressesOf(ifindex: number): Address[] {
    return [...(this.addressesOn.get(ifindex)?.values() ?? [])];
  }

  /** Whether the interface has the address, with whatever prefix length. */
  hasAddress(ifindex: number, address: Uint8Array): boolean {
    return this.addressesOf(ifindex).some((there) => sameBytes(there.address, address));
  }

  /**
   * The address that adverts of this interface come from; null when it has none.
   * IPv4: a primary global address, else any global, else a link-local one; IPv6: link-local (RFC 9568 §5.1.2.1), usable now.
   * @param except addresses that come and go, which no advert may come from
   */
  sourceFor(ifindex: number, family: 4 | 6, except: readonly Uint8Array[]): Uint8Array | null {
    const candidates = this.addressesOf(ifindex).filter(
      ({ address }) => address.length === (family === 4 ? 4 : 16) && !except.some((other) => sameBytes(other, address)),
    );
    const found =
      family === 6
        ? candidates.find((it) => it.scope === SCOPE_LINK && !it.tentative && !it.dadFailed)
        : (candidates.find((it) => it.scope === SCOPE_GLOBAL && !it.secondary) ??
          candidates.find((it) => it.scope === SCOPE_GLOBAL) ??
          candidates.find((it) => it.scope === SCOPE_LINK));
    return found?.address ?? null;
  }

  /** Takes in events in the order they came; returns what they changed. */
  apply(messages: readonly NetlinkMessage[]): Change[] {
    const changes: Change[] = [];
    for (const { type, payload } of messages) {
      if (type === RTM_NEWADDR || type === RTM_DELADDR) {
        const address = decodeAddress(payload);
        if (address === null) continue;
        if (type === RTM_NEWADDR) this.putAddress(address, changes);
        else this.dropAddress(address, changes);
      } else if (type === RTM_NEWLINK || type === RTM_DELLINK) {
        const link = decodeLink(payload);
        if (link === null) continue;
        if (type === RTM_NEWLINK) this.putLink(link, changes);
        else this.dropLink(link.index, changes);
      }
    }
    return changes;
  }

  /** Takes in complete dumps of links and addresses; returns how they differ from what was known. */
  replace(messages: readonly NetlinkMessage[]): Change[] {
    const changes: Change[] = [];
    const fresh = new LinkTable();
    fresh.apply(messages);
    for (const known of this.everyAddress()) {
      if (!fresh.addressesOn.get(known.ifindex)?.has(keyOf(known))) this.dropAddress(known, changes);
    }
    for (const known of this.links()) if (!fresh.linkOf.has(known.index)) this.dropLink(known.index, changes);
    return changes.concat(this.apply(messages));
  }

  private everyAddress(): Address[] {
    return [...this.addressesOn.values()].flatMap((addresses) => [...addresses.values()]);
  }

  private putLink(link: Link, changes: Change[]): void {
    const before = this.linkOf.get(link.index);
    this.linkOf.set(link.index, link);
    if (before === undefined) {
      changes.push({ kind: "linkAdded", link });
      return;
    }
    if (before.name !== link.name) changes.push({ kind: "linkRenamed", link, before });
    if (!sameLink(before, { ...link, name: before.name })) changes.push({ kind: "linkChanged", link, before });
  }

  private dropLink(ifindex: number, changes: Change[]): void {
    for (const address of this.addressesOf(ifindex)) this.dropAddress(address, changes);
    const link = this.linkOf.get(ifindex);
    if (link === undefined) return;
    this.linkOf.delete(ifindex);
    changes.push({ kind: "linkRemoved", link });
  }

  private putAddress(address: Address, changes: Change[]): void {
    let addresses = this.addressesOn.get(address.ifindex);
    if (addresses === undefined) {
      addresses = new Map();
      this.addressesOn.set(address.ifindex, addresses);
    }
    const key = keyOf(address);
    const before = addresses.get(key);
    addresses.set(key, address);
    if (before === undefined) changes.push({ kind: "addressAdded", address });
    else if (!sameButLifetime(before, address)) changes.push({ kind: "addressChanged", address, before });
  }

  private dropAddress(which: Address, changes: Change[]): void {
    const addresses = this.addressesOn.get(which.ifindex);
    const key = keyOf(which);
    const address = addresses?.get(key);
    if (addresses === undefined || address === undefined) return;
    addresses.delete(key);
    if (addresses.size === 0) this.addressesOn.delete(which.ifindex);
    changes.push({ kind: "addressRemoved", address });
  }
}

/** The kernel lets an interface have one IPv4 address several times, with different prefix lengths. */
function keyOf({ address, prefixLength }: Address): string {
  return `${address.join(".")}/${prefixLength}`;
}

function sameLink(a: Link, b: Link): boolean {
  return (
    a.name === b.name &&
    a.up === b.up &&
    a.running === b.running &&
    sameBytes(a.mac, b.mac) &&
    a.mtuBytes === b.mtuBytes &&
    a.noArp === b.noArp &&
    a.loopback === b.loopback &&
    a.kind === b.kind &&
    a.masterIndex === b.masterIndex &&
    a.parentIndex === b.parentIndex &&
    a.privateMacvlan === b.privateMacvlan
  );
}

function sameButLifetime(a: Address, b: Address): boolean {
  return (
    a.scope === b.scope &&
    a.tentative === b.tentative &&
    a.dadFailed === b.dadFailed &&
    a.deprecated === b.deprecated &&
    a.temporary === b.temporary &&
    a.noPrefixRoute === b.noPrefixRoute &&
    a.secondary === b.secondary &&
    a.protocol === b.protocol
  );
}
