import { toml } from "../process/stand.ts";

/** What a version of the configuration says, whoever is to read it. */
export interface Settings {
  readonly maxconn: number;
  readonly balance: string;
  readonly retries: number;
  readonly backlog: number;
  readonly checkIntervalMs: number;
  /** "host:port" of the servers of `web`, each named for its port, and the weight they all have. */
  readonly servers: readonly string[];
  readonly weight: number;
  /** A second listen; null: there is none. */
  readonly other: { readonly name: string; readonly server: string } | null;
}

/** One file after the other with every kind of change: servers, weights, checks, keys of a listen and of [global], listens. */
export function settingsOf(round: number, [s1, s2, s3]: readonly string[]): Settings {
  const servers = [
    [s1, s2],
    [s1, s2, s3],
    [s2, s3],
    [s3, s1],
  ][round % 4] as string[];
  return {
    maxconn: 1000 + round,
    balance: ["roundrobin", "leastconn", "source", "random", "first"][round % 5] as string,
    retries: round % 4,
    backlog: 512 + round,
    checkIntervalMs: 200 + 10 * round,
    servers,
    weight: 1 + (round % 7),
    other: round % 3 === 0 ? null : { name: `other${round % 2}`, server: s1 as string },
  };
}

/** The ports of `web` and of the second listen. */
export type Ports = readonly [web: number, other: number];

/** Name of a server of `web`. */
export function serverName(address: string): string {
  return `s${address.split(":")[1]}`;
}

/** Our file of such settings, but for the admin socket. */
export function tomlOf(settings: Settings, [web, other]: Ports): string {
  const { maxconn, balance, retries, backlog, checkIntervalMs, servers, weight } = settings;
  const tables = servers.map(
    (address) => `[[listen.web.server]]\nname = "${serverName(address)}"\naddress = "${address}"\nweight = ${weight}`,
  );
  if (settings.other !== null) {
    const { name, server } = settings.other;
    tables.push(
      `[listen.${name}]\nbind = "127.0.0.1:${other}"\n[[listen.${name}.server]]\nname = "o"\naddress = "${server}"`,
    );
  }
  return toml({
    port: web,
    threads: 2,
    log: 'address = "stdout"\nlevel = "notice"',
    global: `maxconn = ${maxconn}`,
    listen: `balance = "${balance}"\nretries = ${retries}\nbacklog = ${backlog}`,
    check: `interval = "${checkIntervalMs}ms"`,
    servers: [],
    more: tables.join("\n"),
  });
}

/** Our file of a round. */
export function version(round: number, echoes: readonly string[], ports: Ports): string {
  return tomlOf(settingsOf(round, echoes), ports);
}
