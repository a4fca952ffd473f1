import { mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { freePort } from "../support/ports.ts";
import type { Child, Children } from "./children.ts";
import { fillTemplate } from "./template.ts";
import { waitFor } from "./waitFor.ts";

/** The proxies that are compared. */
export const PRODUCTS = ["haproxy", "haproxyTuned", "lite"] as const;
export type ProductKey = (typeof PRODUCTS)[number];

/** Everything a measurement can be taken of: the products, and no proxy at all. */
export const CONTENDERS = ["direct", ...PRODUCTS] as const;
export type ContenderKey = (typeof CONTENDERS)[number];

/** Column titles. */
export const LABELS: Readonly<Record<ContenderKey, string>> = {
  direct: "direct",
  haproxy: "haproxy",
  haproxyTuned: "haproxy tuned",
  lite: "haproxy-lite",
};

const CONFIG_FILES: Readonly<Record<ProductKey, string>> = {
  haproxy: "haproxy.cfg",
  haproxyTuned: "haproxy-tuned.cfg",
  lite: "haproxy-lite.toml",
};

/** Loopback addresses that the proxies and the server behind them listen on. */
export const ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"] as const;

/** Where a contender takes its traffic. */
export interface Target {
  httpPort: number;
  /** As `httpPort`, with a log line for each connection. The same as `httpPort` when there is no proxy. */
  loggedPort: number;
  bulkPort: number;
}

/** A proxy that runs and has relayed a request. */
export interface Running extends Target {
  key: ProductKey;
  child: Child;
}

/** The servers behind the proxies, where their log lines go, and the limits all contenders get. */
export interface Stage {
  children: Children;
  dir: string;
  haproxy: string;
  binary: string;
  threads: number;
  maxconn: number;
  originHttpPort: number;
  originBulkPort: number;
  sinkPort: number;
}

/** Fills one of the configuration files of this directory and writes it to `path`. */
async function writeConfig(file: string, path: string, values: Record<string, string | number>): Promise<void> {
  writeFileSync(path, fillTemplate(await Bun.file(resolve(import.meta.dir, file)).text(), values));
}

/** Writes a product's configuration into `dir` and returns its path. */
export async function writeProductConfig(stage: Stage, key: ProductKey, target: Target, dir: string): Promise<string> {
  const path = resolve(dir, CONFIG_FILES[key]);
  await writeConfig(CONFIG_FILES[key], path, {
    HTTP_PORT: target.httpPort,
    LOGGED_PORT: target.loggedPort,
    BULK_PORT: target.bulkPort,
    THREADS: stage.threads,
    MAXCONN: stage.maxconn,
    ORIGIN_HTTP_PORT: stage.originHttpPort,
    ORIGIN_BULK_PORT: stage.originBulkPort,
    SINK_PORT: stage.sinkPort,
    ...(key === "lite" && { DIR: dir }),
  });
  return path;
}

/** Starts a fresh instance of a product and waits until it relays. */
export async function startProduct(stage: Stage, key: ProductKey): Promise<Running> {
  const target: Target = { httpPort: freePort(), loggedPort: freePort(), bulkPort: freePort() };
  const dir = resolve(stage.dir, `${key}-${target.httpPort}`);
  mkdirSync(dir);
  const config = await writeProductConfig(stage, key, target, dir);
  const command = key === "lite" ? [stage.binary, "serve", "-c", config] : [stage.haproxy, "-db", "-f", config];
  const child = stage.children.start(LABELS[key], command);
  if (key === "lite") await waitFor(child, "to print ready", async () => /\bready\b/.test(child.output()));
  await waitFor(child, "to relay", () => answers(target.httpPort));
  await waitFor(child, "to relay", () => answers(target.loggedPort));
  return { ...target, key, child };
}

/** Starts nginx, the server behind the proxies. */
export async function startOrigin(
  children: Children,
  nginx: string,
  dir: string,
  port: number,
  connections: number,
): Promise<void> {
  const config = resolve(dir, "nginx.conf");
  await writeConfig("nginx.conf", config, { DIR: dir, ORIGIN_HTTP_PORT: port, ORIGIN_CONNECTIONS: connections });
  const child = children.start("nginx", [nginx, "-p", dir, "-c", config]);
  await waitFor(child, "to answer", () => answers(port));
}

async function answers(port: number): Promise<boolean> {
  // Every address: a request on each server has also gone through when this is true.
  const replies = await Promise.all(
    ADDRESSES.map((address) =>
      fetch(`http://${address}:${port}/`, { keepalive: false, signal: AbortSignal.timeout(1000) }),
    ),
  );
  return replies.every((reply) => reply.status === 200);
}
