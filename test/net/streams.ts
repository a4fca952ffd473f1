import { errnoName } from "../../src/core/errno.ts";
import { adoptStream, type StreamSocket } from "../../src/net/stream.ts";

/** A connecting socket in this event loop, as the relay has it. */
export interface Dialling {
  socket: StreamSocket<undefined>;
  /** Resolves to "connected" at the first `drain`, or to how it closed before: an errno name, "" without an error. */
  outcome: Promise<string>;
  /** The same once it is known, null before. */
  settled: () => string | null;
}

/** Adopts what `startConnect` returned; an immediate failure is an outcome too, and has no socket. */
export function dial(fd: number): { outcome: Promise<string> } & Partial<Dialling> {
  if (fd < 0) return { outcome: Promise.resolve(errnoName(-fd)) };
  let settled: string | null = null;
  let socket: StreamSocket<undefined> | undefined;
  const { promise, resolve } = Promise.withResolvers<string>();
  const settle = (how: string): void => {
    settled ??= how;
    resolve(settled);
  };
  adoptStream<undefined>(fd, undefined, {
    open: (opened) => {
      socket = opened;
    },
    drain: () => settle("connected"),
    close: (_, error) => settle((error as NodeJS.ErrnoException | undefined)?.code ?? ""),
    connectError: (_, error) => settle(error.message),
    data() {},
  });
  if (socket === undefined) throw new Error("Bun has not opened the socket at once");
  return { socket, outcome: promise, settled: () => settled };
}
