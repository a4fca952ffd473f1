import { writeFileSync } from "node:fs";
import type { ListenSnapshot, ServerSnapshot } from "../../../src/stats/snapshot.ts";
import type { Proxy as RunningProxy } from "../../support/instance.ts";
import { binary, type Result, run } from "../../support/process.ts";
import { snapshot } from "../process/stand.ts";

/** Runs `ctl` on a proxy. */
export async function ctl({ adminSocket }: RunningProxy, ...words: string[]): Promise<Result> {
  return await run([binary(), "ctl", "--socket", adminSocket, ...words]);
}

/** Gives a proxy another file, its admin socket as it was; nothing reads it yet. */
export function rewrite(proxy: RunningProxy, toml: string): void {
  writeFileSync(proxy.configFile, `${toml}\n[admin]\nsocket = ${JSON.stringify(proxy.adminSocket)}\n`);
}

/** The same, and reloads it; throws what was said when that is refused. Gives the plan. */
export async function reload(proxy: RunningProxy, toml: string): Promise<string> {
  rewrite(proxy, toml);
  const said = await ctl(proxy, "reload");
  if (said.code !== 0) throw new Error(`${said.stdout}${said.stderr}`);
  return said.stdout;
}

/** How a listen stands; undefined: it is not there. The first one, if several have had the name. */
export async function listenOf(proxy: RunningProxy, name = "web"): Promise<ListenSnapshot | undefined> {
  return (await snapshot(proxy)).listens.find((each) => each.name === name);
}

/** How a server of `web` stands; undefined: it is not there. */
export async function serverOf(proxy: RunningProxy, name: string): Promise<ServerSnapshot | undefined> {
  return (await listenOf(proxy))?.servers.find((each) => each.name === name);
}
