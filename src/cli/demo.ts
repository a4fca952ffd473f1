import type { Config } from "../config/schema.ts";
import { type Endpoint, formatEndpoint } from "../core/endpoint.ts";
import { UserError } from "../core/errors.ts";
import { childEnvironment } from "../core/self.ts";
import { ECHO_LISTENS } from "./echo.ts";
import { ExitCode } from "./exit.ts";

/** An echo server of the demo: a process of its own, so that it can be stopped and started like a real one. */
export interface DemoServer {
  name: string;
  address: string;
  pid: number;
}

const LOOPBACK = /^(127\.|::1$)/;

/**
 * Starts an echo server for each server address of the configuration, all of which must be on loopback; returns them, once
 * they all listen, with the function that ends those still running. They end by themselves when this process is gone.
 * Throws UserError when one cannot listen. `self` is the command line of this program.
 */
export async function startDemoServers(
  config: Config,
  self: readonly string[],
): Promise<{ servers: DemoServer[]; stop: () => Promise<void> }> {
  const all = config.listens.flatMap((listen) => listen.servers);
  const foreign = all.find((server) => !isLoopback(server.address));
  if (foreign !== undefined) {
    throw new UserError(
      `--demo plays all servers itself, but ${foreign.name} is at ${formatEndpoint(foreign.address)}\n  use it with a file whose servers are on 127.0.0.1, such as the sample haproxy-lite.toml`,
      ExitCode.usage,
    );
  }
  // Two listens may share a server.
  const wanted = new Map(all.map(({ name, address }) => [formatEndpoint(address), name]));
  const started = Array.from(wanted, ([address, name]) => startEcho(name, address, self));
  const stop = async (): Promise<void> => {
    // One that was frozen, to see what a hung server does, would not hear a milder signal.
    for (const { child } of started) child.kill("SIGKILL");
    await Promise.all(started.map(({ child }) => child.exited));
  };
  try {
    await Promise.all(started.map(({ listening }) => listening));
  } catch (error) {
    await stop();
    throw error;
  }
  return { servers: started.map(({ name, address, child }) => ({ name, address, pid: child.pid })), stop };
}

/** Its stderr is ours: it says there that it listens, or why it cannot. */
function startEcho(name: string, address: string, self: readonly string[]) {
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  const child = Bun.spawn({
    cmd: [...self, "echo", address],
    env: childEnvironment(process.env),
    stdio: ["ignore", "ignore", "inherit"],
    ipc(message) {
      if (message === ECHO_LISTENS) resolve();
    },
    onExit: () => reject(new UserError(`the demo's server ${name} does not run on ${address}`, ExitCode.failed)),
  });
  return { name, address, child, listening };
}

/** What a newcomer may try, as text. `program` and `configPath` are written as they would be typed here. */
export function demoHints(config: Config, servers: readonly DemoServer[], program: string, configPath: string): string {
  const bind = config.listens[0]?.binds[0];
  const lines = [
    "",
    "demo: every server of the file is played by a built-in echo server:",
    ...servers.map((server) => `  ${server.name} on ${server.address}, pid ${server.pid}`),
    "try, in another shell:",
    ...(bind === undefined
      ? []
      : [[`echo hello | nc -N ${dialled(bind)}`, "what you send comes back, from one server after the other"]]),
    [`${program} status -c ${configPath}`, "who is up, and how much they have done"],
    ...servers.slice(0, 1).flatMap(({ pid, address }) => [
      [`kill ${pid}`, "the check notices within seconds; look at status again"],
      [`${program} echo ${address}`, "and it is back"],
    ]),
  ];
  const width = Math.max(...lines.map((line) => (typeof line === "string" ? 0 : (line[0] ?? "").length)));
  return `${lines.map((line) => (typeof line === "string" ? line : `  ${line[0]?.padEnd(width)}   ${line[1]}`)).join("\n")}\n`;
}

/** How netcat reaches a bind. */
function dialled(bind: Endpoint): string {
  if (bind.kind === "unix") return `-U ${bind.path}`;
  const here: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  return `${here[bind.host] ?? bind.host} ${bind.port}`;
}

function isLoopback(endpoint: Endpoint): boolean {
  return endpoint.kind === "unix" || LOOPBACK.test(endpoint.host);
}
