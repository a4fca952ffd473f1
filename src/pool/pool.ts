import type { ListenConfig, ServerConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { ListenBoard } from "./board.ts";
import { eventsOf, type PoolEvent, type PoolEventKind } from "./event.ts";
import { memoryOf, recall, type ServerMemory } from "./memory.ts";
import { overruledBy, takeFromFile } from "./overrule.ts";
import { buildRotation } from "./rotation.ts";
import {
  type AdminState,
  type Health,
  healthOf,
  isRunning,
  isUpAtFirst,
  isUsable,
  newServer,
  type PoolServer,
  rampSixteenths,
  rampStepMs,
} from "./server.ts";

/** What accepting clients can be: under way, interrupted, or over for good. */
export type Accepting = "open" | "paused" | "stopped";

export interface PoolDeps {
  clock: Clock;
  /** Whether slow start changes weights of a listen that balances like this (static-rr: it does not). */
  dynamicWeights(balance: ListenConfig["balance"]): boolean;
  onEvent(event: PoolEvent): void;
  /** States or weights have changed: whoever waits for a server may look again. */
  onChange(): void;
}

/** No exact rotation of weights 0..256 has more turns a server. */
const TURNS_PER_SERVER = 256;

/** The servers of one listen: the one owner of their state, and the writer of the scoreboard words that relay threads read. */
export class Pool {
  private present: PoolServer[];
  private bySlot: (PoolServer | null)[];
  private active = 0;
  private backups = 0;
  private gathering = false;
  /** An operator's word; the relay threads do it. */
  accepting: Accepting = "open";

  constructor(
    private current: ListenConfig,
    readonly board: ListenBoard,
    private readonly deps: PoolDeps,
  ) {
    const nowMs = deps.clock.nowMs();
    this.present = current.servers.map((server, slot) => newServer(slot, server, nowMs));
    this.bySlot = [...this.present];
    board.maxconn = current.maxconn;
    this.publish();
  }

  /** The listen as it is configured now. */
  get config(): ListenConfig {
    return this.current;
  }

  /** In the file's order, those that were removed and still have sessions last. */
  get servers(): readonly PoolServer[] {
    return this.present;
  }

  /** By slot; null: nobody has it. */
  get slots(): readonly (PoolServer | null)[] {
    return this.bySlot;
  }

  /** Slots for so many more servers, lowest first; null when there is no room for all of them. */
  freeSlots(count: number): number[] | null {
    const { capacity } = this.board;
    const free: number[] = [];
    for (let slot = 0; slot < capacity && free.length < count; slot++)
      if ((this.bySlot[slot] ?? null) === null) free.push(slot);
    return free.length === count ? free : null;
  }

  /**
   * Adds a server in a free slot, which the relay threads must know to be its by now; `sockaddr` null: its name has no
   * address yet. It has its place among the others from the next {@link reconfigure} on.
   */
  addServer(slot: number, config: ServerConfig, sockaddr: Uint8Array | null): PoolServer {
    const server = newServer(slot, config, this.deps.clock.nowMs());
    if (sockaddr === null) this.board.clearAddress(slot);
    else this.board.setAddress(slot, sockaddr);
    server.unresolved = sockaddr === null;
    this.board.clearConsecutiveErrors(slot);
    while (this.bySlot.length <= slot) this.bySlot.push(null);
    this.bySlot[slot] = server;
    this.present.push(server);
    this.publish();
    return server;
  }

  /**
   * Gives a server another configuration. What was set at run time stays, unless the file says something new about it:
   * then the file wins, and a sentence says so.
   */
  changeServer(slot: number, config: ServerConfig): string[] {
    const server = this.server(slot);
    const { admin, overruled } = takeFromFile(server, config);
    server.leavingUntilMs = null;
    if (admin === server.admin) this.publish();
    else this.setAdmin(slot, admin);
    return overruled;
  }

  /** Takes no new session from now on; {@link forgetServer} when it has none left. Its counters and state stay to be seen. */
  removeServer(slot: number, deadlineMs: number): void {
    this.server(slot).leavingUntilMs = deadlineMs;
    this.publish();
  }

  /** Its slot is free again. Nobody may have a session on it, or be about to. */
  forgetServer(slot: number): void {
    const server = this.server(slot);
    this.bySlot[slot] = null;
    this.present = this.present.filter((each) => each !== server);
  }

  /**
   * The listen has another configuration; servers are put into its order, and are else as they were. A limit that was set at
   * run time gives way to a new one in the file, and a sentence says so.
   */
  reconfigure(config: ListenConfig): string[] {
    const { maxconn: before } = this.current;
    const { maxconn } = this;
    const overruled: string[] = [];
    if (before !== config.maxconn) {
      if (maxconn !== before && maxconn !== config.maxconn)
        overruled.push(overruledBy("maxconn", maxconn, config.maxconn));
      this.board.maxconn = config.maxconn;
    }
    this.current = config;
    const order = new Map(config.servers.map(({ name }, index) => [name, index]));
    const place = ({ leavingUntilMs, config: { name } }: PoolServer) =>
      leavingUntilMs === null ? (order.get(name) ?? Infinity) : Infinity;
    this.present = this.present.toSorted((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
    this.publish();
    return overruled;
  }

  /**
   * What an operator wants of it from now on; does nothing when that is no change. Whoever leaves maintenance is up before
   * any check says so, or as its `init_state` has it: what was known of it is old.
   */
  setAdmin(slot: number, admin: AdminState): void {
    const server = this.server(slot);
    const before = server.admin;
    if (before === admin) return;
    const usableBefore = this.active + this.backups;
    const requeued = admin === "ready" ? 0 : this.board.queuedOn(slot);
    this.turn(server);
    server.admin = admin;
    if (before === "maint") this.startAnew(server);
    this.publish();
    if (server.rampingSinceMs !== null) this.ramp(server);
    for (const kind of eventsOf(before, admin)) this.emit(kind, server, requeued, before);
    if (usableBefore > 0 && this.active + this.backups === 0) this.emit("noServer", server, 0, before);
  }

  private startAnew(server: PoolServer): void {
    server.up = isUpAtFirst(server.config);
    server.stopping = false;
    server.rampingSinceMs = server.up && server.config.slowstartMs > 0 ? this.deps.clock.nowMs() : null;
  }

  /** Another weight than the file's, 0..256, until the file has a new one. */
  setWeight(slot: number, weight: number): void {
    this.server(slot).weight = weight;
    this.publish();
  }

  /** Another limit than the file's, null for none, until the file has a new one. */
  setMaxconn(slot: number, maxconn: number | null): void {
    this.server(slot).maxconn = maxconn;
    this.publish();
  }

  /** Most client connections of the listen at a time; null: no limit of its own. The file's, unless somebody set it at run time. */
  get maxconn(): number | null {
    return this.board.maxconn;
  }

  /** Another limit than the file's, until the file has a new one. */
  setListenMaxconn(maxconn: number | null): void {
    this.board.maxconn = maxconn;
    this.deps.onChange();
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
    return memoryOf(this.server(slot), this.deps.clock.nowMs());
  }

  /** A server stands where it stood in the process before this one; what an operator wanted holds unless the file has changed. */
  remember(slot: number, memory: ServerMemory): void {
    const server = this.server(slot);
    recall(server, memory, this.deps.clock.nowMs());
    this.publish();
    if (server.rampingSinceMs !== null) this.ramp(server);
  }

  /** What checks have found; does nothing when that is no change. */
  setUp(slot: number, up: boolean): void {
    this.setHealth(slot, up ? "up" : "down");
  }

  /** What checks have found, or an operator says; does nothing when that is no change. */
  setHealth(slot: number, health: Health): void {
    const server = this.server(slot);
    const before = healthOf(server);
    if (before === health) return;
    const nowMs = this.deps.clock.nowMs();
    const usableBefore = this.active + this.backups;
    const requeued = health === "up" ? 0 : this.board.queuedOn(slot);
    this.turn(server);
    if (health === "down") server.downs++;
    server.up = health !== "down";
    server.stopping = health === "stopping";
    // Who only ceases to be stopping has never been cold.
    if (before === "down" || health === "down")
      server.rampingSinceMs = server.up && server.config.slowstartMs > 0 ? nowMs : null;
    this.publish();
    if (before === "down" && server.rampingSinceMs !== null) this.ramp(server);
    this.emit(health, server, requeued);
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
  /**
   * Makes many changes, which others see at its end, together: each alone costs as much as all of them. Not for changes that
   * events tell of: their figures would be those before.
   */
  together(change: () => void): void {
    this.gathering = true;
    try {
      change();
    } finally {
      this.gathering = false;
      this.publish();
    }
  }

  private publish(): void {
    if (this.gathering) return;
    const usable = this.present.filter(isUsable);
    const dynamic = this.deps.dynamicWeights(this.current.balance);
    const active = usable.filter((server) => !server.config.backup);
    this.active = active.length;
    this.backups = usable.length - active.length;
    const serving = new Set(active.length > 0 ? active : usable.slice(0, 1));
    const nowMs = this.deps.clock.nowMs();
    const weights = this.bySlot.map((server) => {
      if (server === null || !serving.has(server)) return 0;
      return server.weight * (dynamic ? rampSixteenths(server, nowMs) : 16);
    });
    this.board.setSlots(weights.length);
    for (const server of this.present) {
      const { maxconn } = server;
      const limit = maxconn === null ? 0 : Math.max(1, Math.floor((maxconn * rampSixteenths(server, nowMs)) / 16));
      this.board.setServer(server.slot, { weight: weights[server.slot] ?? 0, maxconn: limit });
    }
    this.board.setUsable(serving.size);
    const limit = Math.min(this.board.rotationLimit, Math.max(1, weights.length) * TURNS_PER_SERVER);
    this.board.setRotation(buildRotation(weights, limit));
    this.deps.onChange();
  }

  private emit(kind: PoolEventKind, server: PoolServer, requeued: number, before = server.admin): void {
    this.deps.onEvent({
      kind,
      server,
      before,
      activeServers: this.active,
      backupServers: this.backups,
      sessions: this.board.served(server.slot),
      requeued,
      queued: this.board.queued,
    });
  }

  private server(slot: number): PoolServer {
    const server = this.bySlot[slot] ?? null;
    if (server === null) throw new RangeError(`listen ${this.current.name} has no server slot ${slot}`);
    return server;
  }
}
