import type { z } from "zod";
import { DIAL_RULES, type Endpoint, ipVersion } from "../core/endpoint.ts";
import { checkSchema, checkSwitch } from "./checkSchema.ts";
import { duration, endpoint, flag, int, ipAddress, name, oneOf, oneOrMany, optionalTable, table } from "./keys.ts";

/** `source` of a server, a listen or the defaults. */
export const sourceKey = oneOrMany(
  ipAddress("A local IP address."),
  "Local addresses to connect from, used in turn; default: the kernel chooses.",
  '"192.0.2.5"',
);

/** Keys that a server has and `default_server` may give to all servers of a listen. */
const inheritable = {
  weight: int(0, 256, "Share of the connections relative to the other servers; 0: no new ones.").prefault(1),
  maxconn: int(1, 1_000_000, "Connections at a time; more wait in the queue. Default: no limit.").optional(),
  backup: flag("true: used only when every server that is no backup is down.").prefault(false),
  disabled: flag("true: starts in maintenance.").prefault(false),
  check: checkSwitch.optional(),
  check_port: int(1, 65535, "Port to check instead of the server's.").optional(),
  check_address: ipAddress("Address to check instead of the server's.").optional(),
  slowstart: duration(
    'Time in which weight and maxconn grow from nothing to their value after the server comes up; "0s": at once.',
    0,
  ).prefault("0s"),
  send_proxy: oneOf(["none", "v1", "v2"], "Sends a PROXY protocol header of this version first.").prefault("none"),
  on_marked_down: oneOf(
    ["none", "shutdown-sessions"],
    "What happens to the sessions of a server that goes down.",
  ).prefault("none"),
  on_marked_up: oneOf(
    ["none", "shutdown-backup-sessions"],
    "What happens to the sessions of the backup servers when this one comes up.",
  ).prefault("none"),
  observe: oneOf(["none", "layer4"], "layer4: failed connections of clients count as well as failed checks.").prefault(
    "none",
  ),
  error_limit: int(1, 1_000_000, "With observe: failures in a row that call for on_error.").prefault(10),
  on_error: oneOf(
    ["fastinter", "fail-check", "sudden-death", "mark-down"],
    "With observe: check sooner; count a failed check; one more failed check is fatal; down at once.",
  ).prefault("fail-check"),
  source: sourceKey.optional(),
  init_addr: oneOf(
    ["libc", "none"],
    "libc: the name must resolve at start; none: start without, the server is down until it does.",
  ).prefault("libc"),
};

/** One server of a listen, everything inherited already written into it. */
export const serverSchema = table(
  {
    name: name("Name in the log, the statistics and the runtime API; unique in its listen."),
    address: endpoint(DIAL_RULES, "Where to connect."),
    ...inheritable,
  },
  "A server.",
).transform(({ name, address, weight, backup, disabled, observe, source, ...raw }) => ({
  name,
  address,
  /** The name that `address` was resolved from, or is to be; null: the file gave an address. */
  hostname: address.kind === "tcp" && ipVersion(address.host) === 0 ? address.host : null,
  initAddr: raw.init_addr,
  weight,
  maxconn: raw.maxconn ?? null,
  backup,
  disabled,
  slowstartMs: raw.slowstart,
  sendProxy: raw.send_proxy === "none" ? null : raw.send_proxy,
  onMarkedDown: raw.on_marked_down,
  onMarkedUp: raw.on_marked_up,
  observe,
  errorLimit: raw.error_limit,
  onError: raw.on_error,
  source: source ?? [],
  check: resolveCheck(raw.check ?? false, address, raw.check_address ?? null, raw.check_port ?? null),
}));

/** Keys of `default_server`: all optional, nothing filled in. */
export const defaultServerSchema = optionalTable(
  inheritable,
  "Keys that every server of the listen has unless it says otherwise.",
);

type Switch = z.output<typeof checkSwitch>;

function resolveCheck(check: Switch, server: Endpoint, host: string | null, port: number | null) {
  if (check === false) return null;
  const { address: checkHost, port: checkPort, ...rest } = check === true ? checkSchema.parse({}) : check;
  return { ...rest, address: checkedAt(server, host ?? checkHost, port ?? checkPort) };
}

/** The server's endpoint with another host or port; a unix socket is replaced only as a whole (validate.ts insists on both). */
function checkedAt(server: Endpoint, host: string | null, port: number | null): Endpoint {
  if (server.kind === "tcp") return { kind: "tcp", host: host ?? server.host, port: port ?? server.port };
  return host !== null && port !== null ? { kind: "tcp", host, port } : server;
}
