import type { Clock } from "../core/clock.ts";
import type { AddressHolder } from "./ports.ts";

/** The kernel's door for one address of a virtual router. */
export interface LeasedAddress {
  /** As people write it, for logs: "192.0.2.100/24". */
  readonly text: string;
  /** Adds the address, or renews it: the kernel removes it by itself `leaseSeconds` later. 0, or `-errno`. */
  hold(leaseSeconds: number): number;
  /** Removes it; 0, or `-errno`. Not there is fine. */
  release(): number;
}

/** Renewals in one lease: three may be late or lost before the kernel takes the address. */
const RENEWALS = 4;
/** The kernel's lifetimes are whole seconds. */
const SHORTEST_LEASE_S = 1;

/**
 * Life of an address without renewal, in seconds: it ends before a backup that heard our last advert takes over
 * (down_timer_adverts intervals later, and its skew), as near as whole seconds allow.
 */
export function leaseSeconds(downTimerAdverts: number, advertIntMs: number): number {
  return Math.max(SHORTEST_LEASE_S, Math.floor((downTimerAdverts * advertIntMs) / 1000) - 1);
}

/**
 * The addresses of a virtual router with a finite lifetime in the kernel, renewed while we live: after SIGKILL, a crash or a
 * freeze the kernel removes them, where a daemon that is gone cannot.
 */
export class LeasedAddresses implements AddressHolder {
  private cancelRenewal: (() => void) | null = null;
  /** What the kernel did not take the last time. */
  private refused: ReadonlySet<string> = new Set();

  constructor(
    private readonly clock: Clock,
    private addresses: readonly LeasedAddress[],
    private seconds: number,
    /** An address could not be had; called once a hold. */
    private readonly onError: (text: string, errno: number) => void,
  ) {}

  /**
   * Adds and renews all; from then on they are renewed until {@link release}, or until a freeze outlasts the lease. This one
   * lasts so many seconds longer: nobody takes over while somebody else sends our adverts.
   */
  hold(longerSeconds = 0): void {
    const refused = this.addresses
      .map((address) => ({ text: address.text, errno: -address.hold(this.seconds + longerSeconds) }))
      .filter(({ errno }) => errno > 0);
    this.refused = new Set(refused.map(({ text }) => text));
    this.cancelRenewal?.();
    const endMs = this.clock.nowMs() + this.seconds * 1000;
    this.cancelRenewal = this.clock.after((this.seconds * 1000) / RENEWALS, () => {
      // After a freeze as long as the lease somebody else may own the addresses: whether to take them back is not ours to say.
      if (this.clock.nowMs() < endMs) this.hold();
    });
    // Last, because who hears of it may well release.
    for (const { text, errno } of refused) this.onError(text, errno);
  }

  release(): void {
    this.cancelRenewal?.();
    this.cancelRenewal = null;
    for (const address of this.addresses) address.release();
  }

  /**
   * Whether the kernel would take now what it refused: added for an instant, without a word to anybody, and removed. The
   * first one that it still refuses; null: none. Not for addresses that are held.
   */
  tryRefused(): { readonly text: string; readonly errno: number } | null {
    for (const address of this.addresses) {
      if (!this.refused.has(address.text)) continue;
      const errno = -address.hold(SHORTEST_LEASE_S);
      if (errno > 0) return { text: address.text, errno };
      address.release();
    }
    return null;
  }

  /** Other addresses or another lease: those that are no longer listed are removed, new ones come with the next hold. */
  configure(addresses: readonly LeasedAddress[], seconds: number): void {
    const kept = new Set(addresses.map(({ text }) => text));
    for (const address of this.addresses) if (!kept.has(address.text)) address.release();
    this.addresses = addresses;
    this.seconds = seconds;
    if (this.cancelRenewal !== null) this.hold();
  }
}
