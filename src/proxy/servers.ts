import { isDeepStrictEqual } from "node:util";
import { balancers } from "../balance/index.ts";
import type { Config, ListenConfig, ServerConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { Endpoint } from "../core/endpoint.ts";
import type { Cause } from "../log/events.ts";
import { ListenBoard } from "../pool/board.ts";
import type { PoolEvent } from "../pool/event.ts";
import { Pool } from "../pool/pool.ts";
import {
  type AdminState,
  addressOf,
  type CheckPlace,
  checkAddressOf,
  type Health,
  type PoolServer,
} from "../pool/server.ts";
import type { CheckFacts } from "../stats/checkFacts.ts";
import type { CheckView } from "../stats/view.ts";
import { LateAddresses, type Resolver } from "./addresses.ts";
import { HealthChecks } from "./healthChecks.ts";
import { type Inheritance, type InheritedCheck, inheritedCheck, inheritStanding } from "./inheritance.ts";

/** Who hears what becomes of servers. */
export interface ServersObserver {
  /** `cause` is the check, or the traffic error, behind it. */
  onEvent(pool: Pool, event: PoolEvent, cause: Cause): void;
  /** States or weights have changed: whoever waits for a server may look again. */
  onChange(): void;
}

/** Every listen has room for twice its servers, and for so many more at least. */
const LEAST_SPARE_SLOTS = 32;

/**
 * The servers of all listens, as control keeps them: a pool each, their addresses, their checks. Listens and servers are
 * added, changed and removed at run time; who may still have sessions on what was removed is proxy/leaving.ts's business.
 */
export class Servers {
  private readonly byListen = new Map<string, Pool>();
  private readonly ids = new Map<Pool, number>();
  private nextId = 0;
  private readonly threads: number;
  private readonly health: HealthChecks;
  private readonly addresses: LateAddresses;
  private readonly causes = new WeakMap<PoolServer, Cause>();

  constructor(
    config: Config,
    private readonly clock: Clock,
    resolve: Resolver,
    private readonly observer: ServersObserver,
  ) {
    this.threads = config.global.threads;
    this.addresses = new LateAddresses(resolve, clock, (host) => this.resolved(host));
    for (const listen of config.listens) this.byListen.set(listen.name, this.createPool(listen));
    this.health = new HealthChecks(
      config.global.spreadChecksPercent,
      clock,
      (endpoint) => this.addresses.encode(endpoint),
      (server, result) => this.causes.set(server, result),
    );
  }

  /** By listen, in the configuration's order; not those that were removed. */
  get pools(): ReadonlyMap<string, Pool> {
    return this.byListen;
  }

  /** What relay threads know a listen by, those that were removed included. */
  idOf(pool: Pool): number {
    return this.ids.get(pool) as number;
  }

  /** The listen that relay threads know by this number. */
  byId(id: number): Pool | undefined {
    for (const [pool, each] of this.ids) if (each === id) return pool;
    return undefined;
  }

  /** Begins to check, from what was inherited on, and to ask for addresses that are not known. */
  start(inheritance: Inheritance | null = null): void {
    if (inheritance !== null) inheritStanding(inheritance, this.byListen);
    for (const pool of this.byListen.values()) {
      for (const server of pool.servers) if (server.address !== null) this.publishAddress(pool, server);
      this.wantAddresses(pool);
    }
    this.health.start([...this.byListen.values()], (pool, server) =>
      inheritedCheck(inheritance, pool.config.name, server.config.name),
    );
  }

  stop(): void {
    this.health.stop();
    this.addresses.stop();
  }

  /** Traffic has met so many connect errors in a row: see `observe`. */
  observed(pool: Pool, slot: number, errorCount: number): void {
    const server = pool.slots[slot];
    if (server) this.health.observed(server, errorCount);
  }

  /** What is known of a server's checks; null: it is not checked. */
  checkView(pool: Pool, slot: number): CheckView | null {
    const server = pool.slots[slot];
    return server ? this.health.view(server) : null;
  }

  /** All of it, for whoever asks why; null: there is no such server, or it is not checked. */
  checkFacts(listen: string, name: string): CheckFacts | null {
    const server = this.byListen.get(listen)?.servers.find(({ config }) => config.name === name);
    return server === undefined ? null : this.health.facts(server);
  }

  /** The same, for the next process. */
  checkMemory(pool: Pool, slot: number): InheritedCheck | null {
    const server = pool.slots[slot];
    return server ? this.health.memoryOf(server) : null;
  }

  /** A pool that is not among the listens yet, its addresses given, nothing checked. */
  createPool(listen: ListenConfig): Pool {
    const { clock, observer } = this;
    const count = listen.servers.length;
    const board = ListenBoard.create(count, this.threads, count + Math.max(count, LEAST_SPARE_SLOTS));
    const pool: Pool = new Pool(listen, board, {
      clock,
      dynamicWeights: (balance) => balancers[balance].dynamicWeights,
      onEvent: (event) => observer.onEvent(pool, event, this.causes.get(event.server) ?? null),
      onChange: () => observer.onChange(),
    });
    this.ids.set(pool, this.nextId++);
    pool.together(() => {
      for (const { slot, config } of pool.servers) pool.setAddress(slot, this.addresses.encode(config.address));
    });
    return pool;
  }

  /** Puts a listen among the others, and begins to check its servers. */
  addListen(pool: Pool): void {
    this.byListen.set(pool.config.name, pool);
    this.wantAddresses(pool);
    this.health.start([pool]);
  }

  /** It is none of the listens any more; its servers go on being checked for the sessions that it has. */
  removeListen(pool: Pool): void {
    if (this.byListen.get(pool.config.name) === pool) this.byListen.delete(pool.config.name);
  }

  /** A listen that was removed has no session left. */
  forgetListen(pool: Pool): void {
    for (const server of pool.servers) this.health.remove(server);
    this.ids.delete(pool);
  }

  /** Puts the listens into the configuration's order. */
  order(names: readonly string[]): void {
    for (const name of names) {
      const pool = this.byListen.get(name);
      this.byListen.delete(name);
      if (pool !== undefined) this.byListen.set(name, pool);
    }
  }

  /** Adds a server in a slot that the relay threads know to be its. */
  addServer(pool: Pool, slot: number, config: ServerConfig): void {
    const server = pool.addServer(slot, config, this.addresses.encode(config.address));
    this.health.add(pool, server);
    this.wantAddresses(pool);
  }

  /** See {@link Pool.changeServer}: gives a server another configuration; what was set at run time and is overruled, in words. */
  changeServer(pool: Pool, slot: number, config: ServerConfig): string[] {
    const server = pool.slots[slot] as PoolServer;
    const [wasAt, wasCheckedAt] = [addressOf(server), checkAddressOf(server)];
    this.causes.delete(server);
    const overruled = pool.changeServer(slot, config);
    const isMoved = !isDeepStrictEqual(wasAt, addressOf(server));
    const isRecheckedElsewhere = !isDeepStrictEqual(wasCheckedAt, checkAddressOf(server));
    if (isMoved) this.publishAddress(pool, server);
    this.health.update(pool, server, isMoved || (isRecheckedElsewhere && config.check !== null));
    return overruled;
  }

  /** See {@link Pool.setAdmin}; checks end and begin accordingly. */
  setAdmin(pool: Pool, slot: number, admin: AdminState): void {
    const server = pool.slots[slot] as PoolServer;
    this.causes.set(server, "cli");
    pool.setAdmin(slot, admin);
    this.health.admitted(server);
  }

  /** An operator says how a server is, until checks find otherwise; nothing to be said of one in maintenance. */
  setHealth(pool: Pool, slot: number, health: Health): void {
    const server = pool.slots[slot] as PoolServer;
    if (server.admin === "maint") return;
    this.health.force(server, health !== "down");
    this.causes.set(server, "cli");
    pool.setHealth(slot, health);
  }

  /** Whether a server's checks are carried out. */
  setChecking(pool: Pool, slot: number, on: boolean): void {
    const server = pool.slots[slot] as PoolServer;
    server.checking = on;
    this.health.switched(server);
  }

  /** Another address than the file's, until the file has a new one. Sessions stay where they are. */
  setAddress(pool: Pool, slot: number, address: Endpoint): void {
    const server = pool.slots[slot] as PoolServer;
    server.address = isDeepStrictEqual(address, server.config.address) ? null : address;
    this.publishAddress(pool, server);
    this.health.admitted(server);
  }

  /** Where a server's checks go, until the file says something new about it. */
  setCheckPlace(pool: Pool, slot: number, place: CheckPlace): void {
    (pool.slots[slot] as PoolServer).checkAt = place;
  }

  /** Counts of checks, and of how often servers went down, are 0 from now on. */
  clearCounters(): void {
    this.health.clearCounters();
    for (const pool of this.ids.keys()) for (const server of pool.servers) server.downs = 0;
  }

  private publishAddress(pool: Pool, server: PoolServer): void {
    pool.setAddress(server.slot, this.addresses.encode(addressOf(server)));
    this.wantAddresses(pool);
  }

  /** Takes no new session from now on; those that it has may go on until `deadlineMs`. */
  removeServer(pool: Pool, slot: number, deadlineMs: number): void {
    const server = pool.slots[slot] as PoolServer;
    this.health.remove(server);
    pool.removeServer(slot, deadlineMs);
  }

  /**
   * What a listen says of itself and of all its servers has changed; the servers' own changes are others' business. What was
   * set at run time and is overruled, in words.
   */
  changeListen(pool: Pool, config: ListenConfig): string[] {
    const overruled = pool.reconfigure(config);
    for (const server of pool.servers) if (server.leavingUntilMs === null) this.health.update(pool, server, false);
    return overruled;
  }

  /** `spread_checks`. */
  set spreadPercent(percent: number) {
    this.health.spreadPercent = percent;
  }

  private wantAddresses(pool: Pool): void {
    for (const { config, unresolved } of pool.servers)
      if (unresolved && config.hostname !== null) this.addresses.want(config.hostname);
  }

  private resolved(host: string): void {
    for (const pool of this.ids.keys()) {
      for (const server of pool.servers) {
        if (server.config.hostname !== host || !server.unresolved) continue;
        pool.setAddress(server.slot, this.addresses.encode(addressOf(server)));
        this.health.admitted(server);
      }
    }
  }
}
