import type { z } from "zod";
import { BIND_RULES } from "../core/endpoint.ts";
import { checkSwitch } from "./checkSchema.ts";
import { duration, either, endpoint, flag, int, oneOf, oneOrMany, optionalTable, table, tables, text } from "./keys.ts";
import { defaultServerSchema, serverSchema, sourceKey } from "./serverSchema.ts";
import { DURATION_PATTERN, formatDuration, MAX_DURATION_MS, type Reading, readDuration } from "./units.ts";

/** A timeout; "none" takes back one that the defaults set. The value is in milliseconds, or null for none. */
const timeout = (help: string) =>
  text(
    (raw): Reading<number | null> =>
      raw === "none" ? { ok: true, value: null } : readDuration(raw, 1, MAX_DURATION_MS),
    {
      values: `1ms..${formatDuration(MAX_DURATION_MS)}, "none"`,
      example: '"5s"',
      pattern: `${DURATION_PATTERN}|^none$`,
    },
    help,
    (raw) => readDuration(raw, 1, MAX_DURATION_MS),
  );

const timeoutTable = table(
  {
    connect: timeout("Longest wait for a server to accept one connection attempt.").optional(),
    client: timeout("Longest silence of a client.").optional(),
    server: timeout("Longest silence of a server.").optional(),
    queue: timeout("Longest wait in a queue for a free server; default: as connect.").optional(),
    tunnel: timeout(
      "Longest silence of both sides once both have been connected; replaces client and server then.",
    ).optional(),
    client_fin: timeout("Longest silence of the client after a half-close; replaces client then.").optional(),
    server_fin: timeout("Longest silence of the server after a half-close; replaces server then.").optional(),
  },
  "Timeouts. One that is not set never expires.",
);

const keepaliveTable = table(
  {
    idle: duration(
      "Silence before the first probe, in whole seconds; default: the kernel's.",
      1000,
      32_767_000,
      1000,
    ).optional(),
    interval: duration(
      "Time between probes, in whole seconds; default: the kernel's.",
      1000,
      32_767_000,
      1000,
    ).optional(),
    count: int(1, 127, "Unanswered probes that end the connection; default: the kernel's.").optional(),
  },
  "TCP keepalive probes.",
);

/** true: keepalive with the kernel's times; a table sets them. */
const keepalive = (help: string) =>
  either(
    flag("true: with the kernel's times."),
    keepaliveTable,
    help,
    "is neither true, false nor a table",
    'write true, false, or { idle = "60s", interval = "10s", count = 3 }',
  );

const own = {
  balance: oneOf(
    ["roundrobin", "static-rr", "leastconn", "first", "source", "random"],
    "How a server is chosen: in turn by weight; the same, unaffected by weight changes at run time; fewest connections; the first with a free slot; by the client's address; the better of two drawn at random.",
  ).prefault("roundrobin"),
  log: oneOf(
    ["tcplog", "halog", "off"],
    "The line written for each connection: HAProxy's tcplog, an HTTP-shaped line for halog's reports, or none.",
  ).prefault("tcplog"),
  dontlognull: flag("true: connections that carried no byte are not logged.").prefault(false),
  maxconn: int(
    1,
    1_000_000,
    "Connections at a time; more wait in the kernel's backlog. Default: only the global limit.",
  ).optional(),
  backlog: int(1, 65_535, "Length of the kernel's queue of connections that wait to be accepted.").prefault(4096),
  retries: int(0, 100, "Further attempts after a failed connection to a server.").prefault(3),
  redispatch: flag("true: a retry goes to a server that this connection has not tried yet.").prefault(true),
  timeout: timeoutTable.prefault({}),
  client_keepalive: keepalive("TCP keepalive towards clients.").prefault(false),
  server_keepalive: keepalive("TCP keepalive towards servers.").prefault(false),
};

/** Keys that only hand something down to the servers; inherit.ts has used them up before a listen is resolved. */
const handedDown = {
  source: sourceKey.optional(),
  check: checkSwitch.optional(),
  default_server: defaultServerSchema.optional(),
};

const places = {
  bind: oneOrMany(
    endpoint(BIND_RULES, "An address to listen on."),
    "Where to listen: one address or a list.",
    '":8080"',
  ),
};

/** A listen without its servers and what they inherit, as resolve.ts puts it together. */
export const listenSchema = table({ ...places, ...own }, "A TCP service.").transform(
  ({ bind, balance, log, dontlognull, maxconn, backlog, retries, redispatch, timeout, ...raw }) => ({
    binds: bind,
    balance,
    log,
    dontlognull,
    maxconn: maxconn ?? null,
    backlog,
    retries,
    redispatch,
    timeout: {
      connectMs: timeout.connect ?? null,
      clientMs: timeout.client ?? null,
      serverMs: timeout.server ?? null,
      /** null: as connectMs. */
      queueMs: timeout.queue ?? null,
      tunnelMs: timeout.tunnel ?? null,
      clientFinMs: timeout.client_fin ?? null,
      serverFinMs: timeout.server_fin ?? null,
    },
    clientKeepalive: resolveKeepalive(raw.client_keepalive),
    serverKeepalive: resolveKeepalive(raw.server_keepalive),
  }),
);

/** [listen.NAME] as written in the file. */
export const listenInFile = table(
  { ...places, ...own, ...handedDown, server: tables(serverSchema, "The servers of the listen, in order.").optional() },
  "A TCP service: where it listens and the servers behind it.",
);

/** [defaults] as written in the file: any key of a listen but bind and server. */
export const defaultsInFile = optionalTable(
  { ...own, ...handedDown },
  "Keys that every listen has unless it says otherwise: any but bind and server.",
);

function resolveKeepalive(raw: z.output<ReturnType<typeof keepalive>>) {
  if (raw === false) return null;
  const given = raw === true ? {} : raw;
  return {
    idleS: given.idle === undefined ? null : given.idle / 1000,
    intervalS: given.interval === undefined ? null : given.interval / 1000,
    count: given.count ?? null,
  };
}
