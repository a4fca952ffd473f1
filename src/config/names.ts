import { type Endpoint, ipVersion } from "../core/endpoint.ts";
import type { Finding } from "./issue.ts";
import type { Path } from "./places.ts";
import { error, warning } from "./rules.ts";
import type { Config, ListenConfig, LogConfig, ServerConfig } from "./schema.ts";

/** Gives the first address of a host name, or rejects; an IP literal is never asked for. */
export type Resolver = (name: string) => Promise<string>;

/** A configuration with addresses in the place of names, and what could not be resolved. */
export interface Named {
  readonly config: Config;
  readonly findings: readonly Finding[];
}

type Answers = ReadonlyMap<string, string | null>;

/**
 * Resolves the host names of servers and logs, each name once, all at the same time. A server whose name does not
 * resolve is an error, unless its `init_addr` is "none": then it keeps the name and a warning says so.
 */
export async function resolveNames(config: Config, origin: (part: object) => Path, resolver: Resolver): Promise<Named> {
  const answers = await ask(namesOf(config), resolver);
  const findings: Finding[] = [];
  const logs = config.logs.map((log) => resolveLog(log, answers, origin, findings));
  const listens = config.listens.map(
    (listen): ListenConfig => ({
      ...listen,
      servers: listen.servers.map((server) => resolveServer(server, answers, origin, findings)),
    }),
  );
  return { config: { ...config, logs, listens }, findings };
}

function namesOf({ logs, listens }: Config): Set<string> {
  const names = listens.flatMap(({ servers }) => servers.flatMap(({ hostname }) => hostname ?? []));
  const logNames = logs.flatMap(({ target }) =>
    target.kind === "udp" && ipVersion(target.host) === 0 ? target.host : [],
  );
  return new Set([...names, ...logNames]);
}

async function ask(names: ReadonlySet<string>, resolver: Resolver): Promise<Answers> {
  const asked = [...names].map(async (name): Promise<[string, string | null]> => {
    try {
      const address = await resolver(name);
      return [name, ipVersion(address) === 0 ? null : address];
    } catch {
      // Why it failed (no such name, no server, no network) is the same to the reader: the name gave no address.
      return [name, null];
    }
  });
  return new Map(await Promise.all(asked));
}

function resolveServer(
  server: ServerConfig,
  answers: Answers,
  origin: (part: object) => Path,
  findings: Finding[],
): ServerConfig {
  const { hostname, check } = server;
  if (hostname === null) return server;
  const path = [...origin(server), "address"];
  const address = answers.get(hostname) ?? null;
  if (address === null) {
    const message = `${hostname} does not resolve`;
    findings.push(
      server.initAddr === "none"
        ? warning(path, `${message}: ${server.name} stays down until it does`, "", hostname)
        : error(
            path,
            message,
            'mend the name, write an address, or set init_addr = "none" to start without it',
            hostname,
          ),
    );
    return server;
  }
  const moved = (endpoint: Endpoint): Endpoint =>
    endpoint.kind === "tcp" && endpoint.host === hostname ? { ...endpoint, host: address } : endpoint;
  return { ...server, address: moved(server.address), check: check && { ...check, address: moved(check.address) } };
}

function resolveLog(log: LogConfig, answers: Answers, origin: (part: object) => Path, findings: Finding[]): LogConfig {
  const { target } = log;
  if (target.kind !== "udp" || ipVersion(target.host) !== 0) return log;
  const address = answers.get(target.host) ?? null;
  if (address !== null) return { ...log, target: { ...target, host: address } };
  const hint = "mend the name, or write an address";
  findings.push(error([...origin(log), "address"], `${target.host} does not resolve`, hint, target.host));
  return log;
}
