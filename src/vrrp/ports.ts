/** What a virtual router needs of the world. The kernel stands behind these in production, a simulated network in tests. */

/** One received IP datagram of protocol 112. */
export interface Datagram {
  /** Sender and receiver, 4 or 16 bytes. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** TTL or hop limit as it arrived. */
  readonly ttl: number;
  /** The VRRP message: what the IP header says is payload, nothing more. */
  readonly payload: Uint8Array;
}

/** Adverts out and in, on one interface and one address family. */
export interface AdvertTransport {
  /** Our address in adverts, 4 or 16 bytes; null while the interface has none that can be used. */
  readonly source: Uint8Array | null;
  /** Where adverts go: the multicast group alone, or every unicast peer. */
  readonly destinations: readonly Uint8Array[];
  /** Sends one VRRP message; 0, or `-errno` when the kernel refused it. Never blocks. */
  send(destination: Uint8Array, message: Uint8Array): number;
  /** Hands over everything that is queued, oldest first, without waiting; `deliver` may call {@link send}. */
  receive(deliver: (datagram: Datagram) => void): void;
}

/** The addresses of one virtual router on its interface. */
export interface AddressHolder {
  /** Adds what is missing and renews the lease of all, this time for longer: the kernel removes them when nobody renews them in time. */
  hold(longerSeconds?: number): void;
  /** Removes them. Harmless when they are not there. */
  release(): void;
}

/** Tells the neighbourhood where the addresses are now: gratuitous ARP, unsolicited neighbour advertisements. */
export interface Announcer {
  /** A router became MASTER: a burst now, another after `garp_master_delay`, then the refresh, until {@link stop}. */
  becameMaster(): void;
  /** The router was MASTER in the program before this one and still is: one burst, for whatever was missed, and the refresh. */
  resume(): void;
  /** A rival of lower priority was heard, or we may not have been heard for a while: a burst at once, and while that goes on no oftener than `garp_lower_prio_delay`. */
  reassert(): void;
  /** No longer MASTER: nothing is sent from now on, pending bursts included. */
  stop(): void;
}
