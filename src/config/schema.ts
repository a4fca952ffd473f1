import type { z } from "zod";
import { adminSchema, globalSchema, logSchema, statsSchema } from "./globalSchema.ts";
import type { Raw } from "./inherit.ts";
import { named, table, tables } from "./keys.ts";
import { defaultsInFile, listenInFile, type listenSchema } from "./listenSchema.ts";
import type { serverSchema } from "./serverSchema.ts";
import type { mailSchema } from "./vrrpMailSchema.ts";
import { type instanceSchema, vrrpInFile, type vrrpSchema } from "./vrrpSchema.ts";
import type { scriptSchema } from "./vrrpScriptSchema.ts";

/**
 * The schema of the configuration file, put together from its sections. Every type here is inferred from it: the
 * declaration of a key holds its type, unit, default, range and help line, and nothing repeats them. Values are plain
 * JSON-safe data; they cross IPC and postMessage. What is null was not configured.
 */
export const fileSchema = table(
  {
    global: globalSchema.optional(),
    log: tables(logSchema, "Places that log lines go to.").optional(),
    defaults: defaultsInFile.optional(),
    listen: named(listenInFile, "TCP services by name.").optional(),
    stats: statsSchema.optional(),
    admin: adminSchema.optional(),
    vrrp: vrrpInFile.optional(),
  },
  "Configuration of haproxy-lite.",
);

type DeepReadonly<T> = T extends readonly (infer I)[]
  ? readonly DeepReadonly<I>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

type Resolved<S extends z.ZodType> = DeepReadonly<z.output<S>>;

/** [global]: durations in milliseconds; `threads` 1..64. */
export type GlobalConfig = Omit<Resolved<typeof globalSchema>, "threads"> & { readonly threads: number };

/** One [[log]]: `facility` 0..23 and `level` 0..7 are syslog codes (RFC 5424 §6.2.1). */
export type LogConfig = Resolved<typeof logSchema>;

/** One [listen.NAME] with everything it inherits. */
export type ListenConfig = Resolved<typeof listenSchema> & {
  readonly name: string;
  readonly servers: readonly ServerConfig[];
  /** Keys, as the file has them, of every server that does not say otherwise: those that come at run time as well. */
  readonly serverDefaults: Raw;
};

/** How a listen chooses a server. */
export type Algorithm = ListenConfig["balance"];

/** Timeouts in milliseconds; null: none (`queueMs` null: as `connectMs`). */
export type TimeoutConfig = ListenConfig["timeout"];

/** TCP keepalive; null: the kernel's value. Seconds, as setsockopt takes them. */
export type KeepaliveConfig = NonNullable<ListenConfig["clientKeepalive"]>;

/**
 * One server with everything it inherits. `address.host` is an IP literal; it is still a name only where resolving it
 * failed and `initAddr` is "none".
 */
export type ServerConfig = Resolved<typeof serverSchema>;

/** The health check of a server; no steps: a completed connection is enough. */
export type CheckConfig = NonNullable<ServerConfig["check"]>;

/** State of a server before its first checks. */
export type InitState = CheckConfig["initState"];

/** [stats]. */
export type StatsConfig = Resolved<typeof statsSchema>;

/** [admin]; `socket` null: a path that belongs to the user who starts the program, chosen at run time. */
export type AdminConfig = Resolved<typeof adminSchema>;

/** One [vrrp.instance.NAME]. */
export type VrrpInstanceConfig = Resolved<typeof instanceSchema> & { readonly name: string };

/** One [[vrrp.script]]. */
export type VrrpScriptConfig = Resolved<typeof scriptSchema>;

/** [vrrp.mail]. */
export type VrrpMailConfig = Resolved<typeof mailSchema>;

/** [vrrp]. */
export type VrrpConfig = Resolved<typeof vrrpSchema> & {
  readonly mail: VrrpMailConfig | null;
  readonly scripts: readonly VrrpScriptConfig[];
  readonly instances: readonly VrrpInstanceConfig[];
};

/** The resolved configuration: valid, complete, readonly. */
export interface Config {
  readonly global: GlobalConfig;
  readonly logs: readonly LogConfig[];
  readonly listens: readonly ListenConfig[];
  readonly stats: StatsConfig | null;
  readonly admin: AdminConfig;
  readonly vrrp: VrrpConfig | null;
}

export type { CheckStep } from "./checkSchema.ts";
export type { LogTarget } from "./globalSchema.ts";
export type { VirtualIp } from "./vrrpAddress.ts";
