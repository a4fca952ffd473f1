import type { ListenConfig, ServerConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { ListenBoard } from "./board.ts";
import { buildRotation } from "./rotation.ts";
import {
  type AdminState,
  adminInFile,
  isRunning,
  isUsable,
  newServer,
  type PoolServer,
  rampSixteenths,
  rampStepMs,
  type ServerMemory,
} from "./server.ts";

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

  constructor(
    private current: ListenConfig,
    readonly board: ListenBoard,
    private readonly deps: PoolDeps,
  ) {
    const nowMs = deps.clock.nowMs();
    this.present = current.servers.map((server, slot) => newServer(slot, server, nowMs));
    this.bySlot = [...this.present];
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
    const before = server.config;
    const overruled: string[] = [];
    const overrule = (what: string, setTo: unknown, wasInFile: unknown, isInFile: unknown): boolean => {
      if (wasInFile === isInFile) return false;
      if (setTo !== wasInFile && setTo !== isInFile)
        overruled.push(`${what} ${setTo ?? "none"}, set at run time, gives way to ${isInFile ?? "none"} in the file`);
      return true;
    };
    if (overrule("weight", server.weight, before.weight, config.weight)) server.weight = config.weight;
    if (overrule("maxconn", server.maxconn, before.maxconn, config.maxconn)) server.maxconn = config.maxconn;
    const [was, is] = [adminInFile(before), adminInFile(config)];
    const admin = overrule("state", server.admin, was, is) ? is : server.admin;
    server.config = config;
    server.leavingUntilMs = null;
    this.setAdmin(slot, admin);
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

  /** The listen has another configuration; servers are put into its order, and are else as they were. */
  reconfigure(config: ListenConfig): void {
    this.current = config;
    const order = new Map(config.servers.map(({ name }, index) => [name, index]));
    const place = ({ leavingUntilMs, config: { name } }: PoolServer) =>
      leavingUntilMs === null ? (order.get(name) ?? Infinity) : Infinity;
    this.present = this.present.toSorted((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
    this.publish();
  }

  /** What an operator wants of it from now on. */
  setAdmin(slot: number, admin: AdminState): void {
    const server = this.server(slot);
    if (server.admin !== admin) this.turn(server);
    server.admin = admin;
    this.publish();
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
    const { admin, weight, maxconn, config, up, changedMs, rampingSinceMs, downtimeMs, downs } = this.server(slot);
    const nowMs = this.deps.clock.nowMs();
    return {
      admin,
      adminInFile: adminInFile(config),
      weight,
      weightInFile: config.weight,
      maxconn,
      maxconnInFile: config.maxconn,
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
    const { config } = server;
    if (memory.adminInFile === adminInFile(config)) server.admin = memory.admin;
    if (memory.weightInFile === config.weight) server.weight = memory.weight;
    if (memory.maxconnInFile === config.maxconn) server.maxconn = memory.maxconn;
    if (config.check !== null) server.up = memory.up;
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
    const server = this.bySlot[slot] ?? null;
    if (server === null) throw new RangeError(`listen ${this.current.name} has no server slot ${slot}`);
    return server;
  }
}
