import { formatAddress } from "./address.ts";
import type { Peer } from "./transitions.ts";

/** A router that was silent for so long is no candidate any more. */
const REMEMBERED_MS = 3_600_000;
/** Senders of valid adverts on one link; more is an attack, and the oldest makes room. */
const MAX_PEERS = 64;

/** The other routers of a virtual router, by what they sent. */
export class Peers {
  private readonly heard = new Map<string, Peer>();

  /** A valid advert came. */
  note(peer: Peer): void {
    const name = formatAddress(peer.source);
    // Out and in again: a Map keeps its order, so the last one is the latest.
    this.heard.delete(name);
    this.heard.set(name, peer);
    if (this.heard.size <= MAX_PEERS) return;
    const [oldest] = this.heard.keys();
    if (oldest !== undefined) this.heard.delete(oldest);
  }

  /** True when nobody else was heard within the last hour. */
  isAlone(peer: Peer, nowMs: number): boolean {
    const name = formatAddress(peer.source);
    return this.heard.entries().every(([other, { heardAtMs }]) => other === name || nowMs - heardAtMs > REMEMBERED_MS);
  }

  /** Who was heard last; null: nobody yet. */
  get last(): Peer | null {
    return [...this.heard.values()].at(-1) ?? null;
  }
}
