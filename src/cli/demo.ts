import type { Config } from "../config/schema.ts";
import { type Endpoint, formatEndpoint } from "../core/endpoint.ts";
import { UserError } from "../core/errors.ts";
import { ExitCode } from "./exit.ts";

/** An echo server of the demo: a process of its own, so that it can be stopped and started like a real one. */
export interface DemoServer {
  name: string;
  address: string;
  pid: number;
}

const LOOPBACK = /^(127\.|::1$)/;

/**
 * Starts an echo server for each server of the configuration, all of which must be on loopback; returns them with the
 * function that ends those still running, once they all listen. `self` is the command line of this program.
 */
export async function startDemoServers(config: Config, self: readonly string[]): Promise<{ servers: DemoServer[]; stop: () => void }> {
  const wanted = config.listens.flatMap((listen) => listen.servers);
  const foreign = wanted.find((server) => !isLoopback(server.address));
  if (foreign !== undefined) {
    throw new UserError(
      `--demo plays all servers itself, but ${foreign.name} is at ${formatEndpoint(foreign.address)}\n  use it with a file whose servers are on 127.0.0.1, such as the sample haproxy-lite.toml`,
      ExitCode.usage,
    );
  }
  const children = wanted.map((server) => ({
    server,
    child: Bun.spawn({
      cmd: [...self, "echo", formatEndpoint(server.address)],
      stdio: ["ignore", "ignore", "pipe"],
    }),
  }));
  await Promise.all(children.map(({ child }) => firstWords(child.stderr)));
  return {
    servers: children.map(({ server, child }) => ({ name: server.name, address: formatEndpoint(server.address), pid: child.pid })),
    stop: () => {
      for (const { child } of children) child.kill();
    },
  };
}

/** An echo server speaks when it listens, or says why it cannot: that is passed on. */
async function firstWords(stderr: ReadableStream<Uint8Array>): Promise<void> {
  const reader = stderr.getReader();
  const { value } = await reader.read();
  if (value !== undefined) process.stderr.write(value);
  reader.releaseLock();
}

/** What a newcomer may try, as text. */
export function demoHints(config: Config, servers: readonly DemoServer[], program: string): string {
  const bind = config.listens[0]?.binds[0];
  const where = bind?.kind === "tcp" ? `${bind.host === "0.0.0.0" ? "127.0.0.1" : bind.host} ${bind.port}` : "";
  const first = servers[0];
  const lines = [
    "",
    "demo: every server of the file is played by a built-in echo server:",
    ...servers.map((server) => `  ${server.name} on ${server.address}, pid ${server.pid}`),
    "try, in another shell:",
    `  echo hello | nc -N ${where}        what you send comes back, from one server after the other`,
    `  ${program} status                  who is up, and how much they have done`,
  ];
  if (first !== undefined) {
    lines.push(
      `  kill ${first.pid}                  the check notices within seconds; look at status again`,
      `  ${program} echo ${first.address}   and it is back`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function isLoopback(endpoint: Endpoint): boolean {
  return endpoint.kind === "unix" || LOOPBACK.test(endpoint.host);
}
