import { isDeepStrictEqual } from "node:util";
import { type Endpoint, formatEndpoint } from "../core/endpoint.ts";
import type { Config, ListenConfig, ServerConfig } from "./schema.ts";
import { formatDuration } from "./units.ts";

/** One key that has another value: as the file spells it, with the values as people read them. */
export interface KeyChange {
  readonly key: string;
  readonly before: string;
  readonly after: string;
}

/** One difference between two configurations. */
export type Difference =
  /** [global], [[log]] as a whole, [stats], [admin]. */
  | { readonly kind: "section"; readonly section: Section; readonly keys: readonly KeyChange[] }
  | { readonly kind: "listenAdded"; readonly listen: ListenConfig }
  | { readonly kind: "listenRemoved"; readonly listen: ListenConfig }
  /** Its own keys; those of its servers are told apart. */
  | { readonly kind: "listenChanged"; readonly listen: ListenConfig; readonly keys: readonly KeyChange[] }
  | { readonly kind: "serverAdded"; readonly listen: string; readonly server: ServerConfig }
  | { readonly kind: "serverRemoved"; readonly listen: string; readonly server: ServerConfig }
  | {
      readonly kind: "serverChanged";
      readonly listen: string;
      readonly server: ServerConfig;
      readonly keys: readonly KeyChange[];
    }
  /** [vrrp] or a part of it: "vrrp", "vrrp.script chk", "vrrp.instance VI_1". */
  | { readonly kind: "vrrp"; readonly part: string; readonly change: "added" | "removed" | "changed" };

export type Section = "global" | "log" | "stats" | "admin";

/** What differs, in the order of the file's contract; empty when both mean the same, however they are written. */
export function diffConfig(before: Config, after: Config): Difference[] {
  return [
    ...section("global", before.global, after.global),
    ...section("log", before.logs, after.logs),
    ...listens(before.listens, after.listens),
    ...section("stats", before.stats, after.stats),
    ...section("admin", before.admin, after.admin),
    ...vrrpParts(before.vrrp, after.vrrp),
  ];
}

function section(name: Section, before: unknown, after: unknown): Difference[] {
  const keys = diffKeys(before, after);
  return keys.length === 0 ? [] : [{ kind: "section", section: name, keys }];
}

function listens(before: readonly ListenConfig[], after: readonly ListenConfig[]): Difference[] {
  const { removed, added, kept } = match(before, after);
  return [
    ...removed.map((listen): Difference => ({ kind: "listenRemoved", listen })),
    ...added.map((listen): Difference => ({ kind: "listenAdded", listen })),
    ...kept.flatMap(([old, listen]) => changedListen(old, listen)),
  ];
}

function changedListen(before: ListenConfig, listen: ListenConfig): Difference[] {
  // What servers inherit shows in the servers.
  const { servers: old, serverDefaults: _inherited, ...ownBefore } = before;
  const { servers, serverDefaults: _inheritedNow, ...own } = listen;
  const { name } = own;
  const { removed, added, kept } = match(old, servers);
  const inOrder = (list: readonly ServerConfig[]) =>
    list.map((server) => server.name).filter((each) => kept.some(([, server]) => server.name === each));
  const [orderBefore, orderAfter] = [inOrder(old).join(" "), inOrder(servers).join(" ")];
  const keys = [
    ...diffKeys(ownBefore, own),
    ...(orderBefore === orderAfter ? [] : [{ key: "order of servers", before: orderBefore, after: orderAfter }]),
  ];
  return [
    ...(keys.length === 0 ? [] : [{ kind: "listenChanged", listen, keys } as const]),
    ...removed.map((server): Difference => ({ kind: "serverRemoved", listen: name, server })),
    ...added.map((server): Difference => ({ kind: "serverAdded", listen: name, server })),
    ...kept.flatMap(([serverBefore, server]): Difference[] => {
      const changes = diffKeys(serverBefore, server);
      return changes.length === 0 ? [] : [{ kind: "serverChanged", listen: name, server, keys: changes }];
    }),
  ];
}

function vrrpParts(before: Config["vrrp"], after: Config["vrrp"]): Difference[] {
  if (before === null || after === null) return vrrpPart("vrrp", before, after);
  const { scripts: scriptsBefore, instances: instancesBefore, ...restBefore } = before;
  const { scripts: scriptsAfter, instances: instancesAfter, ...restAfter } = after;
  return [
    ...vrrpPart("vrrp", restBefore, restAfter),
    ...vrrpNamed("vrrp.script", scriptsBefore, scriptsAfter),
    ...vrrpNamed("vrrp.instance", instancesBefore, instancesAfter),
  ];
}

function vrrpPart(part: string, before: unknown, after: unknown): Difference[] {
  if (isDeepStrictEqual(before, after)) return [];
  return [{ kind: "vrrp", part, change: before === null ? "added" : after === null ? "removed" : "changed" }];
}

function vrrpNamed(kind: string, before: readonly Named[], after: readonly Named[]): Difference[] {
  const { removed, added, kept } = match(before, after);
  return [
    ...removed.map(({ name }): Difference => ({ kind: "vrrp", part: `${kind} ${name}`, change: "removed" })),
    ...added.map(({ name }): Difference => ({ kind: "vrrp", part: `${kind} ${name}`, change: "added" })),
    ...kept.flatMap(([old, now]) => vrrpPart(`${kind} ${now.name}`, old, now)),
  ];
}

interface Named {
  readonly name: string;
}

function match<T extends Named>(before: readonly T[], after: readonly T[]) {
  const old = new Map(before.map((part) => [part.name, part]));
  const names = new Set(after.map(({ name }) => name));
  return {
    removed: before.filter(({ name }) => !names.has(name)),
    added: after.filter(({ name }) => !old.has(name)),
    kept: after.flatMap((part): [T, T][] => {
      const known = old.get(part.name);
      return known === undefined ? [] : [[known, part]];
    }),
  };
}

/** Every key in which two tables differ; a table that is only in one of them is one key. */
export function diffKeys(before: unknown, after: unknown, key = ""): KeyChange[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isTable(before) || !isTable(after)) return [{ key: inFile(key), ...shownBoth(key, before, after) }];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => diffKeys(before[name], after[name], key === "" ? name : `${key}.${name}`));
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isEndpoint(value);
}

function isEndpoint(value: unknown): value is Endpoint {
  const kind = (value as { kind?: unknown } | null)?.kind;
  return kind === "tcp" || (kind === "unix" && "path" in (value as object));
}

/** "timeout.clientMs" is `timeout.client` in the file; keys that the file spells in another way altogether stand here. */
const SPELLINGS: Readonly<Record<string, string>> = { binds: "bind", logs: "log" };

function inFile(path: string): string {
  const words = path.split(".").map((name) => {
    const plain = name.replace(/(Ms|S|Percent|Bytes)$/, "");
    return SPELLINGS[plain] ?? plain.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  });
  return words.join(".");
}

function shownBoth(key: string, before: unknown, after: unknown): Pick<KeyChange, "before" | "after"> {
  return { before: shown(key, before), after: shown(key, after) };
}

function shown(key: string, value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "number" && key.endsWith("Ms")) return formatDuration(value);
  if (typeof value === "number" && key === "mode") return `0${value.toString(8)}`;
  if (isEndpoint(value)) return formatEndpoint(value);
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map((each) => shown("", each)).join(" ");
  if (isTable(value)) return "set";
  return String(value);
}
