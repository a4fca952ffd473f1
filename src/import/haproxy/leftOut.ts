/** Why a keyword is not carried over, and the nearest thing that we have. */
export interface Reason {
  readonly why: string;
  readonly nearest?: string;
  /** Clients, or who may connect, depend on it. */
  readonly carriesTraffic?: boolean;
}

const HTTP: Reason = { why: "it concerns HTTP, which is not looked at here" };
const TLS: Reason = { why: "TLS is neither ended nor begun here; it passes through untouched" };
const TUNING: Reason = { why: "it tunes the inside of HAProxy" };
const STICK: Reason = {
  why: "there are no stick tables: clients are not kept at a server by one",
  nearest: 'balance = "source"',
};
const ROUTE: Reason = {
  why: "connections are not sorted by rules: each listen has one set of servers",
  nearest: "a [listen.NAME] with an address of its own for each set of servers",
  carriesTraffic: true,
};
const HELD: Reason = { why: "that is always so here" };

/** Keywords of proxies that are not carried over. */
export const PROXY_KEYWORDS: Readonly<Record<string, Reason>> = {
  acl: { why: "there are no access lists; the lines that use it are named, too" },
  use_backend: ROUTE,
  "use-server": ROUTE,
  "tcp-request": {
    why: "connections are not judged by rules: who may connect is the packet filter's business",
    nearest: "nftables or firewalld on this host",
    carriesTraffic: true,
  },
  "tcp-response": { why: "answers are not judged by rules", carriesTraffic: true },
  "stick-table": STICK,
  stick: STICK,
  appsession: STICK,
  cookie: HTTP,
  capture: HTTP,
  redirect: HTTP,
  reqadd: HTTP,
  rspadd: HTTP,
  errorfile: HTTP,
  errorfiles: HTTP,
  errorloc: HTTP,
  compression: HTTP,
  filter: { why: "there are no filters", carriesTraffic: true },
  monitor: HTTP,
  "monitor-uri": HTTP,
  "monitor-net": { why: "there is no answer for monitors before a server is chosen", nearest: "/healthz of [stats]" },
  "rate-limit": {
    why: "the rate of new connections is not limited",
    nearest: "maxconn of the listen, or the packet filter",
  },
  fullconn: { why: "limits do not grow with the load", nearest: "maxconn of each server" },
  "email-alert": { why: "mail is sent for virtual IPs only", nearest: "[vrrp.mail], or a program that reads the log" },
  "log-format": { why: "the line's format is fixed", nearest: 'log = "tcplog", or "halog"' },
  "log-format-sd": { why: "the line's format is fixed" },
  "error-log-format": { why: "the line's format is fixed" },
  "log-tag": { why: "the tag is the same for all lines that go to one place", nearest: "tag of [[log]]" },
  "log-steps": { why: "a line is written at the end of a connection" },
  "unique-id-format": HTTP,
  "unique-id-header": HTTP,
  "bind-process": TUNING,
  "load-server-state-from-file": HELD,
  "server-state-file-name": HELD,
  "max-keep-alive-queue": HTTP,
  "max-session-srv-conns": HTTP,
  "ignore-persist": HTTP,
  "force-persist": HTTP,
  persist: HTTP,
  "http-reuse": HTTP,
  "http-send-name-header": HTTP,
  "external-check": { why: "servers are not checked by a program", nearest: "check with send and expect" },
  declare: HTTP,
  description: { why: "there is no such text" },
  id: { why: "listens and servers are known by their names" },
  guid: { why: "listens and servers are known by their names" },
  grace: { why: "listens close at once when the program stops", nearest: "[global] hard_stop_after" },
  dispatch: { why: "servers have names here", nearest: "a [[listen.NAME.server]]", carriesTraffic: true },
  transparent: { why: "connections are not passed on to where they were meant to go", carriesTraffic: true },
  "server-template": {
    why: "servers are not made from a name: a name gives one address, at start",
    nearest: "a [[listen.NAME.server]] for each",
    carriesTraffic: true,
  },
  "hash-balance-factor": { why: "the load of a server does not change where a hash leads" },
  "hash-preserve-affinity": { why: "the load of a server does not change where a hash leads" },
  "quic-initial": { why: "QUIC is not spoken here" },
};

/** Options of proxies that are not carried over. */
export const OPTIONS: Readonly<Record<string, Reason>> = {
  httplog: { why: "its line is for mode http", nearest: 'log = "halog" for reports of halog' },
  httpslog: { why: "its line is for mode http" },
  "dontlog-normal": { why: "connections that ended well are logged like the others", nearest: 'log = "off"' },
  logasap: { why: "a connection is logged when it has ended" },
  "log-separate-errors": {
    why: "all lines of connections have the level info",
    nearest: "sort them by their termination code",
  },
  "log-health-checks": { why: "changes of state are logged, not each result", nearest: "ctl show why" },
  allbackups: { why: "connections go to the first backup server that works" },
  abortonclose: { why: "a client that has sent its last byte is served to the end" },
  "agent-check": { why: "agents of servers are not asked", nearest: "a check with send and expect" },
  nolinger: { why: "connections are closed in order" },
  "independent-streams": { why: "traffic in one direction keeps both alive" },
  "prefer-last-server": HTTP,
  persist: { why: "a server that is down gets nobody" },
  "external-check": {
    why: "servers are not checked by a program: a connection counts",
    nearest: "check with send and expect",
  },
  "spop-check": { why: "SPOP is not spoken here: a connection counts as a good check" },
  "ssl-hello-chk": { why: "TLS is not spoken here: a connection counts as a good check" },
  transparent: PROXY_KEYWORDS.transparent as Reason,
  http_proxy: HTTP,
  originalto: HTTP,
  forwardfor: HTTP,
  forwarded: HTTP,
  httpclose: HTTP,
  forceclose: HTTP,
  checkcache: HTTP,
  "disable-h2-upgrade": HTTP,
  "idle-close-on-response": HTTP,
  "accept-invalid-http-request": HTTP,
  "accept-invalid-http-response": HTTP,
};

/** Options that hold here whether they are set or not. */
export const HELD_OPTIONS = new Set([
  "contstats",
  "tcp-smart-accept",
  "tcp-smart-connect",
  "splice-auto",
  "splice-request",
  "splice-response",
  "socket-stats",
]);

/** Keywords of [global] that are not carried over. */
export const GLOBAL_KEYWORDS: Readonly<Record<string, Reason>> = {
  "lua-load": { why: "there is no Lua" },
  "lua-load-per-thread": { why: "there is no Lua" },
  "lua-prepend-path": { why: "there is no Lua" },
  "external-check": { why: "servers are not checked by a program" },
  "insecure-fork-wanted": { why: "servers are not checked by a program" },
  "insecure-setuid-wanted": { why: "no program is started" },
  "ulimit-n": { why: "the file limit is raised as far as the system allows", nearest: "LimitNOFILE= of the unit" },
  stats: { why: "the socket has no such option" },
  node: { why: "the statistics have no name of the node", nearest: "router_id of [vrrp]" },
  description: { why: "there is no such text" },
  maxconnrate: { why: "the rate of new connections is not limited", nearest: "the packet filter" },
  maxsessrate: { why: "the rate of new connections is not limited", nearest: "the packet filter" },
  maxsslconn: TLS,
  maxsslrate: TLS,
  "ca-base": TLS,
  "crt-base": TLS,
  "issuers-chain-path": TLS,
  "unix-bind": { why: "sockets have the account's own permissions" },
  "log-send-hostname": { why: "the host name is of each place that is logged to", nearest: "hostname of [[log]]" },
  "default-path": { why: "there are no relative paths" },
  localpeer: STICK,
  "server-state-base": HELD,
  "server-state-file": HELD,
  "set-dumpable": TUNING,
  "cpu-map": TUNING,
  "cpu-policy": TUNING,
  "cpu-set": TUNING,
  "close-spread-time": { why: "connections close when they end or at hard_stop_after" },
  "max-spread-checks": { why: "first checks are spread over the interval" },
  "wurfl-data-file": HTTP,
  "51degrees-data-file": HTTP,
  "deviceatlas-json-file": HTTP,
};

/** Keywords of [global] that hold here without being said. */
export const HELD_GLOBALS = new Set([
  "master-worker",
  "quiet",
  "nosplice",
  "noepoll",
  "nokqueue",
  "nopoll",
  "noevports",
  "nogetaddrinfo",
  "noreuseport",
  "strict-limits",
  "zero-warning",
  "expose-deprecated-directives",
  "expose-experimental-directives",
  "debug",
  "nbproc",
  "prealloc-fd",
  "mworker-max-reloads",
  "thread-groups",
  "thread-group",
  "numa-cpu-mapping",
  "no-numa-cpu-mapping",
  "harden.reject-privileged-ports.tcp",
]);

const PREFIXES: readonly (readonly [RegExp, Reason])[] = [
  [/^(http-|reqi?|rspi?|h1-|h2-|fcgi|errorloc)/, HTTP],
  [/^(ssl-|ssl$|ocsp|crt-)/, TLS],
  [
    /^(tune\.|profiling\.|pp2-|maxpipes|maxcomp|maxzlib|spread|busy-polling|anonkey|nbtgroups|presetenv|httpclient)/,
    TUNING,
  ],
  [/^lua/, { why: "there is no Lua" }],
];

/** Why a keyword that nothing else is known about is left out. */
export function reasonFor(keyword: string, known: Readonly<Record<string, Reason>>): Reason {
  if (Object.hasOwn(known, keyword)) return known[keyword] as Reason;
  const found = PREFIXES.find(([pattern]) => pattern.test(keyword));
  return found?.[1] ?? { why: `nothing is known of "${keyword}" here` };
}

/** Sections that are not carried over. */
export const SECTION_REASONS: Readonly<Record<string, Reason>> = {
  resolvers: { why: "a name is resolved once, at start, by the system", nearest: "init_addr of a server" },
  peers: STICK,
  userlist: HTTP,
  program: { why: "no other program is started", nearest: "a service of its own" },
  mailers: { why: "mail is sent for virtual IPs only", nearest: "[vrrp.mail]" },
  cache: HTTP,
  ring: { why: "there are no rings of log lines", nearest: "[[log]] with the address of the log server (UDP)" },
  "http-errors": HTTP,
  "fcgi-app": HTTP,
  "log-forward": { why: "log lines of others are not passed on", nearest: "rsyslog" },
  "log-profile": { why: "the line's format is fixed" },
  "crt-store": TLS,
  traces: TUNING,
  acme: TLS,
};
