import type { Clock } from "../core/clock.ts";
import { type Acceptor, acceptStreams, type StreamHandler } from "../net/stream.ts";
import { HTTP_LIMITS, HttpConnection, type HttpDesk, type HttpHandler, type HttpLimits } from "./connection.ts";
import { Turns } from "./turns.ts";

/** Clients that may wait in the kernel while as many as allowed are being served. */
export const HTTP_BACKLOG = 128;
/** Accepting could not go on for lack of a file descriptor: looks again after this time. */
const RETRY_MS = 1000;

export interface HttpServerOptions {
  /** Clients that are served at a time; more wait in the kernel. */
  readonly maxconn: number;
  readonly handler: HttpHandler;
  readonly clock: Clock;
  /** A bug of ours: the client was told 500. */
  onFailure(error: unknown): void;
  readonly limits?: HttpLimits;
}

/**
 * A small HTTP/1.1 server on listening sockets that somebody else has opened. (Bun's own server and node:http ignore the fd
 * that they are given and listen somewhere else.) Every client is bounded in time and bytes, none can make it throw.
 */
export class HttpServer implements HttpDesk {
  readonly clock: Clock;
  readonly limits: HttpLimits;
  readonly turns: Turns;
  /** Answers so far, by status. */
  readonly answers = new Map<number, number>();
  private readonly acceptors = new Map<number, Acceptor | null>();
  private readonly connections = new Set<HttpConnection>();
  private most: number;
  private leaving = false;
  private onEmpty: (() => void) | null = null;
  private retrying = false;

  constructor(private readonly options: HttpServerOptions) {
    this.clock = options.clock;
    this.limits = options.limits ?? HTTP_LIMITS;
    this.turns = new Turns(options.clock);
    this.most = options.maxconn;
  }

  get handler(): HttpHandler {
    return this.options.handler;
  }

  set maxconn(maxconn: number) {
    this.most = maxconn;
    this.balance();
  }

  /** Serves these listening fds and no others; they stay open, and are the caller's to close. */
  listen(fds: readonly number[]): void {
    for (const [fd, acceptor] of this.acceptors) {
      if (fds.includes(fd)) continue;
      acceptor?.stop();
      this.acceptors.delete(fd);
    }
    for (const fd of fds) if (!this.acceptors.has(fd)) this.acceptors.set(fd, null);
    this.balance();
  }

  /** Stops accepting; who is being served is served. */
  leave(): void {
    this.leaving = true;
    this.balance();
  }

  /** As {@link leave}, and calls `done` once nobody is being served, or it has taken too long. */
  finish(done: () => void): void {
    this.leave();
    for (const connection of this.connections) connection.finish();
    const cancel = this.clock.after(this.limits.lastAnswerMs, () => this.stop());
    this.onEmpty = () => {
      cancel();
      done();
    };
    this.lookWhetherEmpty();
  }

  /** Stops accepting and drops who is being served. */
  stop(): void {
    this.leave();
    for (const connection of this.connections) connection.drop();
  }

  /** Clients that are being served. */
  get size(): number {
    return this.connections.size;
  }

  get isCrowded(): boolean {
    return this.leaving || this.connections.size >= this.most;
  }

  answered(status: number): void {
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
  }

  failed(error: unknown): void {
    this.options.onFailure(error);
  }

  left(connection: HttpConnection): void {
    this.connections.delete(connection);
    this.balance();
    this.lookWhetherEmpty();
  }

  /** A client has come. */
  welcome(connection: HttpConnection): void {
    this.connections.add(connection);
    this.balance();
  }

  private lookWhetherEmpty(): void {
    const { onEmpty } = this;
    if (onEmpty === null || this.connections.size > 0) return;
    this.onEmpty = null;
    onEmpty();
  }

  /** Accepts while there is room. */
  private balance(): void {
    if (!this.isCrowded) {
      for (const [fd, acceptor] of this.acceptors) if (acceptor === null) this.open(fd);
      return;
    }
    for (const [fd, acceptor] of this.acceptors) {
      acceptor?.stop();
      this.acceptors.set(fd, null);
    }
    for (const connection of this.connections) if (this.isCrowded) connection.makeRoom();
  }

  private open(fd: number): void {
    try {
      // Until `open` gives it its own, an accepted socket carries what its acceptor was given: the server.
      this.acceptors.set(
        fd,
        acceptStreams<HttpConnection>(fd, HTTP_BACKLOG, this as unknown as HttpConnection, handler),
      );
    } catch {
      this.retry();
    }
  }

  private retry(): void {
    if (this.retrying) return;
    this.retrying = true;
    this.clock.after(RETRY_MS, () => {
      this.retrying = false;
      this.balance();
    });
  }
}

const handler: StreamHandler<HttpConnection> = {
  open(socket) {
    const server = socket.data as unknown as HttpServer;
    socket.data = new HttpConnection(socket, server);
    server.welcome(socket.data);
  },
  data: (socket, chunk) => socket.data.data(chunk),
  drain: (socket) => socket.data.writable(),
  end: (socket) => socket.data.ended(),
  close: (socket) => socket.data.closed(),
};
