import type { OperatedListen, OperatedServer, Operator } from "../admin/operator.ts";
import { balancers } from "../balance/index.ts";
import { readAddedServer, type ServerWords } from "../config/addedServer.ts";
import type { Endpoint } from "../core/endpoint.ts";
import { type LogEvent, proxyPaused, proxyResumed, proxyStopped } from "../log/events.ts";
import { ListenCounter } from "../pool/layout.ts";
import type { Accepting, Pool } from "../pool/pool.ts";
import type { ProcessBoard } from "../pool/processBoard.ts";
import { type AdminState, addressOf, type CheckPlace, type Health, type PoolServer } from "../pool/server.ts";
import type { Sampler } from "../stats/sampler.ts";
import type { ProcessMaxconn } from "./maxconn.ts";
import type { RelayPool } from "./relayPool.ts";
import type { Reloads } from "./reload.ts";
import { withAdded, withDeleted } from "./runtimeServers.ts";
import type { Servers } from "./servers.ts";

/** What an operator's orders are carried out with. */
export interface OperatorParts {
  readonly servers: Servers;
  readonly relays: RelayPool;
  readonly reloads: Reloads;
  readonly maxconn: ProcessMaxconn;
  readonly board: ProcessBoard;
  readonly sampler: Sampler;
  /** Ends the sessions of a listen's server. */
  endSessions(pool: Pool, slot: number): void;
  /** Which servers can be used may have changed. */
  changed(pool: Pool): void;
  /** The process after this one is to know of it. */
  remember(): void;
  /** `change`: one word for it, about this listen. */
  log(event: LogEvent, change: string, listen: string): void;
}

/** Carries out an operator's orders in the proxy process. */
export class ProxyOperator implements Operator {
  constructor(private readonly parts: OperatorParts) {}

  get listens(): readonly OperatedListen[] {
    return Array.from(this.parts.servers.pools.values(), (pool) => new ProxyListen(this.parts, pool));
  }

  get maxconn(): number {
    return this.parts.maxconn.now.is;
  }

  get hardMaxconn(): number {
    return this.parts.maxconn.hard;
  }

  setMaxconn(maxconn: number): void {
    this.parts.maxconn.set(maxconn);
    this.parts.remember();
    this.parts.relays.ringAll();
  }

  async clearCounters(all: boolean): Promise<void> {
    const { sampler, relays, servers, board } = this.parts;
    const cleared = all ? sampler.clearing() : null;
    await relays.clearCounters(all);
    for (const { board: listenBoard } of servers.pools.values()) listenBoard.clearInherited(all);
    board.clearInheritedMaxima();
    cleared?.();
    sampler.clearMaxima();
    if (all) servers.clearCounters();
  }
}

class ProxyListen implements OperatedListen {
  constructor(
    private readonly parts: OperatorParts,
    private readonly pool: Pool,
  ) {}

  get name(): string {
    return this.pool.config.name;
  }

  get servers(): readonly OperatedServer[] {
    const { parts, pool } = this;
    return pool.servers
      .filter(({ leavingUntilMs }) => leavingUntilMs === null)
      .map((server) => new ProxyServer(parts, pool, server));
  }

  get hasStaticWeights(): boolean {
    return !balancers[this.pool.config.balance].dynamicWeights;
  }

  get accepting(): Accepting {
    return this.pool.accepting;
  }

  async pause(): Promise<void> {
    await this.setAccepting("paused");
    this.parts.log(proxyPaused(this.name), "paused", this.name);
  }

  async resume(): Promise<void> {
    await this.setAccepting("open");
    this.parts.log(proxyResumed(this.name), "resumed", this.name);
  }

  async shutDown(): Promise<void> {
    await this.setAccepting("stopped");
    const { board } = this.pool;
    const [accepted, connected] = [board.sum(ListenCounter.connections), board.sum(ListenCounter.established)];
    this.parts.log(proxyStopped(this.name, accepted, connected), "stopped", this.name);
  }

  setMaxconn(maxconn: number | null): void {
    this.pool.setListenMaxconn(maxconn);
  }

  async addServer(words: ServerWords): Promise<string | null> {
    const { pool, name } = this;
    const config = readAddedServer(pool.config, words);
    if (typeof config === "string") return config;
    const problem = await this.parts.reloads.changeServers((now) => {
      const isThere = this.servers.some((server) => server.name === words.name);
      return isThere ? "Already exists a server with the same name in backend." : withAdded(now, name, words);
    });
    this.parts.remember();
    return problem;
  }

  private async setAccepting(accepting: Accepting): Promise<void> {
    const { servers, relays } = this.parts;
    this.pool.accepting = accepting;
    this.parts.remember();
    await relays.setAccepting(servers.idOf(this.pool), accepting === "open");
  }
}

class ProxyServer implements OperatedServer {
  constructor(
    private readonly parts: OperatorParts,
    private readonly pool: Pool,
    private readonly server: PoolServer,
  ) {}

  get name(): string {
    return this.server.config.name;
  }

  get admin(): AdminState {
    return this.server.admin;
  }

  setAdmin(admin: AdminState): void {
    this.parts.servers.setAdmin(this.pool, this.server.slot, admin);
    this.changed();
  }

  get weight(): number {
    return this.server.weight;
  }

  get weightInFile(): number {
    return this.server.config.weight;
  }

  setWeight(weight: number): void {
    this.pool.setWeight(this.server.slot, weight);
    this.changed();
  }

  setMaxconn(maxconn: number | null): void {
    this.pool.setMaxconn(this.server.slot, maxconn);
  }

  get address(): Extract<Endpoint, { kind: "tcp" }> | null {
    const address = addressOf(this.server);
    return address.kind === "tcp" ? address : null;
  }

  setAddress(host: string, port: number): void {
    this.parts.servers.setAddress(this.pool, this.server.slot, { kind: "tcp", host, port });
    this.changed();
  }

  get isChecked(): boolean {
    return this.server.config.check !== null;
  }

  get checkPlace(): CheckPlace {
    return this.server.checkAt;
  }

  setChecking(on: boolean): void {
    this.parts.servers.setChecking(this.pool, this.server.slot, on);
    this.parts.remember();
  }

  setHealth(health: Health): void {
    this.parts.servers.setHealth(this.pool, this.server.slot, health);
    this.changed();
  }

  setCheckPlace(place: CheckPlace): void {
    this.parts.servers.setCheckPlace(this.pool, this.server.slot, place);
    this.parts.remember();
  }

  endSessions(): void {
    this.parts.endSessions(this.pool, this.server.slot);
  }

  get hasSessions(): boolean {
    const { board } = this.pool;
    return board.served(this.server.slot) + board.queuedOn(this.server.slot) > 0;
  }

  async remove(): Promise<string | null> {
    const { pool, server } = this;
    const problem = await this.parts.reloads.changeServers((now) =>
      // It may have been deleted while another change was being made.
      pool.slots[server.slot] !== server || server.leavingUntilMs !== null
        ? "No such server."
        : withDeleted(now, pool.config.name, server.config),
    );
    this.parts.remember();
    return problem;
  }

  private changed(): void {
    this.parts.changed(this.pool);
    this.parts.remember();
  }
}
