import { lstatSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { ADMIN_BACKLOG } from "../admin/server.ts";
import type { Config } from "../config/schema.ts";
import { type Endpoint, formatEndpoint, sameEndpoint } from "../core/endpoint.ts";
import { UserError } from "../core/errors.ts";
import { PROXY_PROCESS } from "../core/self.ts";
import { refuseNewcomers } from "../net/acceptQueue.ts";
import { asDirectoryOwner } from "../net/asOwner.ts";
import { SystemError } from "../net/libc.ts";
import {
  adoptListeners,
  bindListeners,
  closeListeners,
  type ListenOptions,
  listenerPid,
  withdrawAddress,
} from "../net/listen.ts";
import { HTTP_BACKLOG } from "../web/server.ts";
import type { DeskSockets } from "./crashDesk.ts";
import type { OpenListener } from "./handoff.ts";

/** Exit status of a start that failed although the configuration is valid. */
const EXIT_FAILED = 1;
const AGAIN_MS = 20;
/** A unix bind is for every local client, as HAProxy's is without `mode`. */
const UNIX_BIND_MODE = 0o666;

/** The listening sockets of one bind. */
export interface BoundBind {
  /** Never given twice. */
  readonly id: number;
  readonly endpoint: Endpoint;
  /** By thread; a unix socket has but one. */
  readonly fds: number[];
}

/** The listening sockets of one listen. */
export interface BoundListen {
  readonly listen: string;
  readonly binds: readonly BoundBind[];
}

/** The sockets of a configuration to come: those that are there already, and those that had to be opened for it. */
export interface PreparedListeners {
  readonly listens: readonly BoundListen[];
  /** Of `[stats]`, and of `[admin] bind`. */
  readonly stats: readonly BoundBind[];
  readonly admin: readonly BoundBind[];
  readonly opened: readonly BoundBind[];
}

/** Every socket the process listens on. The supervisor opens them, keeps them open, and alone closes them. */
export class BoundListeners {
  private current: Omit<PreparedListeners, "opened"> = { listens: [], stats: [], admin: [] };
  /** Binds that no listen has any more, and that the proxy process has yet to close. */
  private readonly leaving = new Map<number, BoundBind>();
  /** Binds that the proxy process has closed before it was known here that no listen has them. */
  private readonly closedEarly = new Set<number>();
  private nextId: number;
  private adminBind: BoundBind | null = null;
  /** Opened beside what was inherited, which is still there for whoever left it. */
  private beside: BoundBind[] = [];

  /** @param leftOver what another program has opened in this very process, as far as nobody uses it yet; null: nothing, or all is decided */
  private constructor(private leftOver: readonly OpenListener[] | null) {
    this.nextId = 1 + Math.max(-1, ...(leftOver ?? []).map(({ id }) => id));
  }

  /**
   * As {@link bind}, but an address in use is asked for again for so long: the proxy process of a supervisor that was killed
   * needs a moment to see that and to let go. Blocks.
   */
  static bindPatiently(
    config: Config,
    adminSocket: string,
    patienceMs: number,
    inherited: readonly OpenListener[] = [],
  ): BoundListeners {
    for (let waitedMs = 0; ; waitedMs += AGAIN_MS) {
      try {
        return BoundListeners.bind(config, adminSocket, inherited);
      } catch (error) {
        const { cause } = error as Error;
        const inUse = cause instanceof SystemError && cause.code === "EADDRINUSE";
        if (!inUse || waitedMs >= patienceMs) throw error;
        Bun.sleepSync(AGAIN_MS);
      }
    }
  }

  /**
   * Binds all or nothing: throws UserError naming the address, the reason and what helps. What another program has opened in
   * this very process, `inherited`, is taken over; it stays open whatever happens, until {@link closeLeftOver}.
   */
  static bind(config: Config, adminSocket: string, inherited: readonly OpenListener[] = []): BoundListeners {
    const listeners = new BoundListeners(inherited.length === 0 ? null : inherited);
    try {
      // First, because whoever starts an instance twice is best told by the one that runs.
      const endpoint: Endpoint = { kind: "unix", path: adminSocket };
      makeParent(adminSocket);
      // The default for a user is in /tmp, where anybody could have made that directory first.
      if (config.admin.socket === null) refuseForeignParent(adminSocket);
      const options = { sockets: 1, backlog: ADMIN_BACKLOG, mode: config.admin.mode };
      listeners.adminBind =
        listeners.inherit(endpoint, options) ?? listeners.bindNew("the admin socket", endpoint, options);
      listeners.current = listeners.prepare(config);
    } catch (error) {
      if (inherited.length === 0) listeners.close();
      else listeners.closeBeside(); // the program before us goes on with the rest
      throw error;
    }
    return listeners;
  }

  get listens(): readonly BoundListen[] {
    return this.current.listens;
  }

  /** The sockets of `[stats]`. */
  get stats(): readonly BoundBind[] {
    return this.current.stats;
  }

  /** The sockets of `[admin] bind`. */
  get adminBinds(): readonly BoundBind[] {
    return this.current.admin;
  }

  /** Listening fd of the admin socket. */
  get admin(): number {
    return this.openAdmin.fds[0] as number;
  }

  /** What the crash desk answers on while no proxy process does. */
  get desk(): DeskSockets {
    return { admin: this.admin, stats: this.stats.flatMap(({ fds }) => fds) };
  }

  /**
   * The sockets of another configuration: an address that is bound already stays as it is, whichever listen has it; the
   * others are bound, all or none. Nothing else changes until {@link adopt}; what was opened is given up by {@link abandon}.
   * Between listens, `[stats]` and `[admin]`, which are served by others each, none goes over.
   */
  prepare(config: Config): PreparedListeners {
    const known = this.bindsOfListens;
    const opened: BoundBind[] = [];
    const have = (what: string, endpoint: Endpoint, options: ListenOptions, there: readonly BoundBind[]): BoundBind => {
      const had = there.find((bind) => sameEndpoint(bind.endpoint, endpoint)) ?? this.inherit(endpoint, options);
      if (had !== null) return had;
      const bind = this.bindNew(what, endpoint, options);
      opened.push(bind);
      return bind;
    };
    try {
      const listens = config.listens.map(({ name, binds, backlog }) => {
        const options = { sockets: config.global.threads, backlog, mode: UNIX_BIND_MODE };
        return { listen: name, binds: binds.map((endpoint) => have(`listen ${name}`, endpoint, options, known)) };
      });
      const options = { sockets: 1, backlog: HTTP_BACKLOG, mode: UNIX_BIND_MODE };
      const stats = (config.stats?.binds ?? []).map((endpoint) => have("[stats]", endpoint, options, this.stats));
      const adminOptions = { sockets: 1, backlog: ADMIN_BACKLOG };
      const admin = config.admin.binds.map((endpoint) => have("[admin]", endpoint, adminOptions, this.adminBinds));
      return { listens, stats, admin, opened };
    } catch (error) {
      this.abandon({ opened });
      throw error;
    }
  }

  private get bindsOfListens(): BoundBind[] {
    return this.current.listens.flatMap(({ binds }) => binds);
  }

  private bindNew(what: string, endpoint: Endpoint, options: ListenOptions): BoundBind {
    const bind = { id: this.nextId++, endpoint, fds: open(what, endpoint, options) };
    if (this.leftOver !== null) this.beside.push(bind);
    return bind;
  }

  /** What another program has opened there; null: nothing. The id stays, for the proxy process that may know it. */
  private inherit(endpoint: Endpoint, options: ListenOptions): BoundBind | null {
    const there = this.leftOver?.find((each) => sameEndpoint(each.endpoint, endpoint));
    if (there === undefined) return null;
    this.leftOver = this.leftOver?.filter((each) => each !== there) ?? null;
    return { ...there, fds: adoptListeners(endpoint, there.fds, options) };
  }

  /** Closes what was opened for a configuration that is not to be. */
  abandon({ opened }: Pick<PreparedListeners, "opened">): void {
    for (const { fds } of opened) closeListeners(fds);
  }

  /**
   * From now on these are the sockets. Those that are left over accept nobody new; `inUse` says whether a proxy process
   * still serves who waits in their queues, and they are then closed by {@link closeBind}.
   */
  adopt({ listens, stats, admin }: PreparedListeners, inUse: boolean): void {
    const kept = new Set([...listens.flatMap(({ binds }) => binds), ...stats, ...admin]);
    for (const bind of [...this.bindsOfListens, ...this.stats, ...this.adminBinds]) {
      if (kept.has(bind)) continue;
      turnAway(bind);
      if (inUse && !this.closedEarly.delete(bind.id)) this.leaving.set(bind.id, bind);
      else closeListeners(bind.fds);
    }
    this.current = { listens, stats, admin };
  }

  /** The proxy process has done with a bind that no listen has. */
  closeBind(id: number): void {
    const bind = this.leaving.get(id);
    this.leaving.delete(id);
    if (bind === undefined) this.closedEarly.add(id);
    else closeListeners(bind.fds);
  }

  /** Whether sockets of earlier configurations are still to be closed. */
  get isClosing(): boolean {
    return this.leaving.size > 0;
  }

  /** There is no proxy process that could still use them. */
  closeLeft(): void {
    for (const id of [...this.leaving.keys()]) this.closeBind(id);
  }

  /** All that another program in our place goes on with, the admin socket apart: what is used, and what nobody uses yet. */
  get open(): OpenListener[] {
    return [...this.bindsOfListens, ...this.stats, ...this.adminBinds, ...(this.leftOver ?? [])];
  }

  /** The same of the admin socket. */
  get openAdmin(): OpenListener {
    return this.adminBind as BoundBind;
  }

  /** Closes what was inherited and has no use: whoever left it does not come back. */
  closeLeftOver(): void {
    for (const { endpoint, fds } of this.leftOver ?? [])
      closeListeners(adoptListeners(endpoint, fds, { sockets: 0, backlog: 0 }));
    this.leftOver = null;
    this.beside = [];
  }

  /** Closes what was opened beside the inherited: whoever left that comes back. */
  closeBeside(): void {
    for (const { fds } of this.beside.splice(0)) closeListeners(fds);
  }

  /** From now on clients are refused; the admin socket and the status page still answer. */
  closeListens(): void {
    this.closeLeft();
    for (const { fds } of this.bindsOfListens) closeListeners(fds);
  }

  /** Closes what is still open. */
  close(): void {
    this.closeListens();
    for (const { fds } of [...this.stats, ...this.adminBinds]) closeListeners(fds);
    if (this.adminBind !== null) closeListeners(this.adminBind.fds);
  }
}

/**
 * Nobody new comes to a bind that is to be closed, while who waits in its queue is served. The threads try the same of
 * theirs, but a host may allow it to privileged processes alone.
 */
function turnAway({ fds, endpoint }: BoundBind): void {
  withdrawAddress(fds);
  if (endpoint.kind === "unix") return;
  try {
    for (const fd of fds) refuseNewcomers(fd);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}

function open(what: string, endpoint: Endpoint, options: ListenOptions): number[] {
  try {
    return bindListeners(endpoint, options);
  } catch (error) {
    throw explainBindError(what, endpoint, error);
  }
}

function makeParent(path: string): void {
  if (path.startsWith("@")) return;
  try {
    asDirectoryOwner(dirname(path), () => mkdirSync(dirname(path), { recursive: true, mode: 0o755 }));
  } catch (error) {
    throw new UserError(
      `cannot make ${dirname(path)} for the admin socket: ${(error as Error).message}\n  give [admin] socket a path that this user may write to`,
      EXIT_FAILED,
    );
  }
}

function refuseForeignParent(path: string): void {
  const directory = dirname(path);
  const { uid } = lstatSync(directory);
  if (uid === 0 || uid === process.geteuid?.()) return;
  throw new UserError(
    `${directory}, the directory for the admin socket, belongs to somebody else (uid ${uid})\n  remove it, or give [admin] socket a path in a directory of your own`,
    EXIT_FAILED,
  );
}

function explainBindError(what: string, endpoint: Endpoint, error: unknown): Error {
  if (!(error instanceof SystemError)) return error as Error;
  const where = formatEndpoint(endpoint);
  return new UserError(
    `cannot bind ${what} to ${where}: ${error.message}${bindHint(error.code, endpoint)}`,
    EXIT_FAILED,
    { cause: error },
  );
}

function inUse(path: string): string {
  const pid = supervisorBehind(path);
  return `\n  another instance is running on this socket${pid === null ? "" : `: pid ${pid}`}`;
}

/** Of our own processes the proxy process listens, and its parent is the one to talk about; null: nobody knows. */
function supervisorBehind(path: string): number | null {
  const pid = listenerPid(path);
  if (pid === null) return null;
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0").includes(PROXY_PROCESS)) return pid;
    return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) || null;
  } catch {
    return pid; // it has ended meanwhile, or is not ours to look at
  }
}

function bindHint(code: string, endpoint: Endpoint): string {
  const port = endpoint.kind === "tcp" ? endpoint.port : 0;
  if (code === "EADDRINUSE" && endpoint.kind === "unix") return inUse(endpoint.path);
  if (code === "EADDRINUSE")
    return `\n  another program, or another instance, listens there; see: ss -ltnp 'sport = :${port}'`;
  if (code === "EACCES" && port > 0 && port < 1024) {
    return "\n  ports below 1024 need root or the capability CAP_NET_BIND_SERVICE";
  }
  if (code === "EACCES") return "\n  this user may not create a socket there";
  if (code === "ENOENT") return "\n  the directory does not exist";
  return "";
}
