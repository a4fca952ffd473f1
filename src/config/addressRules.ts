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
    ...of(config.admin.binds, ["admin"]),
    ...admin,
  ];
}

const WILDCARDS: Readonly<Record<number, string>> = { 4: "0.0.0.0", 6: "::" };

function isWildcard(host: string): boolean {
  return canonicalHost(host) === WILDCARDS[ipVersion(host)];
}

/** The sockets of one port and IP version by host, so that thousands of them are not compared pair by pair. */
interface Neighbours {
  readonly byHost: Map<string, Bound>;
  wildcard: Bound | null;
}

/** No two sockets on one address: the second would not bind, or take half of the traffic. */
export const bindConflicts: Rule = (context) => {
  const places = new Map<string, Neighbours>();
  return boundSockets(context).flatMap((bound): Finding[] => {
    const { endpoint } = bound;
    // IPv6 sockets are bound IPV6_V6ONLY: the two families never meet.
    const place = endpoint.kind === "unix" ? endpoint.path : `${endpoint.port} ${ipVersion(endpoint.host)}`;
    const neighbours = places.get(place) ?? { byHost: new Map<string, Bound>(), wildcard: null };
    places.set(place, neighbours);
    const host = endpoint.kind === "unix" ? "" : canonicalHost(endpoint.host);
    const wild = endpoint.kind === "tcp" && isWildcard(endpoint.host);
    const anybody = wild ? neighbours.byHost.values().next().value : undefined;
    const rival = neighbours.byHost.get(host) ?? neighbours.wildcard ?? anybody;
    if (rival !== undefined) return [conflict(bound, rival)];
    neighbours.byHost.set(host, bound);
    if (wild) neighbours.wildcard = bound;
    return [];
  });
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
