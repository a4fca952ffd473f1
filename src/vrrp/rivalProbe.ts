import type { Clock } from "../core/clock.ts";

/** A host that answers for an address which is ours. */
export interface Rival {
  /** The virtual address. */
  readonly address: string;
  /** As "02:00:5e:10:00:01". */
  readonly mac: string;
  readonly answers: number;
  /** Monotonic ms of the last answer. */
  readonly lastMs: number;
}

export interface RivalObserver {
  /** Asks the network who has each of our addresses; answers come back through {@link RivalProbe.answered}. */
  probe(): void;
  /** Somebody answered: `first` in this mastership, or once more. */
  onRival(rival: Rival, first: boolean): void;
}

/** The router that ceased to be MASTER says so before it removes the addresses: asked any earlier, it would still answer. */
const SETTLE_MS = 500;
/** While somebody answers it is asked again this soon: it may be an old owner whose lease is about to end. */
const AGAIN_MS = 1000;
const REGULAR_MS = 60_000;
/** Answers come from the network, so their number is not ours to trust. */
const MAX_RIVALS = 16;

/**
 * Asks by ARP probe (RFC 5227) and neighbour solicitation, after an address was taken and from time to time while it is ours,
 * whether another host answers for it. VRRP alone cannot see that: a stranger with the address may speak no VRRP at all.
 */
export class RivalProbe {
  private readonly found = new Map<string, Rival>();
  private cancel: (() => void) | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly observer: RivalObserver,
  ) {}

  /** We own the addresses from now on: probes in a moment, then regularly. */
  start(): void {
    this.stop();
    this.schedule(SETTLE_MS);
  }

  /** We no longer own them, or soon will not. What was found is forgotten. */
  stop(): void {
    this.cancel?.();
    this.cancel = null;
    this.found.clear();
  }

  /** A host with this MAC answered; ignored unless we own the addresses. */
  answered(address: string, mac: string): void {
    if (this.cancel === null) return;
    const key = `${address} ${mac}`;
    const before = this.found.get(key);
    if (before === undefined && this.found.size >= MAX_RIVALS) return;
    const rival = { address, mac, answers: (before?.answers ?? 0) + 1, lastMs: this.clock.nowMs() };
    this.found.set(key, rival);
    this.schedule(AGAIN_MS);
    this.observer.onRival(rival, before === undefined);
  }

  /** Who answered in this mastership; those who have not for longer than two regular probes are gone. */
  rivals(): Rival[] {
    const sinceMs = this.clock.nowMs() - 2 * REGULAR_MS;
    return [...this.found.values()].filter(({ lastMs }) => lastMs >= sinceMs);
  }

  private schedule(delayMs: number): void {
    this.cancel?.();
    this.cancel = this.clock.after(delayMs, () => {
      this.schedule(REGULAR_MS);
      this.observer.probe();
    });
  }
}
