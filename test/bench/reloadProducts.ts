/** The ways to reload that are compared, each as the same few verbs. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { request } from "../../src/admin/client.ts";
import { childrenOf, isRunning } from "../e2e/process/stand.ts";
import { rewrite } from "../e2e/reload/reloading.ts";
import { type Ports, type Settings, serverName, tomlOf } from "../e2e/reload/versions.ts";
import { startProxy } from "../support/instance.ts";
import { type Running, start } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { until } from "../support/until.ts";
import { parseSmapsRollup } from "./procfs.ts";
import type { Way } from "./reloadPlan.ts";

/** A proxy that runs. */
export interface Reloadable {
  /** Gives it other settings; resolves when they are in effect, with the ms from the order to that. */
  reload(settings: Settings): Promise<number>;
  /** Executes the program on disk in its place; resolves when that serves, with the ms from the order. null: it cannot. */
  readonly upgrade: (() => Promise<number>) | null;
  /** How often the kernel has told so far that the virtual IP was gone; null: there is none. */
  addressLost(): number | null;
  /** A row of `show stat`; null: there is none. */
  row(listen: string, server: string): Promise<ReadonlyMap<string, string> | null>;
  /** Pids: of what serves new connections (a supervisor included), and of what an earlier reload has left. */
  processes(): { readonly current: readonly number[]; readonly old: readonly number[] };
}

/** How often it is asked whether a reload is in effect: what that is measured in. */
const LOOK_MS = 3;
const LONGEST_RELOAD_MS = 30_000;
const ASK_MS = 10_000;
/** An interface for a virtual IP, if the storm has a network of its own; see reloadMeasure.ts. */
const DEVICE = process.env.RELOAD_STORM_DEVICE;
const VIP = "192.0.2.100";
const VIRTUAL_IP =
  DEVICE === undefined
    ? ""
    : `[vrrp.instance.VI_1]\ninterface = "${DEVICE}"\nvirtual_router_id = 51\npriority = 255\nversion = 3\nadvert_int = "1s"\nvirtual_ipaddress = ["${VIP}/24"]`;
/** Whoever is connected when an upgrade comes may stay for as long as the storm goes on. */
const PATIENT = '[global]\nhard_stop_after = "1h"';

const WITHOUT = { upgrade: null, addressLost: () => null };

/** Starts one of them with first settings; stopped when the test ends. */
export async function startReloadable(way: Way, settings: Settings, ports: Ports): Promise<Reloadable> {
  switch (way) {
    case "haproxy-lite":
    case "haproxy-lite upgraded":
      return await startLite(settings, ports);
    case "haproxy -W":
      return await startMaster(settings, ports);
    case "haproxy -sf":
      return await startSuccessors(settings, ports);
  }
}

async function startLite(settings: Settings, ports: Ports): Promise<Reloadable> {
  const fileOf = (next: Settings) => `${tomlOf(next, ports).replace("[global]", PATIENT)}\n${VIRTUAL_IP}`;
  const proxy = await startProxy(fileOf(settings));
  const lost = DEVICE === undefined ? null : await watchAddress(DEVICE);
  return {
    ...asking(proxy.adminSocket, (next) => {
      rewrite(proxy, fileOf(next));
      proxy.process.signal("SIGHUP");
    }),
    async upgrade() {
      const [from, fromMs] = [proxy.output().length, performance.now()];
      proxy.process.signal("SIGUSR2");
      await proxy.process.waitFor("upgraded from", { from, timeoutMs: LONGEST_RELOAD_MS });
      return performance.now() - fromMs;
    },
    addressLost: () => lost?.() ?? null,
    processes: () => splitOld(proxy.pid),
  };
}

/** How often the kernel has told since then that the virtual IP was gone, which it has now. */
async function watchAddress(device: string): Promise<() => number> {
  const monitor = start(["ip", "-o", "monitor", "address"]);
  const said = (line: RegExp): string[] =>
    monitor
      .output()
      .split("\n")
      .filter((each) => line.test(each));
  // It is renewed with every advert.
  await until("the virtual IP", () => said(new RegExp(`${device} .*${VIP}/`)).length > 0, { timeoutMs: 15_000 });
  return () => said(new RegExp(`Deleted.*${VIP}/`)).length;
}

async function startMaster(settings: Settings, ports: Ports): Promise<Reloadable> {
  const dir = tmpDir();
  const [config, socket] = [join(dir, "haproxy.cfg"), join(dir, "stats.sock")];
  const write = (next: Settings) => writeFileSync(config, haproxyConfig(next, ports, `${socket} expose-fd listeners`));
  write(settings);
  const master = start(["haproxy", "-W", "-db", "-f", config, "-S", join(dir, "master.sock")]);
  const product = asking(socket, (next) => {
    write(next);
    master.signal("SIGUSR2");
  });
  await product.untilInEffect(settings);
  return { ...product, ...WITHOUT, processes: () => splitOld(master.pid) };
}

async function startSuccessors(settings: Settings, ports: Ports): Promise<Reloadable> {
  const dir = tmpDir();
  const [config, socket] = [join(dir, "haproxy.cfg"), join(dir, "stats.sock")];
  const all: Running[] = [];
  const alive = (): number[] => all.map(({ pid }) => pid).filter(isRunning);
  const succeed = (next: Settings): void => {
    writeFileSync(config, haproxyConfig(next, ports, socket));
    const before = alive();
    all.push(start(["haproxy", "-db", "-f", config, ...(before.length === 0 ? [] : ["-sf", ...before.map(String)])]));
  };
  const product = asking(socket, succeed);
  succeed(settings);
  await product.untilInEffect(settings);
  return { ...product, ...WITHOUT, processes: () => ({ current: alive().slice(-1), old: alive().slice(0, -1) }) };
}

/** What is said over the stats socket. `order` makes other settings known; each has a `maxconn` of its own, by which it is known. */
function asking(
  socket: string,
  order: (settings: Settings) => void,
): Pick<Reloadable, "reload" | "row"> & { untilInEffect(settings: Settings): Promise<void> } {
  const untilInEffect = async ({ maxconn }: Settings): Promise<void> => {
    const line = new RegExp(`^Maxconn: ${maxconn}$`, "m");
    const look = async (): Promise<boolean> => line.test(await request(socket, "show info", ASK_MS));
    await until(`maxconn ${maxconn}`, look, { timeoutMs: LONGEST_RELOAD_MS, everyMs: LOOK_MS });
  };
  return {
    untilInEffect,
    async reload(settings) {
      const fromMs = performance.now();
      order(settings);
      await untilInEffect(settings);
      return performance.now() - fromMs;
    },
    row: async (listen, server) => findRow(await request(socket, "show stat", ASK_MS), listen, server),
  };
}

function findRow(csv: string, listen: string, server: string): ReadonlyMap<string, string> | null {
  const [titles = [], ...rows] = csv.split("\n").map((line) => line.split(","));
  const row = rows.find(([name, of]) => name === listen && of === server);
  return row === undefined ? null : new Map(row.map((value, i) => [(titles[i] ?? "").replace("# ", ""), value]));
}

/** Of a supervisor's or master's children, the youngest is the one that serves. */
function splitOld(parent: number): ReturnType<Reloadable["processes"]> {
  const children = childrenOf(parent).filter(isRunning);
  return { current: [parent, ...children.slice(-1)], old: children.slice(0, -1) };
}

/** Memory of these processes in MB, shared pages divided by who shares them. */
export function megabytesOf(pids: readonly number[]): number {
  const bytes = pids.map((pid) => parseSmapsRollup(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1")).pssBytes);
  return bytes.reduce((sum, each) => sum + each, 0) / 1e6;
}

/** HAProxy's file of the same settings. */
function haproxyConfig(settings: Settings, [web, other]: Ports, socket: string): string {
  const { maxconn, balance, retries, backlog, checkIntervalMs, servers, weight } = settings;
  const check = `check inter ${checkIntervalMs} rise 2 fall 3`;
  const lines = [
    "global",
    "  nbthread 2",
    `  maxconn ${maxconn}`,
    "  log stdout format raw local0 notice",
    `  stats socket ${socket.replace(" ", " mode 600 level admin ")}`,
    "defaults",
    "  mode tcp",
    "  log global",
    "  timeout connect 1s",
    "  timeout client 30s",
    "  timeout server 30s",
    "listen web",
    `  bind 127.0.0.1:${web}`,
    `  balance ${balance}`,
    `  retries ${retries}`,
    `  backlog ${backlog}`,
    ...servers.map((address) => `  server ${serverName(address)} ${address} weight ${weight} ${check}`),
  ];
  if (settings.other !== null)
    lines.push(`listen ${settings.other.name}`, `  bind 127.0.0.1:${other}`, `  server o ${settings.other.server}`);
  return `${lines.join("\n")}\n`;
}
