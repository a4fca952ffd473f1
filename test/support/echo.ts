import { createServer, type Server, type Socket } from "node:net";
import { atEnd } from "./cleanup.ts";
import { freePort } from "./ports.ts";

/** What a scripted server does with each connection. */
export type Behaviour =
  /** Sends back what it reads, and its own FIN after the client's. */
  | { kind: "echo" }
  /** As echo, after sending `text` first: tells which server answered. */
  | { kind: "banner"; text: string }
  /** Reads and never answers; keeps its side open after the client's FIN. */
  | { kind: "silent" }
  /** Never reads: what is sent to it fills the kernel's buffers and stays there. */
  | { kind: "deaf" }
  /** Reads `bytes` bytes (0: at once), then sends a RST. */
  | { kind: "rst"; bytes: number }
  /** Answers `reply` to the first bytes, or at once if `atOnce`, and closes with a FIN. */
  | { kind: "reply"; reply: string | Uint8Array; atOnce?: boolean }
  /** Reads until the client's FIN, waits `delayMs`, then answers `reply` and closes. */
  | { kind: "late"; reply: string | Uint8Array; delayMs: number }
  /** A script of the test's own. */
  | { kind: "custom"; run: (socket: Socket) => void };

/** A scripted server in this process. */
export interface TestServer {
  readonly host: string;
  /** 0 for a unix socket. */
  readonly port: number;
  /** "host:port", "[v6]:port" or "unix:/path", as the configuration writes it. */
  readonly address: string;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Open connections, oldest first. */
  readonly open: readonly Socket[];
  /** Bytes read so far, over all connections. */
  readonly receivedBytes: number;
  /** Stops listening and resets every open connection: a server that died. Idempotent. */
  stop(): Promise<void>;
  /** Listens on the same address again. */
  restart(): Promise<void>;
}

/** Where to listen: 127.0.0.1 and a free port unless said otherwise. */
export interface ListenOptions {
  host?: string;
  port?: number;
  /** A unix socket instead. */
  path?: string;
}

/** Starts a scripted server, closed when the test ends. */
export async function serve(behaviour: Behaviour, options: ListenOptions = {}): Promise<TestServer> {
  const host = options.host ?? "127.0.0.1";
  const port = options.path === undefined ? (options.port ?? freePort()) : 0;
  const sockets = new Set<Socket>();
  const count = { accepted: 0, receivedBytes: 0 };
  let server: Server | null = null;

  const accept = (socket: Socket): void => {
    count.accepted++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A peer's RST is what many tests ask for; "close" follows and the test looks at its own end.
    socket.on("error", () => {});
    if (behaviour.kind !== "deaf") socket.on("data", (bytes) => (count.receivedBytes += bytes.length));
    behave(behaviour, socket);
  };
  const listen = async (): Promise<void> => {
    const created = createServer({ allowHalfOpen: true, pauseOnConnect: behaviour.kind === "deaf" }, accept);
    await new Promise<void>((resolve, reject) => {
      created.once("error", reject);
      created.listen(options.path === undefined ? { host, port } : { path: options.path }, resolve);
    });
    server = created;
  };
  const stop = async (): Promise<void> => {
    const stopping = server;
    server = null;
    if (stopping === null) return;
    const closed = new Promise<void>((resolve) => stopping.close(() => resolve()));
    for (const socket of sockets) socket.resetAndDestroy();
    await closed;
  };

  await listen();
  atEnd(stop);
  return {
    host,
    port,
    address: options.path === undefined ? `${host.includes(":") ? `[${host}]` : host}:${port}` : `unix:${options.path}`,
    get accepted() {
      return count.accepted;
    },
    get receivedBytes() {
      return count.receivedBytes;
    },
    get open() {
      return [...sockets];
    },
    stop,
    restart: async () => {
      await stop();
      await listen();
    },
  };
}

/** "127.0.0.1:port" where nobody listens: the kernel answers a SYN with a RST. */
export function refusingAddress(): string {
  return `127.0.0.1:${freePort()}`;
}

function behave(behaviour: Behaviour, socket: Socket): void {
  switch (behaviour.kind) {
    case "banner":
      socket.write(behaviour.text);
      socket.pipe(socket);
      return;
    case "echo":
      socket.pipe(socket);
      return;
    case "silent":
    case "deaf":
      return;
    case "rst":
      if (behaviour.bytes === 0) socket.resetAndDestroy();
      else onceReceived(socket, behaviour.bytes, () => socket.resetAndDestroy());
      return;
    case "reply":
      if (behaviour.atOnce) socket.end(behaviour.reply);
      else onceReceived(socket, 1, () => socket.end(behaviour.reply));
      return;
    case "late":
      socket.on("end", () => setTimeout(() => socket.end(behaviour.reply), behaviour.delayMs));
      return;
    case "custom":
      behaviour.run(socket);
  }
}

function onceReceived(socket: Socket, bytes: number, then: () => void): void {
  let seen = 0;
  socket.on("data", (chunk) => {
    const before = seen;
    seen += chunk.length;
    if (before < bytes && seen >= bytes) then();
  });
}
