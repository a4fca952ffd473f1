import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { atEnd } from "../../support/cleanup.ts";
import { freePort, freePorts } from "../../support/ports.ts";
import { start } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";

/** Something with a stats socket. */
export interface Talker {
  readonly socket: string;
  /** Messages logged so far, without what stands before them. */
  readonly logged: readonly string[];
}

/** All that a server says to these bytes, until it closes; the client's own end is closed behind them. */
export async function say(path: string, bytes: string | Uint8Array): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  const socket = connect({ path, allowHalfOpen: true });
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", reject);
  socket.on("end", () => resolve(Buffer.concat(chunks).toString("latin1")));
  socket.end(bytes);
  atEnd(() => {
    socket.destroy();
  });
  return promise;
}

/** Collects the log messages of a program that sends them to this port of 127.0.0.1. */
export async function logServer(port: number): Promise<string[]> {
  const messages: string[] = [];
  const server = createSocket("udp4");
  server.on("message", (datagram) => {
    const text = datagram.toString().trimEnd();
    messages.push(text.replace(/^<\d+>\w{3} [ \d]\d [\d:]{8} (?:\S+ )?[\w-]+\[\d+\]: /, ""));
  });
  await new Promise<void>((resolve) => server.bind(port, "127.0.0.1", resolve));
  atEnd(() => {
    server.close();
  });
  return messages;
}

/**
 * Debian's HAProxy with listens `web` (servers a, weight 100, unchecked, and b, weight 50, checked, both at `server`) and
 * `other` (one server, unchecked).
 */
export async function startHaproxy(program: string, server: string): Promise<Talker> {
  const dir = tmpDir();
  const [web, other] = freePorts(2);
  const log = freePort();
  const logged = await logServer(log);
  const socket = join(dir, "haproxy.sock");
  const levels = ["user", "operator"].map((level) => `  stats socket ${socket}.${level} level ${level}`);
  writeFileSync(
    join(dir, "haproxy.cfg"),
    `global
  stats socket ${socket} level admin
${levels.join("\n")}
  maxconn 1000
  log 127.0.0.1:${log} local0 debug
defaults
  mode tcp
  log global
  timeout connect 1s
  timeout client 10s
  timeout server 10s
listen web
  bind 127.0.0.1:${web}
  server a ${server} weight 100
  server b ${server} weight 50 check inter 1h
listen other
  bind 127.0.0.1:${other}
  server c ${server}
`,
  );
  const running = start([program, "-db", "-f", join(dir, "haproxy.cfg")]);
  await until("HAProxy to answer", () => {
    if (!running.alive()) throw new Error(running.output());
    return say(socket, "show version\n");
  });
  return { socket, logged };
}
