import type { Statement } from "../source.ts";
import type { Section } from "./sections.ts";

/** A value with the statement that says it. */
export interface Given<T> {
  readonly value: T;
  readonly from: Statement;
  /** It stands in a section of defaults. */
  readonly inherited: boolean;
}

/** Timeouts of a proxy that have a counterpart, by our names. */
export type TimeoutName = "connect" | "client" | "server" | "queue" | "check" | "tunnel" | "client_fin" | "server_fin";

/** Keepalive of one side. */
export type KeepaliveKey = "idle" | "interval" | "count";

/** What a proxy says about itself, as far as it means something here. Times in milliseconds; 0: none. */
export interface Values {
  mode: string;
  balance: string;
  hashType: string;
  maxconn: number;
  backlog: number;
  retries: number;
  redispatch: boolean;
  tcplog: boolean;
  httplog: boolean;
  dontlognull: boolean;
  clitcpka: boolean;
  srvtcpka: boolean;
  source: string;
  disabled: boolean;
  defaultBackend: string;
  /** What `option …check` says: its name and arguments. */
  checkKind: readonly string[];
}

/** The settings of a proxy or of a section of defaults. */
export interface Settings {
  values: { [K in keyof Values]?: Given<Values[K]> };
  timeouts: Map<TimeoutName, Given<number>>;
  keepalive: Record<"client" | "server", Map<KeepaliveKey, Given<number>>>;
  /** `log` lines; `log global` among them. */
  logs: Given<readonly string[]>[];
  defaultServers: Given<null>[];
  tcpChecks: Given<null>[];
  httpChecks: Given<null>[];
  stats: Given<null>[];
  useBackends: Given<null>[];
}

/** A proxy: a listen, frontend or backend with all that it inherits. */
export interface ProxySection {
  readonly section: Section;
  readonly settings: Settings;
  readonly binds: Statement[];
  readonly servers: Statement[];
  /** A service of HAProxy itself, as prometheus-exporter, is what it serves. */
  readonly services: Statement[];
}

/** Settings that say nothing. */
export function noSettings(): Settings {
  return {
    values: {},
    timeouts: new Map(),
    keepalive: { client: new Map(), server: new Map() },
    logs: [],
    defaultServers: [],
    tcpChecks: [],
    httpChecks: [],
    stats: [],
    useBackends: [],
  };
}

/** The same settings as inherited ones, to be added to. */
export function inheritedFrom(settings: Settings): Settings {
  const handed = <T>(given: Given<T>): Given<T> => ({ ...given, inherited: true });
  const handedMap = <K, T>(map: Map<K, Given<T>>) => new Map([...map].map(([key, given]) => [key, handed(given)]));
  return {
    values: Object.fromEntries(
      Object.entries(settings.values).map(([key, given]) => [key, handed(given as Given<unknown>)]),
    ) as Settings["values"],
    timeouts: handedMap(settings.timeouts),
    keepalive: { client: handedMap(settings.keepalive.client), server: handedMap(settings.keepalive.server) },
    logs: settings.logs.map(handed),
    defaultServers: settings.defaultServers.map(handed),
    tcpChecks: settings.tcpChecks.map(handed),
    httpChecks: settings.httpChecks.map(handed),
    stats: settings.stats.map(handed),
    useBackends: [],
  };
}
