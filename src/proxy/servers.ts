import { balancers } from "../balance/index.ts";
import type { Config, ListenConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { Cause } from "../log/events.ts";
import { ListenBoard } from "../pool/board.ts";
import { Pool, type PoolEvent } from "../pool/pool.ts";
import type { CheckView } from "../stats/view.ts";
import { LateAddresses, type Resolver } from "./addresses.ts";
import { HealthChecks } from "./healthChecks.ts";
import { type Inheritance, type InheritedCheck, inheritedCheck, inheritStanding } from "./inheritance.ts";

/** Who hears what becomes of servers. */
export interface ServersObserver {
  /** `cause` is the check, or the traffic error, behind it. */
  onEvent(listen: string, event: PoolEvent, cause: Cause): void;
  /** States or weights have changed: whoever waits for a server may look again. */
  onChange(): void;
}

/** The servers of all listens, as control keeps them: a pool each, their addresses, their checks. */
export class Servers {
  private readonly byListen = new Map<string, Pool>();
  private readonly health: HealthChecks;
  private readonly addresses: LateAddresses;
  private readonly causes = new Map<string, Cause>();

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    resolve: Resolver,
    private readonly observer: ServersObserver,
  ) {
    this.addresses = new LateAddresses(resolve, clock, (host) => this.giveAddresses(host));
    for (const listen of config.listens) this.byListen.set(listen.name, this.createPool(listen));
    this.health = new HealthChecks(
      config,
      this.byListen,
      clock,
      (endpoint) => this.addresses.encode(endpoint),
      (listen, slot, result) => this.causes.set(`${listen}/${slot}`, result),
    );
  }

  /** By listen, in the configuration's order. */
  get pools(): ReadonlyMap<string, Pool> {
    return this.byListen;
  }

  /** Gives servers the addresses that are known, asks for the others, and begins to check, from what was inherited on. */
  start(inheritance: Inheritance | null): void {
    this.giveAddresses(null);
    if (inheritance !== null) inheritStanding(inheritance, this.byListen);
    this.health.start((listen, server) => inheritedCheck(inheritance, listen, server));
  }

  stop(): void {
    this.health.stop();
    this.addresses.stop();
  }

  /** Traffic has met so many connect errors in a row: see `observe`. */
  observed(listen: string, slot: number, errorCount: number): void {
    this.health.observed(listen, slot, errorCount);
  }

  /** What is known of a server's checks; null: it is not checked. */
  checkView(listen: string, slot: number): CheckView | null {
    return this.health.view(listen, slot);
  }

  /** The same, for the next process. */
  checkMemory(listen: string, slot: number): InheritedCheck | null {
    return this.health.memoryOf(listen, slot);
  }

  /** The name of the server in a slot. */
  nameOf(listen: string, slot: number): string {
    return this.byListen.get(listen)?.servers[slot]?.config.name ?? `#${slot}`;
  }

  private createPool(listen: ListenConfig): Pool {
    return new Pool(listen, ListenBoard.create(listen.servers.length, this.config.global.threads), {
      clock: this.clock,
      dynamicWeights: balancers[listen.balance].dynamicWeights,
      onEvent: (event) =>
        this.observer.onEvent(listen.name, event, this.causes.get(`${listen.name}/${event.server.slot}`) ?? null),
      onChange: () => this.observer.onChange(),
    });
  }

  /** All at start, or those that a name was just found for. */
  private giveAddresses(resolved: string | null): void {
    for (const pool of this.byListen.values()) {
      for (const { slot, config } of pool.servers) {
        if (resolved !== null && config.hostname !== resolved) continue;
        const sockaddr = this.addresses.encode(config.address);
        pool.setAddress(slot, sockaddr);
        if (resolved !== null) this.health.resolved(pool.config, slot);
        if (sockaddr === null && config.hostname !== null) this.addresses.want(config.hostname);
      }
    }
  }
}
