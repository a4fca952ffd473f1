import type { Config } from "../config/schema.ts";
import { libc } from "../net/libc.ts";
import type { Pool } from "../pool/pool.ts";
import type { RelayDuty } from "../relay/protocol.ts";
import type { Leaving } from "./leaving.ts";
import type { BindSockets, ProxyReload, ReloadResult } from "./protocol.ts";
import type { RelayPool } from "./relayPool.ts";
import { type Overlaid, overlay, type RuntimeServers } from "./runtimeServers.ts";
import type { Servers } from "./servers.ts";
import { dutyOf, type StagedListen, stage, stagedDuty } from "./staging.ts";

/** What a reload works on. */
export interface ReloadParts {
  readonly servers: Servers;
  readonly relays: RelayPool;
  readonly leaving: Leaving;
  /** Monotonic ms. */
  nowMs(): number;
  /** A new listen is to be watched. */
  onListenAdded(pool: Pool): void;
  /** All sockets of a bind that no listen has are closed. */
  onBindClosed(bind: number): void;
}

/** A listen as it is to be, and its pool: new, or going on. */
interface Next {
  readonly staged: StagedListen;
  readonly pool: Pool;
  readonly id: number;
}

/**
 * Which listens there are, on which sockets, and how they become others while everything goes on. A configuration is
 * applied in three steps, so that it is applied wholly or not at all: it is staged (nothing changes), the relay threads
 * take it over (which can be taken back), and control follows.
 */
export class Reloads {
  /** Sockets of the binds of each listen. */
  private binds: ReadonlyMap<string, readonly BindSockets[]>;
  /** Sockets of each bind that threads have yet to close. */
  private readonly open = new Map<number, number>();
  private config: Config;
  private runtimeServers: RuntimeServers;
  /** Resolves when all changes that were ordered so far are made: one at a time. */
  private turn: Promise<unknown> = Promise.resolve();

  /**
   * @param file the configuration as the file has it
   * @param overlaid the same with what happened at run time: what runs
   */
  constructor(
    private file: Config,
    { config, runtime }: Overlaid,
    listeners: readonly { listen: string; binds: readonly BindSockets[] }[],
    private readonly parts: ReloadParts,
  ) {
    this.config = config;
    this.runtimeServers = runtime;
    this.binds = new Map(listeners.map(({ listen, binds }) => [listen, binds]));
  }

  /** What a thread is to do as things are. */
  duty(thread: number): RelayDuty {
    const { servers } = this.parts;
    const listens = Array.from(servers.pools.values(), (pool) => ({
      ...dutyOf(pool, servers.idOf(pool)),
      sockets: socketsOf(this.binds.get(pool.config.name) ?? [], thread, this.config.global.threads),
    }));
    return { logs: this.config.logs, listens };
  }

  /** What was added and deleted at run time. */
  get runtime(): RuntimeServers {
    return this.runtimeServers;
  }

  /** Applies another configuration; `passed` are the sockets of the binds that it has and this process had not. */
  apply(command: Pick<ProxyReload, "config" | "listens">, passed: readonly BindSockets[]): Promise<ReloadResult> {
    return this.inTurn(async () => {
      const { config, runtime, notes } = overlay(command.config, this.runtimeServers);
      const result = await this.applyHeld({ ...command, config }, passed);
      if (result.error !== null) return result;
      this.file = command.config;
      this.runtimeServers = runtime;
      return { ...result, overruled: [...result.overruled, ...notes] };
    });
  }

  /** Adds a server, or deletes one; why that cannot be, or null. `change` is asked when it is its turn. */
  changeServers(change: (now: RuntimeServers) => RuntimeServers | string): Promise<string | null> {
    return this.inTurn(async () => {
      const changed = change(this.runtimeServers);
      if (typeof changed === "string") return changed;
      const { config, runtime } = overlay(this.file, changed);
      const listens = Array.from(this.binds, ([listen, binds]) => ({ listen, binds: binds.map(({ id }) => id) }));
      const { error } = await this.applyHeld({ config, listens }, []);
      if (error === null) this.runtimeServers = runtime;
      return error;
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(async () => {
      this.parts.leaving.hold();
      try {
        return await work();
      } finally {
        this.parts.leaving.release();
      }
    });
    this.turn = done.catch(() => {});
    return done;
  }

  private async applyHeld(
    command: Pick<ProxyReload, "config" | "listens">,
    passed: readonly BindSockets[],
  ): Promise<ReloadResult> {
    const { servers, relays } = this.parts;
    const { config } = command;
    const staged = stage(config, servers.pools);
    if (typeof staged === "string") return this.refuse(passed, staged);
    const before = this.binds;
    const known = new Map([...before.values(), passed].flat().map((bind) => [bind.id, bind]));
    const next = staged.map((one) => this.nextOf(one));
    const after = new Map(
      command.listens.map(({ listen, binds }) => [listen, binds.map((id) => known.get(id) as BindSockets)]),
    );
    for (const { id, fds } of known.values()) this.open.set(id, fds.length);
    const error = await relays.apply((thread) => ({
      logs: config.logs,
      listens: next.map(({ staged: one, pool, id }) => ({
        ...stagedDuty(one, pool, id),
        sockets: socketsOf(after.get(one.config.name) ?? [], thread, config.global.threads),
      })),
    }));
    if (error !== null) {
      await this.takeBack(next);
      return failed(error);
    }
    this.binds = after;
    return await this.follow(config, next, before);
  }

  /** Changes nothing, for a reason, and gives up the sockets that were passed for it. */
  refuse(passed: readonly BindSockets[], error: string): ReloadResult {
    for (const { fds } of passed) for (const fd of fds) libc.close(fd);
    return failed(error);
  }

  /** A thread has closed its socket of a bind. */
  socketClosed(bind: number): void {
    const left = (this.open.get(bind) ?? 1) - 1;
    this.open.set(bind, left);
    if (left > 0) return;
    this.open.delete(bind);
    this.parts.leaving.bindClosed(bind);
    this.parts.onBindClosed(bind);
  }

  private nextOf(staged: StagedListen): Next {
    const { servers } = this.parts;
    const pool = staged.pool ?? servers.createPool(staged.config);
    return { staged, pool, id: servers.idOf(pool) };
  }

  private async takeBack(next: readonly Next[]): Promise<void> {
    const { relays, servers } = this.parts;
    await relays.apply((thread) => this.duty(thread));
    await relays.settle(0);
    for (const { staged, pool, id } of next) {
      if (staged.pool !== null) continue;
      relays.tell({ kind: "kill", listen: id, server: -1, termination: "K-" });
      relays.tell({ kind: "forget", listen: id });
      servers.forgetListen(pool);
    }
  }

  /** The relay threads know it all: control's own part, which cannot fail. */
  private async follow(
    config: Config,
    next: readonly Next[],
    before: ReadonlyMap<string, readonly BindSockets[]>,
  ): Promise<ReloadResult> {
    const { servers, relays, leaving } = this.parts;
    const graceMs = config.global.hardStopAfterMs;
    const untilMs = this.parts.nowMs() + graceMs;
    const overruled: string[] = [];
    const left: ReloadResult["leaving"] = [];
    const removed = [...servers.pools.values()].filter((pool) => !next.some((each) => each.pool === pool));
    servers.spreadPercent = config.global.spreadChecksPercent;
    for (const { staged, pool } of next) {
      if (staged.pool === null) {
        servers.addListen(pool);
        this.parts.onListenAdded(pool);
        continue;
      }
      overruled.push(...this.changeListen(staged, pool, untilMs));
      for (const { slot, config: server } of staged.removed)
        left.push({ listen: pool.config.name, server: server.name, sessions: pool.board.served(slot) });
    }
    const present = new Set([...this.binds.values()].flat().map(({ id }) => id));
    for (const pool of removed) {
      const { name } = pool.config;
      const binds = (before.get(name) ?? []).map(({ id }) => id).filter((id) => !present.has(id));
      servers.removeListen(pool);
      left.push({ listen: name, server: null, sessions: pool.board.current });
      leaving.addListen(pool, untilMs, binds);
    }
    servers.order(config.listens.map(({ name }) => name));
    this.config = config;
    await relays.settle(graceMs);
    // No thread is any more between having chosen a server and taking a slot on it.
    for (const { staged, pool } of next) for (const server of staged.removed) leaving.addServer(pool, server);
    return { error: null, overruled, leaving: left };
  }

  private changeListen(staged: StagedListen, pool: Pool, untilMs: number): string[] {
    const { servers } = this.parts;
    const overruled: string[] = [];
    const { name } = staged.config;
    for (const { slot, config } of staged.kept) {
      const words = servers.changeServer(pool, slot, config);
      overruled.push(...words.map((sentence) => `server ${name}/${config.name}: ${sentence}`));
    }
    pool.together(() => {
      for (const { slot, config } of staged.added) servers.addServer(pool, slot, config);
      for (const { slot } of staged.removed) servers.removeServer(pool, slot, untilMs);
    });
    overruled.push(...servers.changeListen(pool, staged.config).map((sentence) => `listen ${name}: ${sentence}`));
    return overruled;
  }
}

/** Usually one a thread; sockets from before an upgrade may be more, or fewer. */
function socketsOf(binds: readonly BindSockets[], thread: number, threads: number): { id: number; fd: number }[] {
  return binds.flatMap(({ id, fds }) =>
    fds.filter((_fd, index) => index % threads === thread).map((fd) => ({ id, fd })),
  );
}

function failed(error: string): ReloadResult {
  return { error, overruled: [], leaving: [] };
}
