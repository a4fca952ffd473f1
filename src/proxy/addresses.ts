import type { Clock } from "../core/clock.ts";
import { type Endpoint, ipVersion } from "../core/endpoint.ts";
import { encodeSockaddr } from "../net/sockaddr.ts";

/** A name that has no address yet is asked for again this often. */
const RETRY_MS = 5000;

/** Finds a name's first address; rejects when it has none. */
export type Resolver = (host: string) => Promise<string>;

/**
 * Addresses of servers that were given by a name which did not resolve at start (`init_addr = "none"`): asked for again in
 * the background until they do. Everything else was resolved when the file was read.
 */
export class LateAddresses {
  private readonly known = new Map<string, string>();
  private readonly asking = new Set<string>();
  private stopped = false;

  constructor(
    private readonly resolve: Resolver,
    private readonly clock: Clock,
    private readonly onResolved: (host: string, address: string) => void,
  ) {}

  /** The kernel's form of an endpoint; null while its name has no address. */
  encode(endpoint: Endpoint): Uint8Array | null {
    if (endpoint.kind === "unix" || ipVersion(endpoint.host) !== 0) return encodeSockaddr(endpoint);
    const host = this.known.get(endpoint.host);
    return host === undefined ? null : encodeSockaddr({ ...endpoint, host });
  }

  /** Begins asking for a name. */
  want(host: string): void {
    if (this.asking.has(host)) return;
    this.asking.add(host);
    void this.ask(host);
  }

  stop(): void {
    this.stopped = true;
  }

  private async ask(host: string): Promise<void> {
    try {
      const address = await this.resolve(host);
      this.known.set(host, address);
      if (!this.stopped) this.onResolved(host, address);
    } catch {
      // Said when the file was read and visible as MAINT (resolution); another line each time would help nobody.
      if (!this.stopped) this.clock.after(RETRY_MS, () => void this.ask(host));
    }
  }
}
