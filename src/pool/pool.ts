import type { ListenConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { ListenBoard } from "./board.ts";
import { buildRotation } from "./rotation.ts";
import { isRunning, isUsable, type PoolServer, rampSixteenths, rampStepMs, type ServerMemory } from "./server.ts";

/** What happened to a server, with the listen's figures right after it. */
export interface PoolEvent {
  kind: "down" | "up" | "rampEnded" | "noServer" | "resolved";
  server: PoolServer;
  activeServers: number;
  backupServers: number;
  /** Sessions the server has, connections that waited for it, and connections that wait in the listen. */
  sessions: number;
  requeued: number;
  queued: number;
}

export interface PoolDeps {
  clock: Clock;
  /** Whether slow start changes weights (static-rr: it does not). */
  dynamicWeights: boolean;
  onEvent(event: PoolEvent): void;
  /** States or weights have changed: whoever waits for a server may look again. */
  onChange(): void;
}

/** The servers of one listen: the one owner of their state, and the writer of the scoreboard words that relay threads read. */
export class Pool {
  readonly servers: readonly PoolServer[];
  private active = 0;
  private backups = 0;

  constructor(
    readonly config: ListenConfig,
    readonly board: ListenBoard,
    private readonly deps: PoolDeps,
  ) {
    const nowMs = deps.clock.nowMs();
    this.servers = config.servers.map((server, slot) => ({
      slot,
      config: server,
      admin: server.disabled ? "maint" : "ready",
      unresolved: false,
      up: server.check === null || server.check.initState === "up" || server.check.initState === "fully-up",
      changedMs: nowMs,
      rampingSinceMs: null,
      downtimeMs: 0,
      downs: 0,
    }));
    this.publish();
  }

  /** Usable servers that are not backups, and usable backups. */
  get counts(): { active: number; backups: number } {
    return { active: this.active, backups: this.backups };
  }

  /** Gives the server its address (encoded, see net/sockaddr.ts), or takes note that it has none yet. */
  setAddress(slot: number, sockaddr: Uint8Array | null): void {
    const server = this.server(slot);
    const wasUnresolved = server.unresolved;
    if (sockaddr !== null) this.board.setAddress(slot, sockaddr);
    if (wasUnresolved !== (sockaddr === null)) this.turn(server);
    server.unresolved = sockaddr === null;
    this.publish();
    if (wasUnresolved && !server.unresolved) this.emit("resolved", server, 0);
  }

  /** How a server stands, for {@link remember} in another process. */
  memoryOf(slot: number): ServerMemory {
    const { admin, config, up, changedMs, rampingSinceMs, downtimeMs, downs } = this.server(slot);
    const nowMs = this.deps.clock.nowMs();
    return {
      admin,
      adminInFile: config.disabled ? "maint" : "ready",
      up,
      inStateMs: nowMs - changedMs,
      rampingMs: rampingSinceMs === null ? null : nowMs - rampingSinceMs,
      downtimeMs,
      downs,
    };
  }

  /** A server stands where it stood in the process before this one; what an operator wanted holds unless the file has changed. */
  remember(slot: number, memory: ServerMemory): void {
    const server = this.server(slot);
    const nowMs = this.deps.clock.nowMs();
    if (memory.adminInFile === (server.config.disabled ? "maint" : "ready")) server.admin = memory.admin;
    if (server.config.check !== null) server.up = memory.up;
    server.changedMs = nowMs - memory.inStateMs;
    server.downtimeMs = memory.downtimeMs;
    server.downs = memory.downs;
    const isRamping = memory.rampingMs !== null && memory.rampingMs < server.config.slowstartMs;
    server.rampingSinceMs = isRamping ? nowMs - (memory.rampingMs as number) : null;
    this.publish();
    if (isRamping) this.ramp(server);
  }

  /** What health has found; does nothing when that is no change. */
  setUp(slot: number, up: boolean): void {
    const server = this.server(slot);
    if (server.up === up) return;
    const nowMs = this.deps.clock.nowMs();
    const usableBefore = this.active + this.backups;
    const requeued = up ? 0 : this.board.queuedOn(slot);
    this.turn(server);
    if (!up) server.downs++;
    server.up = up;
    server.rampingSinceMs = up && server.config.slowstartMs > 0 ? nowMs : null;
    this.publish();
    if (server.rampingSinceMs !== null) this.ramp(server);
    this.emit(up ? "up" : "down", server, requeued);
    if (usableBefore > 0 && this.active + this.backups === 0) this.emit("noServer", server, 0);
  }

  /** Milliseconds without being up, or in maintenance, the present outage included. */
  downtimeMs(slot: number): number {
    const server = this.server(slot);
    return server.downtimeMs + (isRunning(server) ? 0 : this.deps.clock.nowMs() - server.changedMs);
  }

  /** Share of its weight that the server has by now, in percent; null when it is not ramping up. */
  throttlePercent(slot: number): number | null {
    const server = this.server(slot);
    if (server.rampingSinceMs === null) return null;
    return Math.floor(
      Math.min(100, (100 * (this.deps.clock.nowMs() - server.rampingSinceMs)) / server.config.slowstartMs),
    );
  }

  /** The state that a server was in ends now. */
  private turn(server: PoolServer): void {
    const nowMs = this.deps.clock.nowMs();
    if (!isRunning(server)) server.downtimeMs += nowMs - server.changedMs;
    server.changedMs = nowMs;
  }

  private ramp(server: PoolServer): void {
    const startedMs = server.rampingSinceMs;
    if (startedMs === null) return;
    this.deps.clock.after(rampStepMs(server), () => {
      if (server.rampingSinceMs !== startedMs) return; // it went down meanwhile
      const done = this.deps.clock.nowMs() - startedMs >= server.config.slowstartMs;
      if (done) server.rampingSinceMs = null;
      this.publish();
      if (done) this.emit("rampEnded", server, 0);
      else this.ramp(server);
    });
  }

  /** Writes what the states come to on the scoreboard. Backups serve only when nobody else can, and then only the first. */
  private publish(): void {
    const usable = this.servers.filter(isUsable);
    const active = usable.filter((server) => !server.config.backup);
    this.active = active.length;
    this.backups = usable.length - active.length;
    const serving = new Set(active.length > 0 ? active : usable.slice(0, 1));
    const nowMs = this.deps.clock.nowMs();
    const weights = this.servers.map((server) => {
      if (!serving.has(server)) return 0;
      return server.config.weight * (this.deps.dynamicWeights ? rampSixteenths(server, nowMs) : 16);
    });
    for (const server of this.servers) {
      const { maxconn } = server.config;
      const limit = maxconn === null ? 0 : Math.max(1, Math.floor((maxconn * rampSixteenths(server, nowMs)) / 16));
      this.board.setServer(server.slot, { weight: weights[server.slot] ?? 0, maxconn: limit });
    }
    this.board.setUsable(serving.size);
    this.board.setRotation(buildRotation(weights, this.board.rotationLimit));
    this.deps.onChange();
  }

  private emit(kind: PoolEvent["kind"], server: PoolServer, requeued: number): void {
    this.deps.onEvent({
      kind,
      server,
      activeServers: this.active,
      backupServers: this.backups,
      sessions: this.board.served(server.slot),
      requeued,
      queued: this.board.queued,
    });
  }

  private server(slot: number): PoolServer {
    const server = this.servers[slot];
    if (server === undefined) throw new RangeError(`listen ${this.config.name} has no server slot ${slot}`);
    return server;
  }
}
