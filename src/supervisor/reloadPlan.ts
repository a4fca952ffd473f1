import { type Difference, diffConfig, type KeyChange } from "../config/diff.ts";
import { issueLine } from "../config/explain.ts";
import type { LoadedFile } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { formatDuration } from "../config/units.ts";
import { formatEndpoint } from "../core/endpoint.ts";
import { assertNever } from "../core/errors.ts";
import type { ReloadResult } from "../proxy/protocol.ts";

/** What a file that was read again means for the running configuration. */
export type ReloadPlan =
  /** It is not valid: nothing changes. `errors`: one line each. */
  | { readonly kind: "refused"; readonly errors: readonly string[] }
  /** It means what runs already, but for what waits for a restart. */
  | { readonly kind: "unchanged"; readonly warnings: readonly string[]; readonly waiting: readonly Difference[] }
  /** `config` is to run from now on; `waiting` are the differences that it leaves out because they take a restart. */
  | {
      readonly kind: "apply";
      readonly config: Config;
      readonly warnings: readonly string[];
      readonly applied: readonly Difference[];
      readonly waiting: readonly Difference[];
    };

/** Keys that only a process that starts can follow. */
const WAITING: Readonly<Record<"global" | "admin", ReadonlySet<string>>> = {
  global: new Set(["threads", "daemon", "user", "group", "pidfile", "chroot"]),
  admin: new Set(["socket", "mode"]),
};

/** Compares a file that was read again with what runs. `path` is for the lines. */
export function planReload(running: Config, loaded: LoadedFile, path: string): ReloadPlan {
  const lines = (severity: "error" | "warning") =>
    loaded.issues.filter((issue) => issue.severity === severity).map((issue) => issueLine(issue, path));
  if (loaded.config === null) return { kind: "refused", errors: lines("error") };
  const warnings = lines("warning");
  const split = diffConfig(running, loaded.config).map(splitByTime);
  const applied = split.flatMap(({ now }) => now);
  const waiting = split.flatMap(({ later }) => later);
  if (applied.length === 0) return { kind: "unchanged", warnings, waiting };
  return { kind: "apply", config: inPlace(running, loaded.config), warnings, applied, waiting };
}

/** The configuration to come, save what waits. */
function inPlace(running: Config, loaded: Config): Config {
  const { threads, daemon, user, group, pidfile, chroot } = running.global;
  return {
    ...loaded,
    global: { ...loaded.global, threads, daemon, user, group, pidfile, chroot },
    admin: { ...loaded.admin, socket: running.admin.socket, mode: running.admin.mode },
  };
}

function splitByTime(difference: Difference): { now: Difference[]; later: Difference[] } {
  if (difference.kind !== "section" || difference.section === "log" || difference.section === "stats")
    return { now: [difference], later: [] };
  const waiting = WAITING[difference.section];
  const part = (keys: readonly KeyChange[]): Difference[] => (keys.length === 0 ? [] : [{ ...difference, keys }]);
  return {
    now: part(difference.keys.filter(({ key }) => !waiting.has(key))),
    later: part(difference.keys.filter(({ key }) => waiting.has(key))),
  };
}

/** What applying a plan came to. */
export interface ReloadEffects extends Pick<ReloadResult, "overruled" | "leaving"> {
  /** What happened to the virtual IPs, in words. */
  readonly virtualIps: string;
  /** `hard_stop_after`: how long connections of what was removed may go on. */
  readonly graceMs: number;
}

/** The plan as the log and `ctl reload` show it: a line for each difference, what follows from it, and what waits. */
export function planLines(
  applied: readonly Difference[],
  waiting: readonly Difference[],
  effects: ReloadEffects,
): string[] {
  return [
    ...applied.filter(({ kind }) => kind !== "vrrp").map((difference) => describe(difference, effects)),
    ...effects.overruled,
    `virtual IPs: ${effects.virtualIps}`,
    ...waitingLines(waiting),
  ];
}

/** What of a file takes a restart. */
export function waitingLines(waiting: readonly Difference[]): string[] {
  return waiting.map((difference) => `${describe(difference, null)}: takes effect at the next start`);
}

function describe(difference: Difference, effects: ReloadEffects | null): string {
  switch (difference.kind) {
    case "section": {
      const { section, keys } = difference;
      const named = keys.filter(({ key }) => key !== "");
      const title = section === "log" ? "[[log]] changed" : `[${section}] changed`;
      return named.length === 0 ? title : `${title}: ${changes(named)}`;
    }
    case "listenAdded": {
      const { name, binds, servers } = difference.listen;
      return `listen ${name} added: on ${binds.map(formatEndpoint).join(", ")}, ${count(servers.length, "server")}`;
    }
    case "listenRemoved":
      return `listen ${difference.listen.name} removed${left(difference.listen.name, null, effects)}`;
    case "listenChanged":
      return `listen ${difference.listen.name} changed: ${changes(difference.keys)}`;
    case "serverAdded": {
      const { name, address, weight } = difference.server;
      return `server ${difference.listen}/${name} added: ${formatEndpoint(address)}, weight ${weight}`;
    }
    case "serverRemoved": {
      const { name } = difference.server;
      return `server ${difference.listen}/${name} removed${left(difference.listen, name, effects)}`;
    }
    case "serverChanged":
      return `server ${difference.listen}/${difference.server.name} changed: ${changes(difference.keys)}`;
    case "vrrp":
      return `[${difference.part}] ${difference.change}`;
    default:
      return assertNever(difference);
  }
}

function changes(keys: readonly KeyChange[]): string {
  return keys.map(({ key, before, after }) => `${key} ${before} -> ${after}`).join(", ");
}

/** Who still has connections to what was removed, and what becomes of them. */
function left(listen: string, server: string | null, effects: ReloadEffects | null): string {
  if (effects === null) return "";
  const found = effects.leaving.find((each) => each.listen === listen && each.server === server);
  const sessions = found?.sessions ?? 0;
  if (sessions === 0) return ": it has no connections";
  return `: ${count(sessions, "connection")} may finish within ${formatDuration(effects.graceMs)} and will then be cut`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
