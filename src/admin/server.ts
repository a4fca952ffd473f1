import type { Clock } from "../core/clock.ts";
import { type Acceptor, acceptStreams, type StreamHandler, type StreamSocket } from "../net/stream.ts";
import type { AdminCommand, AdminLevel } from "./command.ts";
import { AdminConnection, type AdminLimits, type ConnectionDesk } from "./connection.ts";

/** What clients may cost when nobody says else. */
export const ADMIN_LIMITS: AdminLimits = { clients: 32, idleMs: 10_000, answerMs: 60_000, lingerMs: 1000 };

/** Nobody loses their place to another before having been silent for so long: what they say may be on its way. */
const SILENCE_MS = 50;

/** Serving could not go on for lack of a file descriptor: looks again after this time. */
const RETRY_MS = 1000;

/** Clients of the admin socket that may wait while as many as allowed are being served. */
export const ADMIN_BACKLOG = 64;

export interface AdminServer {
  /** Stops accepting; who has asked something is answered, and then gone. */
  leave(): void;
  /** Stops accepting and drops who is being served. The listening fd stays open. */
  stop(): void;
}

/** What is served, and to whom. */
export interface AdminService {
  /** Listening socket, and how many may wait in its queue. */
  readonly fd: number;
  readonly backlog: number;
  readonly commands: readonly AdminCommand[];
  /** What its clients may do. */
  readonly level: AdminLevel;
}

/** Answers commands on a listening socket. Throws SystemError when the fd cannot be listened on. */
export function serveAdmin(service: AdminService, clock: Clock, limits: AdminLimits = ADMIN_LIMITS): AdminServer {
  const desk = new Desk(service, clock, limits);
  desk.open();
  return desk;
}

/** Accepts clients, never more than the limit. */
class Desk implements AdminServer, ConnectionDesk {
  private acceptor: Acceptor | null = null;
  private stopped = false;
  private looking = false;
  private readonly connections = new Set<AdminConnection>();

  constructor(
    private readonly service: AdminService,
    readonly clock: Clock,
    readonly limits: AdminLimits,
  ) {}

  get commands(): readonly AdminCommand[] {
    return this.service.commands;
  }

  get level(): AdminLevel {
    return this.service.level;
  }

  open(): void {
    const { fd, backlog } = this.service;
    // Until `open` gives it its own, an accepted socket carries what its acceptor was given: the desk.
    this.acceptor = acceptStreams<AdminConnection>(fd, backlog, this as unknown as AdminConnection, handler);
  }

  leave(): void {
    this.stopped = true;
    this.close();
    for (const each of this.connections) each.leave();
  }

  stop(): void {
    this.leave();
    for (const each of this.connections) each.drop();
  }

  welcome(socket: StreamSocket<AdminConnection>): void {
    if (this.isFull) this.silent()?.drop();
    const connection = new AdminConnection(socket, this);
    socket.data = connection;
    this.connections.add(connection);
    this.changed();
  }

  left(connection: AdminConnection): void {
    this.connections.delete(connection);
    this.changed();
  }

  /** Somebody has come, gone, or has begun or ceased to be answered: there may be room for another, or none any more. */
  changed(): void {
    if (!this.isFull || this.silent() !== null) this.reopen();
    else this.close();
    if (this.acceptor === null && !this.stopped) this.lookLater(SILENCE_MS);
  }

  private get isFull(): boolean {
    return this.connections.size >= this.limits.clients;
  }

  /** Whose place another may have. */
  private silent(): AdminConnection | null {
    let longest: AdminConnection | null = null;
    for (const each of this.connections) if (each.isSilent && each.yieldsTo(longest)) longest = each;
    return longest !== null && longest.silentSinceMs <= this.clock.nowMs() - SILENCE_MS ? longest : null;
  }

  private lookLater(delayMs: number): void {
    if (this.looking) return;
    this.looking = true;
    this.clock.after(delayMs, () => {
      this.looking = false;
      this.changed();
    });
  }

  private close(): void {
    this.acceptor?.stop();
    this.acceptor = null;
  }

  private reopen(): void {
    if (this.stopped || this.acceptor !== null) return;
    try {
      this.open();
    } catch {
      this.lookLater(RETRY_MS);
    }
  }
}

const handler: StreamHandler<AdminConnection> = {
  open: (socket) => (socket.data as unknown as Desk).welcome(socket),
  data: (socket, chunk) => socket.data.data(chunk),
  drain: (socket) => socket.data.writable(),
  end: (socket) => socket.data.ended(),
  close: (socket) => socket.data.closed(),
};
