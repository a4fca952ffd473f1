import type { Socket, SocketHandler } from "bun";
import { errno, libc, SystemError } from "./libc.ts";
import type { ConnectionEnds } from "./proxyHeader.ts";

/** A stream socket of Bun's, carrying `T` as its data. */
export type StreamSocket<T> = Socket<T>;

/** What happens on one side of a connection; see Bun's SocketHandler. Half-open is always allowed. */
export type StreamHandler<T> = Pick<SocketHandler<T>, "open" | "data" | "drain" | "end" | "close" | "error">;

/** The same of a socket given as an fd. `connectError` means that the loop did not take it: the fd is still the caller's. */
export type AdoptedHandler<T> = StreamHandler<T> & Required<Pick<SocketHandler<T>, "connectError">>;

/**
 * Puts an fd that is connected, or connecting (net/connect.ts), into this thread's event loop. Bun owns the fd from here on.
 * `open` runs at once; while connecting, the first `drain` means connected, and a `close` before it carries the true errno.
 */
export function adoptStream<T>(fd: number, data: T, socket: AdoptedHandler<T>): void {
  // Bun's types know `fd` for files only; for sockets it is what makes the true errno, deadlines and cancelling possible.
  Bun.connect({ fd, data, allowHalfOpen: true, socket } as unknown as Parameters<typeof Bun.connect<T>>[0]);
}

/** Accepts on a listening fd until stopped; the fd itself stays open and queued clients stay queued. */
export interface Acceptor {
  stop(): void;
}

/**
 * Starts accepting; every accepted socket carries `data` until `open` gives it its own. Bun closes the fd that it listens
 * on when it stops, so it is given a duplicate; and it resets the backlog to 511, so that is set again.
 */
export function acceptStreams<T>(listener: number, backlog: number, data: T, socket: StreamHandler<T>): Acceptor {
  const fd = libc.dup(listener);
  if (fd < 0) throw new SystemError("dup", errno());
  const bun = Bun.listen({ fd, data, allowHalfOpen: true, socket } as unknown as Parameters<typeof Bun.listen<T>>[0]);
  libc.listen(fd, backlog);
  return { stop: () => bun.stop() };
}

/** The socket's fd, -1 once closed. Bun has it at run time; its types do not say so. */
export function fdOf(socket: StreamSocket<unknown>): number {
  return (socket as unknown as { fd: number }).fd;
}

/** Who is at both ends of an accepted TCP socket; null for a unix socket or one that is gone. */
export function endsOf(socket: StreamSocket<unknown> | null): ConnectionEnds | null {
  const { remoteAddress, remotePort, localAddress, localPort } = socket ?? {};
  if (remoteAddress === undefined || remotePort === undefined || localAddress === undefined || localPort === undefined)
    return null;
  return {
    sourceHost: remoteAddress,
    sourcePort: remotePort,
    destinationHost: localAddress,
    destinationPort: localPort,
  };
}
