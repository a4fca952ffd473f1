import type { Socket } from "bun";
import { atEnd } from "../../../support/cleanup.ts";
import { freePort } from "../../../support/ports.ts";

/** Servers that the corpus names by variables, and what the clients sent them. */
export interface Backends {
  readonly ports: Readonly<Record<string, string>>;
  /** Everything that arrived at a server, in order. */
  received(name: string): string;
}

type Answers = (socket: Socket, bytes: Buffer | null) => void;

const say =
  (text: string): Answers =>
  (socket, bytes) => {
    if (bytes === null) socket.write(text);
    else socket.write(bytes);
  };
const reply =
  (text: string): Answers =>
  (socket, bytes) => {
    if (bytes !== null) socket.write(text);
  };

const SERVERS: Readonly<Record<string, Answers>> = {
  S1: say("s1\n"),
  S2: say("s2\n"),
  S3: say("s3\n"),
  ECHO1: (socket, bytes) => {
    if (bytes !== null) socket.write(bytes);
  },
  MUTE1: () => {},
  PONG1: reply("+PONG\r\n"),
  HTTP1: reply("HTTP/1.0 200 OK\r\n\r\n"),
};

/** Starts all servers; nobody listens on DEAD1. */
export function startBackends(): Backends {
  const seen = new Map<string, string>();
  const ports: Record<string, string> = { DEAD1: String(freePort()) };
  for (const [name, answers] of Object.entries(SERVERS)) {
    const port = freePort();
    ports[name] = String(port);
    const listener = Bun.listen({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      socket: {
        open: (socket) => answers(socket, null),
        data: (socket, bytes) => {
          seen.set(name, (seen.get(name) ?? "") + bytes.toString("latin1"));
          answers(socket, bytes);
        },
        end: (socket) => void socket.end(),
        error() {},
      },
    });
    atEnd(() => {
      listener.stop(true);
    });
  }
  return { ports, received: (name) => seen.get(name) ?? "" };
}

/** One client: says hello unless silent, and leaves after the first line. What it read; "" when nothing came. */
export async function visit(port: number, silent = false): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let read = "";
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    allowHalfOpen: true,
    socket: {
      data: (own, bytes) => {
        const first = !read.includes("\n");
        read += bytes.toString("latin1");
        if (first && read.includes("\n")) own.shutdown();
      },
      end: (own) => void own.end(),
      close: () => resolve((read.split("\n")[0] ?? "").trim()),
      error: () => resolve((read.split("\n")[0] ?? "").trim()),
    },
  });
  if (!silent) socket.write("hi\n");
  return promise;
}
