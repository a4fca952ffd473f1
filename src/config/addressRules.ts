import { canonicalHost, type Endpoint, formatEndpoint, ipVersion, sameEndpoint } from "../core/endpoint.ts";
import type { Finding } from "./issue.ts";
import { formatPath, type Path } from "./places.ts";
import { error, type Rule, type RuleContext, warning } from "./rules.ts";

/** A socket that the process will bind. */
interface Bound {
  readonly endpoint: Endpoint;
  readonly path: Path;
  /** "listen.a" */
  readonly owner: string;
}

function boundSockets({ config, origin }: RuleContext): Bound[] {
  const of = (binds: readonly Endpoint[], path: Path) =>
    binds.map((endpoint, index) => ({ endpoint, path: [...path, "bind", index], owner: formatPath(path) }));
  const admin: Bound[] =
    config.admin.socket === null
      ? []
      : [{ endpoint: { kind: "unix", path: config.admin.socket }, path: ["admin", "socket"], owner: "admin" }];
  return [
    ...config.listens.flatMap((listen) => of(listen.binds, origin(listen))),
    ...(config.stats === null ? [] : of(config.stats.binds, ["stats"])),
    ...admin,
  ];
}

const WILDCARDS: Readonly<Record<number, string>> = { 4: "0.0.0.0", 6: "::" };

function isWildcard(host: string): boolean {
  return canonicalHost(host) === WILDCARDS[ipVersion(host)];
}

/** True when the kernel, or a client, could not tell the two apart. IPv6 sockets are bound IPV6_V6ONLY, so families never meet. */
function collide(a: Endpoint, b: Endpoint): boolean {
  if (a.kind === "unix" || b.kind === "unix") return sameEndpoint(a, b);
  if (a.port !== b.port || ipVersion(a.host) !== ipVersion(b.host)) return false;
  return isWildcard(a.host) || isWildcard(b.host) || sameEndpoint(a, b);
}

/** No two sockets on one address: the second would not bind, or take half of the traffic. */
export const bindConflicts: Rule = (context) => {
  const findings: Finding[] = [];
  // By port, so that a file with thousands of listens is not compared pair by pair.
  const byPort = new Map<string, Bound[]>();
  for (const bound of boundSockets(context)) {
    const key = bound.endpoint.kind === "tcp" ? String(bound.endpoint.port) : bound.endpoint.path;
    const neighbours = byPort.get(key) ?? [];
    const rival = neighbours.find((other) => collide(other.endpoint, bound.endpoint));
    if (rival !== undefined) findings.push(conflict(bound, rival));
    else byPort.set(key, [...neighbours, bound]);
  }
  return findings;
};

function conflict(bound: Bound, rival: Bound): Finding {
  const [mine, theirs] = [formatEndpoint(bound.endpoint), formatEndpoint(rival.endpoint)];
  const where = rival.owner === bound.owner ? "this same place" : rival.owner;
  const message = sameEndpoint(bound.endpoint, rival.endpoint)
    ? `${mine} is already bound by ${where}`
    : `${mine} collides with ${theirs} of ${where}: one of them takes every address`;
  const hint =
    bound.endpoint.kind === "unix" ? "give one of them another path" : "give one of them another port or address";
  return error(bound.path, message, hint, mine);
}

/** A listen port inside the range of outgoing connections is sometimes taken by one of them when we start. */
export const ephemeralBinds: Rule = (context) => {
  const range = context.environment.ephemeralPorts;
  if (range === null) return [];
  return boundSockets(context).flatMap(({ endpoint, path }) =>
    endpoint.kind === "tcp" && endpoint.port >= range.low && endpoint.port <= range.high
      ? [
          warning(
            path,
            `port ${endpoint.port} is in the range that outgoing connections use (${range.low}..${range.high}): a start can find it taken`,
            `choose a port below ${range.low}, or reserve it with sysctl net.ipv4.ip_local_reserved_ports=${endpoint.port}`,
            formatEndpoint(endpoint),
          ),
        ]
      : [],
  );
};

/** Two servers of a listen on one address are one server twice: its failure is counted as two. */
export const serverAddresses: Rule = ({ config, origin }) =>
  config.listens.flatMap((listen) => {
    const first = new Map<string, string>();
    return listen.servers.flatMap((server) => {
      const at = formatEndpoint(server.address);
      const place: Path = [...origin(server), "address"];
      const key = server.address.kind === "tcp" ? `${canonicalHost(server.address.host)} ${server.address.port}` : at;
      const twin = first.get(key);
      first.set(key, twin ?? server.name);
      if (twin !== undefined) {
        return [
          warning(place, `${at} is the address of ${twin}, too: it fails for both`, "is one of them a slip?", at),
        ];
      }
      const own = listen.binds.some((bind) => reaches(bind, server.address));
      return own
        ? [
            warning(
              place,
              `${at} is this listen itself: each connection would come back until nothing is left`,
              "write the server's own address",
              at,
            ),
          ]
        : [];
    });
  });

function reaches(bind: Endpoint, target: Endpoint): boolean {
  if (sameEndpoint(bind, target)) return true;
  if (bind.kind === "unix" || target.kind === "unix" || bind.port !== target.port || !isWildcard(bind.host))
    return false;
  const host = canonicalHost(target.host);
  return ipVersion(bind.host) === 4 ? host.startsWith("127.") || host === "localhost" : host === "::1";
}
