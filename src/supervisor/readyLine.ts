import { hostname } from "node:os";
import type { Config } from "../config/schema.ts";
import { formatEndpoint } from "../core/endpoint.ts";
import { VERSION } from "../core/version.ts";

/** The ready line names so many addresses, and counts more than these. */
const NAMED_BINDS = 6;

/** What is said when the first proxy process serves. */
export function readyLine(config: Config, proxyPid: number, adminSocket: string): string {
  return `${VERSION} ready: ${describeBinds(config)}${describePage(config)}; ${config.global.threads} relay threads, proxy pid ${proxyPid}, admin socket ${adminSocket}`;
}

/** What we listen on, short enough for one datagram. */
function describeBinds({ listens }: Config): string {
  const binds = listens.flatMap(({ name, binds }) => binds.map((bind) => `${name} on ${formatEndpoint(bind)}`));
  return binds.length <= NAMED_BINDS ? binds.join(", ") : `${listens.length} listens on ${binds.length} addresses`;
}

/** Where the status page is, as one types it into a browser. */
function describePage({ stats }: Config): string {
  const [bind] = stats?.binds ?? [];
  if (stats === null || bind === undefined) return "";
  if (bind.kind === "unix") return `; status page ${stats.uri} on ${formatEndpoint(bind)}`;
  const isAnywhere = bind.host === "0.0.0.0" || bind.host === "::";
  const place = isAnywhere ? `${hostname()}:${bind.port}` : formatEndpoint(bind);
  return `; status page http://${place}${stats.uri}`;
}
