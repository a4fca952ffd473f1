import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Snapshot } from "../../../src/stats/snapshot.ts";
import { client, type TestClient } from "../../support/client.ts";
import type { TestServer } from "../../support/echo.ts";
import type { Proxy as RunningProxy } from "../../support/instance.ts";
import { binary, run } from "../../support/process.ts";

/** What a test's configuration says beyond the usual: one listen `web` on loopback, one thread, log to stdout. */
export interface Wishes {
  port: number;
  servers: readonly (string | Pick<TestServer, "address">)[];
  /** Lines of `[global]`, of `[listen.web]`, and of every server. */
  global?: string;
  listen?: string;
  server?: string;
  /** Lines of `[listen.web.check]`; without it nothing is checked. */
  check?: string;
  /** Lines of a `[[log]]`; null: no log at all. */
  log?: string | null;
  host?: string;
  threads?: number;
  /** Whole tables, put at the end. */
  more?: string;
}

/** A configuration with servers s1, s2, …; `check = "interval…"` lines go as TOML has them. */
export function toml(wishes: Wishes): string {
  const { port, servers, host = "127.0.0.1", threads = 1, log = 'address = "stdout"\nlevel = "info"' } = wishes;
  return [
    `[global]\nthreads = ${threads}\n${wishes.global ?? ""}`,
    log === null ? "" : `[[log]]\nfacility = "local0"\n${log}`,
    '[defaults.timeout]\nconnect = "1s"\nclient = "30s"\nserver = "30s"',
    `[listen.web]\nbind = "${host}:${port}"\n${wishes.listen ?? ""}`,
    wishes.check === undefined ? "" : `[listen.web.check]\n${wishes.check}`,
    ...servers.map((server, i) => {
      const address = typeof server === "string" ? server : server.address;
      return `[[listen.web.server]]\nname = "s${i + 1}"\naddress = "${address}"\n${wishes.server ?? ""}`;
    }),
    wishes.more ?? "",
  ].join("\n\n");
}

/** Pid of the proxy process that was last said to serve. */
export function proxyPid(proxy: Pick<RunningProxy, "output">): number {
  const said = [...proxy.output().matchAll(/proxy pid (\d+)|proxy process (\d+) is serving/g)].at(-1);
  if (said === undefined) throw new Error(`no proxy process in:\n${proxy.output()}`);
  return Number(said[1] ?? said[2]);
}

/** A field of /proc/PID/status, e.g. "Uid", "CapEff". Throws when the process is gone. */
export function procStatus(pid: number, field: string): string {
  const text = readFileSync(`/proc/${pid}/status`, "latin1");
  return new RegExp(`^${field}:\\s*(.*)$`, "m").exec(text)?.[1]?.trim() ?? "";
}

/** True while a process runs; one that has ended and waits for its parent does not. */
export function isRunning(pid: number): boolean {
  try {
    return !procStatus(pid, "State").startsWith("Z");
  } catch {
    return false;
  }
}

/** Pids of a process's children. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ").filter(Boolean).map(Number);
}

/** CPU time that a process has used so far, all its threads, in ms (resolution 10 ms). */
export function cpuMs(pid: number): number {
  const afterName = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(afterName[11]) + Number(afterName[12])) * 10;
}

/** Open file descriptors of a process. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** `status --json`, asked from outside: a namespace or a redirected stdout does not matter. */
export async function snapshot({ adminSocket }: Pick<RunningProxy, "adminSocket">): Promise<Snapshot> {
  const said = await run([binary(), "status", "--socket", adminSocket, "--json"]);
  if (said.stdout === "") throw new Error(said.stderr);
  return JSON.parse(said.stdout) as Snapshot;
}

/** Lines of the connections in HAProxy's format, without our time and level before them. */
export function sessionLines(proxy: Pick<RunningProxy, "output">): string[] {
  return logLines(proxy, "info");
}

/** Texts that stdout's log shows at this level. */
export function logLines(proxy: Pick<RunningProxy, "output">, level: string): string[] {
  const line = new RegExp(`^\\S+T\\S+ ${level} (.*)$`, "gm");
  return [...proxy.output().matchAll(line)].map((match) => match[1] ?? "");
}

/** The termination code of a session line. */
export function terminationOf(line: string): string {
  return / -?\d+\/-?\d+\/\+?\d+ \+?\d+ (\S\S) \d+\/\d+/.exec(line)?.[1] ?? "";
}

/** A directory's entries, none when it is not there. */
export function filesIn(...path: string[]): string[] {
  try {
    return readdirSync(join(...path)).sort();
  } catch {
    return [];
  }
}

/** A client that has had an answer through the balancer and stays. */
export async function liveClient(port: number): Promise<TestClient> {
  const live = client(port);
  await live.send("x");
  await live.receive("x");
  return live;
}
