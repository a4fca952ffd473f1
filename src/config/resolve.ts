import type { z } from "zod";
import { adminSchema, globalSchema, logSchema, statsSchema } from "./globalSchema.ts";
import { inherit, isRaw, type Raw, rawTable, rawTables } from "./inherit.ts";
import { listenSchema } from "./listenSchema.ts";
import type { Path } from "./places.ts";
import type {
  Config,
  ListenConfig,
  LogConfig,
  ServerConfig,
  VrrpConfig,
  VrrpInstanceConfig,
  VrrpScriptConfig,
} from "./schema.ts";
import { serverSchema } from "./serverSchema.ts";
import { mailSchema } from "./vrrpMailSchema.ts";
import { instanceSchema, vrrpSchema } from "./vrrpSchema.ts";
import { scriptSchema } from "./vrrpScriptSchema.ts";

/** Where in the file each resolved log, listen, server, script and instance stands. */
export type Origins = ReadonlyMap<object, Path>;

/** A resolved configuration and the origins of its parts. */
export interface Resolution {
  readonly config: Config;
  readonly origins: Origins;
}

/**
 * Fills in what is inherited and what is default. Parts that do not fit the schema are left out, so that the rules can
 * be tried on the rest of a file that has mistakes; the result of such a file is not to be run.
 * @param threads relay threads where the file does not say
 */
export function resolve(document: Raw, threads: number): Resolution {
  const origins = new Map<object, Path>();
  const part = <S extends z.ZodType>(schema: S, raw: unknown, path: Path): z.output<S>[] => {
    const result = schema.safeParse(raw);
    if (!result.success) return [];
    if (typeof result.data === "object" && result.data !== null) origins.set(result.data, path);
    return [result.data];
  };
  const section = <S extends z.ZodType>(schema: S, name: string): z.output<S> =>
    part(schema, rawTable(document, name), [name])[0] ?? schema.parse({});

  const resolved = section(globalSchema, "global");
  const stats = isRaw(document.stats) ? (part(statsSchema, document.stats, ["stats"])[0] ?? null) : null;
  const config: Config = {
    global: { ...resolved, threads: resolved.threads ?? threads },
    logs: rawTables(document, "log").flatMap((raw, index): LogConfig[] => part(logSchema, raw, ["log", index])),
    listens: Object.entries(rawTable(document, "listen")).flatMap(([name, raw]) =>
      isRaw(raw) ? resolveListen(name, rawTable(document, "defaults"), raw, part, origins) : [],
    ),
    stats,
    admin: section(adminSchema, "admin"),
    vrrp: isRaw(document.vrrp) ? resolveVrrp(document.vrrp, part, origins) : null,
  };
  return { config, origins };
}

type Part = <S extends z.ZodType>(schema: S, raw: unknown, path: Path) => z.output<S>[];

function resolveListen(name: string, defaults: Raw, raw: Raw, part: Part, origins: Map<object, Path>): ListenConfig[] {
  const inherited = inherit(defaults, raw);
  const path = ["listen", name];
  return part(listenSchema, inherited.listen, path).map((own) => {
    const servers = inherited.servers.flatMap((server, index): ServerConfig[] =>
      part(serverSchema, server, [...path, "server", index]),
    );
    const listen: ListenConfig = { name, ...own, servers, serverDefaults: inherited.serverDefaults };
    origins.set(listen, path);
    return listen;
  });
}

function resolveVrrp(raw: Raw, part: Part, origins: Map<object, Path>): VrrpConfig {
  const own = part(vrrpSchema, onlyKeys(raw, ["router_id", "notify_fifo"]), ["vrrp"])[0] ?? vrrpSchema.parse({});
  const instances = Object.entries(rawTable(raw, "instance")).flatMap(([name, table]): VrrpInstanceConfig[] =>
    part(instanceSchema, table, ["vrrp", "instance", name]).map((resolved) => {
      const instance = { name, ...resolved };
      origins.set(instance, ["vrrp", "instance", name]);
      return instance;
    }),
  );
  return {
    ...own,
    mail: isRaw(raw.mail) ? (part(mailSchema, raw.mail, ["vrrp", "mail"])[0] ?? null) : null,
    scripts: rawTables(raw, "script").flatMap((script, index): VrrpScriptConfig[] =>
      part(scriptSchema, script, ["vrrp", "script", index]),
    ),
    instances,
  };
}

function onlyKeys(table: Raw, keys: readonly string[]): Raw {
  return Object.fromEntries(Object.entries(table).filter(([key]) => keys.includes(key)));
}
