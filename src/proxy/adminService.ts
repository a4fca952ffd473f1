import type { AdminCommand, AdminLevel } from "../admin/command.ts";
import type { ServedSocket } from "../admin/commands/sundries.ts";
import { ADMIN_BACKLOG, type AdminServer, serveAdmin } from "../admin/server.ts";
import type { AdminConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { libc } from "../net/libc.ts";
import { boundEndpoint } from "../net/listen.ts";
import type { BindSockets } from "./protocol.ts";

/** What the runtime API is made of, and who hears of it. */
export interface AdminParts {
  readonly clock: Clock;
  readonly commands: readonly AdminCommand[];
  /** All sockets of a bind that `[admin]` has not any more are closed. */
  onBindClosed(bind: number): void;
}

/** A socket that is served. */
interface Served {
  readonly server: AdminServer;
  readonly level: AdminLevel;
}

/** `[admin]` at work: its socket and its addresses, each with places for clients of its own, so that none starves another. */
export class AdminService {
  /** By fd. */
  private readonly served = new Map<number, Served>();
  private isOpen = false;

  /** @param socket the unix socket's fd; null: there is none */
  constructor(
    private config: AdminConfig,
    private socket: number | null,
    private binds: readonly BindSockets[],
    private readonly parts: AdminParts,
  ) {}

  /** Serves from now on. Throws SystemError when a socket cannot be listened on. */
  open(): void {
    this.isOpen = true;
    this.follow();
  }

  /** Takes over another configuration, on the sockets of these binds: some that it has, and some that were passed to it. */
  reload(config: AdminConfig, binds: readonly number[], passed: readonly BindSockets[]): void {
    const gone = this.binds.filter(({ id }) => !binds.includes(id));
    this.config = config;
    this.binds = [...this.binds, ...passed].filter(({ id }) => binds.includes(id));
    if (this.isOpen) this.follow();
    for (const { id, fds } of gone) {
      for (const fd of fds) this.forget(fd);
      this.parts.onBindClosed(id);
    }
  }

  /** Stops accepting; who has asked something is answered. */
  leave(): void {
    for (const { server } of this.served.values()) server.leave();
  }

  /** Serves nobody any more. */
  stop(): void {
    for (const { server } of this.served.values()) server.stop();
  }

  /** The same, and somebody else may have the addresses. */
  close(): void {
    for (const fd of this.fds) this.forget(fd);
    this.socket = null;
    this.binds = [];
  }

  /** Where it is served, and what clients may do there. */
  get sockets(): ServedSocket[] {
    return Array.from(this.served, ([fd, { level }]) => ({ endpoint: boundEndpoint(fd), level })).filter(isKnown);
  }

  private get fds(): number[] {
    return [...(this.socket === null ? [] : [this.socket]), ...this.binds.flatMap(({ fds }) => fds)];
  }

  private follow(): void {
    const { level, bindLevel } = this.config;
    for (const fd of this.fds) this.serve(fd, fd === this.socket ? level : bindLevel);
  }

  /** Whoever has come already goes on with what they might do then, until they have been answered. */
  private serve(fd: number, level: AdminLevel): void {
    const before = this.served.get(fd);
    if (before?.level === level) return;
    before?.server.leave();
    const { clock, commands } = this.parts;
    this.served.set(fd, { level, server: serveAdmin({ fd, backlog: ADMIN_BACKLOG, commands, level }, clock) });
  }

  private forget(fd: number): void {
    this.served.get(fd)?.server.stop();
    this.served.delete(fd);
    libc.close(fd);
  }
}

function isKnown(socket: { endpoint: ServedSocket["endpoint"] | null; level: AdminLevel }): socket is ServedSocket {
  return socket.endpoint !== null;
}
