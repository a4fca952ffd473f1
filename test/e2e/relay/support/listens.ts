/** A listen as this suite describes it, once for haproxy-lite and once for HAProxy. */
export interface ListenSpec {
  name: string;
  balance?: string;
  retries?: number;
  redispatch?: boolean;
  maxconn?: number;
  dontlognull?: boolean;
  /** In milliseconds; connect is 5 s unless said otherwise. */
  timeout?: Partial<Record<TimeoutName, number>>;
  servers: readonly ServerSpec[];
  /** Further lines of the listen's own table, as TOML, before its servers. */
  toml?: string;
  /** Further lines of HAProxy's section. */
  haproxy?: string;
}

type TimeoutName = "connect" | "client" | "server" | "queue" | "tunnel" | "client_fin" | "server_fin";

export interface ServerSpec {
  /** Default: s1, s2, … */
  name?: string;
  /** "host:port", "[v6]:port" or "unix:/path", as both write it. */
  address: string;
  weight?: number;
  maxconn?: number;
  backup?: boolean;
  sendProxy?: "v1" | "v2";
  source?: string;
  /** A connect check every so many milliseconds, rise 1, fall 1. */
  checkMs?: number;
  /** Further keys, as TOML, and words, as HAProxy takes them. */
  toml?: string;
  haproxy?: string;
}

/** The addresses of the listens, by name. */
export type Binds = Readonly<Record<string, string>>;

/** The listens in haproxy-lite's language. */
export function toToml(listens: readonly ListenSpec[], binds: Binds): string {
  return listens.map((listen) => listenToml(listen, binds[listen.name] as string)).join("\n");
}

function listenToml(listen: ListenSpec, bind: string): string {
  const timeout = Object.entries({ connect: 5000, ...listen.timeout }).map(([name, ms]) => `${name} = "${ms}ms"`);
  const lines = [
    `[listen.${listen.name}]`,
    `bind = "${bind}"`,
    ...setting("balance", listen.balance),
    ...setting("retries", listen.retries),
    ...setting("redispatch", listen.redispatch),
    ...setting("maxconn", listen.maxconn),
    ...setting("dontlognull", listen.dontlognull),
    `timeout = { ${timeout.join(", ")} }`,
    listen.toml ?? "",
  ];
  return [...lines, ...listen.servers.map((server, i) => serverToml(listen.name, server, i))].join("\n");
}

function serverToml(listen: string, server: ServerSpec, index: number): string {
  const { checkMs } = server;
  return [
    `[[listen.${listen}.server]]`,
    `name = "${server.name ?? `s${index + 1}`}"`,
    `address = "${server.address}"`,
    ...setting("weight", server.weight),
    ...setting("maxconn", server.maxconn),
    ...setting("backup", server.backup),
    ...setting("send_proxy", server.sendProxy),
    ...setting("source", server.source),
    checkMs === undefined ? "" : `check = { interval = "${checkMs}ms", rise = 1, fall = 1 }`,
    server.toml ?? "",
    "",
  ].join("\n");
}

function setting(key: string, value: string | number | boolean | undefined): string[] {
  return value === undefined ? [] : [`${key} = ${JSON.stringify(value)}`];
}

/** The same in HAProxy's language. Redispatch is on, as it is by default with us. */
export function toHaproxy(listens: readonly ListenSpec[], binds: Binds): string {
  return listens.map((listen) => listenHaproxy(listen, binds[listen.name] as string)).join("\n");
}

function listenHaproxy(listen: ListenSpec, bind: string): string {
  const timeouts = Object.entries({ connect: 5000, ...listen.timeout });
  return [
    `listen ${listen.name}`,
    ` bind ${bind.replace(/^unix:/, "unix@")}`,
    ` balance ${listen.balance ?? "roundrobin"}`,
    ` retries ${listen.retries ?? 3}`,
    listen.redispatch === false ? " no option redispatch" : " option redispatch",
    listen.maxconn === undefined ? "" : ` maxconn ${listen.maxconn}`,
    listen.dontlognull ? " option dontlognull" : "",
    ...timeouts.map(([name, ms]) => ` timeout ${name.replace("_", "-")} ${ms}ms`),
    listen.haproxy ?? "",
    ...listen.servers.map((server, i) => ` ${serverHaproxy(server, i)}`),
    "",
  ].join("\n");
}

function serverHaproxy(server: ServerSpec, index: number): string {
  const words = ["server", server.name ?? `s${index + 1}`, server.address.replace(/^unix:/, "unix@")];
  if (server.weight !== undefined) words.push("weight", String(server.weight));
  if (server.maxconn !== undefined) words.push("maxconn", String(server.maxconn));
  if (server.backup) words.push("backup");
  if (server.sendProxy !== undefined) words.push(server.sendProxy === "v1" ? "send-proxy" : "send-proxy-v2");
  if (server.source !== undefined) words.push("source", server.source);
  if (server.checkMs !== undefined) words.push("check", "inter", `${server.checkMs}ms`, "rise", "1", "fall", "1");
  if (server.haproxy !== undefined) words.push(server.haproxy);
  return words.join(" ");
}
