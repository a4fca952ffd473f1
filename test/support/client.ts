import { connect as netConnect, type Socket } from "node:net";
import { atEnd } from "./cleanup.ts";

/** How a connection ended for the client: the peer's FIN, or the code of an error such as ECONNRESET. */
export type Ending = "fin" | (string & {});

/** A client whose every move the test decides. */
export interface TestClient {
  readonly socket: Socket;
  /** Resolves when the connection stands; rejects with the error's code as message. */
  readonly connected: Promise<void>;
  /** The peer's FIN, or the error that ended the connection. */
  readonly ended: Promise<Ending>;
  /** Everything received so far. */
  received(): Buffer;
  /** Writes, and resolves once the kernel has taken all of it. */
  send(data: string | Uint8Array): Promise<void>;
  /** Waits for that many bytes in total, or, given text, until the received bytes contain it; default 5 s. */
  receive(what: number | string, timeoutMs?: number): Promise<string>;
  /** Half-close: FIN now, reading goes on. */
  fin(): void;
  /** RST now. */
  rst(): void;
  /** Stops reading; the window closes when the kernel's buffer is full. */
  pause(): void;
  resume(): void;
}

/** Connects to a "host:port", "[v6]:port" or "unix:/path" address or a port of 127.0.0.1. Reset when the test ends. */
export function client(
  to: string | number,
  options: { localAddress?: string; allowHalfOpen?: boolean } = {},
): TestClient {
  const chunks: Buffer[] = [];
  let received = 0;
  const ended = Promise.withResolvers<Ending>();
  const connected = Promise.withResolvers<void>();
  const watchers = new Set<() => void>();
  const notify = (): void => {
    for (const watcher of watchers) watcher();
  };
  let ending: Ending | null = null;
  const finish = (how: Ending): void => {
    ending ??= how;
    ended.resolve(how);
    connected.reject(new Error(how));
    notify();
  };

  const socket = netConnect({ allowHalfOpen: true, ...options, ...target(to) });
  socket.setNoDelay(true);
  socket.on("connect", () => connected.resolve());
  socket.on("data", (bytes: Buffer) => {
    chunks.push(bytes);
    received += bytes.length;
    notify();
  });
  socket.on("end", () => finish("fin"));
  socket.on("error", (failure: NodeJS.ErrnoException) => finish(failure.code ?? failure.message));
  socket.on("close", () => finish("closed"));
  // A test may look at only one of the two.
  connected.promise.catch(() => {});
  atEnd(() => {
    socket.destroy();
  });

  return {
    socket,
    connected: connected.promise,
    ended: ended.promise,
    received: () => Buffer.concat(chunks),
    send: (data) =>
      new Promise((resolve, reject) => socket.write(data, (failure) => (failure ? reject(failure) : resolve()))),
    receive: (what, timeoutMs = 5000) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const story = (): string => `${received} bytes: ${JSON.stringify(Buffer.concat(chunks).toString().slice(-200))}`;
      const look = (): void => {
        const there = typeof what === "number" ? received >= what : Buffer.concat(chunks).includes(what);
        if (there) resolve(Buffer.concat(chunks).toString());
        else if (ending !== null) reject(new Error(`connection ended (${ending}) before ${what} came; got ${story()}`));
      };
      const timer = setTimeout(
        () => reject(new Error(`waited ${timeoutMs} ms for ${what}; got ${story()}`)),
        timeoutMs,
      );
      watchers.add(look);
      look();
      return promise.finally(() => {
        clearTimeout(timer);
        watchers.delete(look);
      });
    },
    fin: () => {
      socket.end();
    },
    rst: () => {
      socket.resetAndDestroy();
    },
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
  };
}

function target(to: string | number): { host: string; port: number } | { path: string } {
  if (typeof to === "number") return { host: "127.0.0.1", port: to };
  if (to.startsWith("unix:")) return { path: to.slice("unix:".length) };
  const colon = to.lastIndexOf(":");
  return { host: to.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(to.slice(colon + 1)) };
}
