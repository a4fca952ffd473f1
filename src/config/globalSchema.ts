import { BIND_RULES, canonicalHost, type Endpoint, parseEndpoint } from "../core/endpoint.ts";
import { FACILITIES, LEVELS } from "../core/syslogCodes.ts";
import { duration, either, endpoint, flag, int, list, oneOf, oneOrMany, table, text, word } from "./keys.ts";
import type { Reading } from "./units.ts";

/** [global], [[log]], [admin] and [stats]: what concerns the whole process. */

/** uid_t without its two reserved values (-1 in 16 and in 32 bits mean "leave as it is" to the kernel). */
const MAX_ID = 4_294_967_294;

const accountName = (help: string) =>
  word(
    /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/,
    { values: "a name of the system", example: '"hapusr"', problem: "is not a user or group name" },
    help,
  );

/** A user or group by name or number. */
const account = (help: string) =>
  either(
    accountName(help),
    int(0, MAX_ID, help),
    help,
    "is neither a name nor a number",
    'write a name of the system in quotes, as in "hapusr", or its number',
  ).optional();

/** An absolute path without control characters. */
export const path = (help: string, example: string) =>
  word(/^\/[^\p{Cc}]+$/u, { values: "an absolute path", example, problem: "is not an absolute path" }, help);

/** [global]; `threads` is null where the number of CPUs decides. */
export const globalSchema = table(
  {
    maxconn: int(
      1,
      1_000_000,
      "Client connections at a time over all listens; above it clients wait in the kernel's backlog.",
    ).prefault(4096),
    threads: int(1, 64, "Relay threads; default: the number of CPUs.").optional(),
    daemon: flag("true: detach from the terminal.").prefault(false),
    user: account("User that the proxy process changes to when started as root."),
    group: account("Group that the proxy process changes to when started as root."),
    uid: int(0, MAX_ID, "As user, by number.").optional(),
    gid: int(0, MAX_ID, "As group, by number.").optional(),
    chroot: path(
      "Directory that the proxy process is locked into when started as root: root's own, best empty.",
      '"/var/lib/haproxy-lite/empty"',
    ).optional(),
    pidfile: path("File that holds the process id while running.", '"/run/haproxy-lite/haproxy-lite.pid"').optional(),
    hard_stop_after: duration("Longest wait for connections to end at stop or reload.").prefault("30s"),
    spread_checks: int(
      0,
      50,
      "Percent by which each check interval varies at random, so that checks do not march in step.",
    ).prefault(0),
  },
  "The process.",
).transform((raw) => ({
  maxconn: raw.maxconn,
  threads: raw.threads ?? null,
  daemon: raw.daemon,
  user: raw.user ?? raw.uid ?? null,
  group: raw.group ?? raw.gid ?? null,
  chroot: raw.chroot ?? null,
  pidfile: raw.pidfile ?? null,
  hardStopAfterMs: raw.hard_stop_after,
  spreadChecksPercent: raw.spread_checks,
}));

/** Where log lines go. `host` is an IP literal once names are resolved. */
export type LogTarget =
  | { readonly kind: "udp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "stdout" }
  | { readonly kind: "stderr" };

const SYSLOG_PORT = 514;

function readTarget(raw: string): Reading<LogTarget> {
  if (raw === "stdout" || raw === "stderr") return { ok: true, value: { kind: raw } };
  const parsed = parseEndpoint(raw, { wildcard: false, names: true, defaultPort: SYSLOG_PORT });
  return parsed.ok ? { ok: true, value: asTarget(parsed.endpoint) } : parsed;
}

function asTarget(place: Endpoint): LogTarget {
  return place.kind === "unix" ? place : { kind: "udp", host: place.host, port: place.port };
}

const facilities = Object.keys(FACILITIES) as [string, ...string[]];
const levels = Object.keys(LEVELS) as [string, ...string[]];

/** One [[log]]. */
export const logSchema = table(
  {
    address: text(
      readTarget,
      { values: '"IP:PORT" (UDP; port 514 when left out), "/dev/log", "stdout", "stderr"', example: '"127.0.0.1:514"' },
      "Where the lines go.",
    ),
    facility: oneOf(facilities, "Syslog facility.").prefault("local0"),
    level: oneOf(
      levels,
      "Least severe level that is sent: info has every connection, notice only state changes.",
    ).prefault("info"),
    format: oneOf(["rfc3164", "rfc5424"], "Syslog format.").prefault("rfc3164"),
    tag: word(
      /^[A-Za-z0-9_./-]{1,48}$/,
      { values: "1..48 letters, digits and _ . / -", example: '"haproxy"', problem: "is not a syslog tag" },
      "Program name in each line.",
    ).prefault("haproxy"),
    hostname: word(
      /^[\x21-\x7e]{1,255}$/,
      { values: "1..255 visible ASCII characters", example: '"lb01"', problem: "is not a host name for syslog" },
      "Host name in each line; default: this machine's; a unix socket gets none.",
    ).optional(),
    max_length: int(80, 65_535, "Longest datagram in bytes; what is longer is cut.").prefault(1024),
  },
  "A place that log lines go to; as many as you like.",
).transform((raw) => ({
  target: raw.address,
  facility: FACILITIES[raw.facility] as number,
  level: LEVELS[raw.level] as number,
  format: raw.format,
  tag: raw.tag,
  hostname: raw.hostname ?? null,
  maxLengthBytes: raw.max_length,
}));

const adminLevel = (help: string) => oneOf(["user", "operator", "admin"], help);

/** The runtime API has no passwords, and what goes over it is not encrypted: no other host may reach it. */
function readLoopback(raw: string): Reading<Endpoint> {
  const parsed = parseEndpoint(raw, BIND_RULES);
  if (!parsed.ok) return { ...parsed, hint: 'write "127.0.0.1:PORT"' };
  const { endpoint } = parsed;
  const isLoopback =
    endpoint.kind === "tcp" && (endpoint.host.startsWith("127.") || canonicalHost(endpoint.host) === "::1");
  if (isLoopback) return { ok: true, value: endpoint };
  return {
    ok: false,
    problem: endpoint.kind === "unix" ? "is a unix socket, which `socket` is for" : "can be reached by other hosts",
    hint: 'write "127.0.0.1:PORT": the runtime API knows no passwords; from elsewhere, go through ssh',
  };
}

/** [admin]. */
export const adminSchema = table(
  {
    socket: word(
      /^\/[^\p{Cc}]{1,106}$/u,
      {
        values: "an absolute path of up to 107 characters",
        example: '"/run/haproxy-lite/admin.sock"',
        problem: "is not a path that a unix socket can have",
      },
      "Unix socket of the runtime API; default: a path that belongs to the user who starts the program.",
    ).optional(),
    mode: word(
      /^0?[0-7]{3}$/,
      { values: "three octal digits in quotes", example: '"0600"', problem: "is not a file mode" },
      "Permissions of the socket, octal.",
    ).prefault("0600"),
    level: adminLevel(
      "What clients of the socket may do: look; clear the highest values as well; everything. A client can ask for less.",
    ).prefault("admin"),
    bind: oneOrMany(
      text(
        readLoopback,
        { values: '"127.0.0.1:PORT", "[::1]:PORT"', example: '"127.0.0.1:9999"' },
        "A loopback address to listen on.",
      ),
      "Where the runtime API is served over TCP as well: one loopback address or a list; default: nowhere.",
      '"127.0.0.1:9999"',
    ).optional(),
    bind_level: adminLevel(
      "What clients of `bind` may do; every user and every program of this host can be one.",
    ).prefault("user"),
  },
  "The runtime API, which `status` and `ctl` talk to.",
).transform((raw) => ({
  socket: raw.socket ?? null,
  mode: Number.parseInt(raw.mode, 8),
  level: raw.level,
  binds: raw.bind ?? [],
  bindLevel: raw.bind_level,
}));

const credential = (help: string, pattern: RegExp, values: string) =>
  word(pattern, { values, example: '"admin"', problem: "cannot be sent by a browser" }, help);

/** [stats]. */
export const statsSchema = table(
  {
    bind: oneOrMany(
      endpoint(BIND_RULES, "An address to listen on."),
      "Where the page is served: one address or a list.",
      '":8404"',
    ),
    uri: word(
      /^\/[\x21-\x22\x24-\x3a\x3c-\x3e\x40-\x7e]*$/,
      {
        values: "a path that begins with /, without blanks, ?, # and ;",
        example: '"/haproxy.stats"',
        problem: "is not the path of a page",
      },
      "Path of the page.",
    ).prefault("/haproxy.stats"),
    refresh: duration(
      "The page reloads itself this often, in whole seconds; default: it does not.",
      1000,
      86_400_000,
      1000,
    ).optional(),
    maxconn: int(1, 10_000, "Connections at a time.").prefault(10),
    auth: list(
      table(
        {
          user: credential("User name.", /^[^\p{Cc}:]{1,128}$/u, "1..128 characters without a colon"),
          password: credential("Password.", /^[^\p{Cc}]{1,128}$/u, "1..128 characters"),
        },
        "Somebody who may see the page.",
      ),
      "Who may see the page; default: everybody.",
    ).prefault([]),
    admin: flag("true: servers can be changed from the page.").prefault(false),
    hide_version: flag("true: the page does not say which version it is.").prefault(false),
  },
  "The statistics page.",
).transform((raw) => ({
  binds: raw.bind,
  uri: raw.uri,
  refreshMs: raw.refresh ?? null,
  maxconn: raw.maxconn,
  auth: raw.auth,
  admin: raw.admin,
  hideVersion: raw.hide_version,
}));
