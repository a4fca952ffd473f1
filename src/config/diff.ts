import { isDeepStrictEqual } from "node:util";
import type { Config } from "./schema.ts";

/** One part of the configuration that differs between two of them. */
export interface Difference {
  /** The table it stands in, as the file writes it: "global", "log", "listen web", "vrrp.instance VI_1". */
  readonly part: string;
  readonly section: keyof Config;
  readonly change: "added" | "removed" | "changed";
}

/** What differs, in the order of the file's contract; empty when both mean the same, however they are written. */
export function diffConfig(before: Config, after: Config): Difference[] {
  return [
    ...single("global", "global", before.global, after.global),
    ...single("logs", "log", before.logs, after.logs),
    ...named("listens", "listen", before.listens, after.listens),
    ...single("stats", "stats", before.stats, after.stats),
    ...single("admin", "admin", before.admin, after.admin),
    ...vrrpParts(before.vrrp, after.vrrp),
  ];
}

function vrrpParts(before: Config["vrrp"], after: Config["vrrp"]): Difference[] {
  if (before === null || after === null) return single("vrrp", "vrrp", before, after);
  const { scripts: scriptsBefore, instances: instancesBefore, ...restBefore } = before;
  const { scripts: scriptsAfter, instances: instancesAfter, ...restAfter } = after;
  return [
    ...single("vrrp", "vrrp", restBefore, restAfter),
    ...named("vrrp", "vrrp.script", scriptsBefore, scriptsAfter),
    ...named("vrrp", "vrrp.instance", instancesBefore, instancesAfter),
  ];
}

function single(section: keyof Config, part: string, before: unknown, after: unknown): Difference[] {
  if (isDeepStrictEqual(before, after)) return [];
  return [{ part, section, change: before === null ? "added" : after === null ? "removed" : "changed" }];
}

function named(
  section: keyof Config,
  kind: string,
  before: readonly { readonly name: string }[],
  after: readonly { readonly name: string }[],
): Difference[] {
  const old = new Map(before.map((part) => [part.name, part]));
  const kept = new Set(after.map(({ name }) => name));
  return [
    ...before
      .filter(({ name }) => !kept.has(name))
      .map(({ name }): Difference => ({ part: `${kind} ${name}`, section, change: "removed" })),
    ...after.flatMap((part) => single(section, `${kind} ${part.name}`, old.get(part.name) ?? null, part)),
  ];
}
