import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { request } from "../../../../src/admin/client.ts";
import type { ListenSnapshot, Snapshot } from "../../../../src/stats/snapshot.ts";
import { client, type TestClient } from "../../../support/client.ts";
import { type Proxy as Instance, startProxy } from "../../../support/instance.ts";
import { freePort } from "../../../support/ports.ts";
import { type Running, start } from "../../../support/process.ts";
import { tmpDir } from "../../../support/tmp.ts";
import { tool } from "../../../support/tools.ts";
import { until } from "../../../support/until.ts";
import { type Binds, type ListenSpec, toHaproxy, toToml } from "./listens.ts";
import { type LogReceiver, receiveLogs } from "./logReceiver.ts";

/** haproxy-lite or HAProxy, running the same listens, with its log in our hands. */
export interface Balancer {
  readonly kind: "haproxy-lite" | "HAProxy";
  readonly logs: LogReceiver;
  /** Where a listen listens. */
  bind(listen: string): string;
  /** What its admin socket answers to a command. */
  ask(command: string): Promise<string>;
  /** A client of a listen. */
  client(listen: string, options?: Parameters<typeof client>[1]): TestClient;
}

export interface LiteBalancer extends Balancer {
  readonly proxy: Instance;
  /** How everything stands, by the admin socket: some hundred times cheaper than running `status`. */
  snapshot(): Promise<Snapshot>;
  /** One listen of it. */
  listen(name: string): Promise<ListenSnapshot>;
  /** Pid of the process that carries the traffic. */
  proxyPid(): Promise<number>;
  /** Waits until no session, no queue and no server slot is in use any more, in any listen. */
  quiet(timeoutMs?: number): Promise<void>;
}

export interface LiteOptions {
  threads?: number;
  /** Further lines of `[global]`. */
  global?: string;
  /** Addresses other than free ports of 127.0.0.1. */
  binds?: Binds;
  /** Prefix of the command line. */
  inside?: string[];
}

/** Starts the compiled haproxy-lite on these listens. */
export async function startLite(listens: readonly ListenSpec[], options: LiteOptions = {}): Promise<LiteBalancer> {
  const logs = await receiveLogs();
  const binds = bindsOf(listens, options.binds);
  const global = `[global]\nthreads = ${options.threads ?? 1}\n${options.global ?? ""}\n`;
  const log = `[[log]]\naddress = "${logs.address}"\nfacility = "local0"\nlevel = "info"\n`;
  const { inside = [] } = options;
  const proxy = await startProxy(`${global}\n${log}\n${toToml(listens, binds)}`, { inside });
  const snapshot = async (): Promise<Snapshot> => JSON.parse(await request(proxy.adminSocket, "show status", 5000));
  return {
    kind: "haproxy-lite",
    logs,
    proxy,
    ask: (command) => request(proxy.adminSocket, command, 5000),
    ...access(binds),
    snapshot,
    async listen(name) {
      const found = (await snapshot()).listens.find((listen) => listen.name === name);
      if (found === undefined) throw new Error(`no listen ${name}`);
      return found;
    },
    proxyPid: async () => (await snapshot()).process.pid,
    async quiet(timeoutMs = 5000) {
      await until(
        "all counters of what is in use to be zero",
        async () => {
          const { process, listens } = await snapshot();
          const inUse = [process.connections.current, ...listens.flatMap(usage)];
          if (inUse.some((count) => count !== 0)) throw new Error(JSON.stringify(inUse));
          return true;
        },
        { timeoutMs },
      );
    },
  };
}

function usage(listen: ListenSnapshot): number[] {
  const ofServers = listen.servers.flatMap(({ sessions, queue }) => [sessions.current, queue.current]);
  return [listen.sessions.current, listen.queue.current, ...ofServers];
}

/** Starts Debian's HAProxy on the same listens; null where there is none. */
export async function startHaproxy(
  listens: readonly ListenSpec[],
  options: { binds?: Binds } = {},
): Promise<Balancer | null> {
  const haproxy = tool("haproxy");
  if (haproxy === null) return null;
  const logs = await receiveLogs();
  const binds = bindsOf(listens, options.binds);
  const file = join(tmpDir(), "haproxy.cfg");
  const socket = join(file, "../stats.sock");
  const head = `global\n log ${logs.address} local0\n stats socket ${socket} level admin\n nbthread 1\n maxconn 2000\ndefaults\n log global\n mode tcp\n option tcplog\n`;
  writeFileSync(file, `${head}\n${toHaproxy(listens, binds)}`);
  const running = start([haproxy, "-db", "-f", file]);
  await listening(running, Object.values(binds));
  return { kind: "HAProxy", logs, ask: (command) => request(socket, command, 5000), ...access(binds) };
}

/** Both, so that one script can be played on each. Without a HAProxy on this machine, only ours. */
export async function startBoth(listens: readonly ListenSpec[]): Promise<Balancer[]> {
  const [lite, haproxy] = [await startLite(listens), await startHaproxy(listens)];
  return haproxy === null ? [lite] : [lite, haproxy];
}

function bindsOf(listens: readonly ListenSpec[], given: Binds = {}): Binds {
  return Object.fromEntries(listens.map(({ name }) => [name, given[name] ?? `127.0.0.1:${freePort()}`]));
}

function access(binds: Binds): Pick<Balancer, "bind" | "client"> {
  const bind = (listen: string): string => {
    const address = binds[listen];
    if (address === undefined) throw new Error(`no listen ${listen}`);
    return address;
  };
  return { bind, client: (listen, options) => client(bind(listen), options) };
}

/** A daemon that says nothing is ready when its ports are in the kernel's table. */
async function listening(running: Running, addresses: readonly string[]): Promise<void> {
  const ports = addresses.filter((address) => !address.startsWith("unix:")).map((address) => address.split(":").at(-1));
  await until(`${running.command} to listen`, async () => {
    if (!running.alive()) throw new Error(running.output());
    const table = `${await Bun.file("/proc/net/tcp").text()}${await Bun.file("/proc/net/tcp6").text()}`;
    return ports.every((port) => new RegExp(`:${hex(Number(port))} [0-9A-F]+:0000 0A`).test(table));
  });
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
