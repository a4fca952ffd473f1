import { toml } from "../process/stand.ts";

/** One file after the other with every kind of change: servers, weights, checks, keys of a listen and of [global], listens. */
export function version(
  round: number,
  [s1, s2, s3]: readonly string[],
  [web, other]: readonly [web: number, other: number],
): string {
  const servers = [
    [s1, s2],
    [s1, s2, s3],
    [s2, s3],
    [s3, s1],
  ][round % 4] as string[];
  const balance = ["roundrobin", "leastconn", "source", "random", "first"][round % 5];
  const name = `other${round % 2}`;
  const listen = `[listen.${name}]\nbind = "127.0.0.1:${other}"\n[[listen.${name}.server]]\nname = "o"\naddress = "${s1}"`;
  const tables = servers.map(
    (address) =>
      `[[listen.web.server]]\nname = "s${address.split(":")[1]}"\naddress = "${address}"\nweight = ${1 + (round % 7)}`,
  );
  return toml({
    port: web,
    threads: 2,
    log: 'address = "stdout"\nlevel = "notice"',
    global: `maxconn = ${1000 + round}`,
    listen: `balance = "${balance}"\nretries = ${round % 4}\nbacklog = ${512 + round}`,
    check: `interval = "${200 + 10 * round}ms"`,
    servers: [],
    more: [...tables, ...(round % 3 === 0 ? [] : [listen])].join("\n"),
  });
}
