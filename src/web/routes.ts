/** What an address asks for. */
export type Route =
  | ({ readonly kind: "stats"; readonly form: StatsForm } & StatsOptions)
  | { readonly kind: "metrics"; readonly scopes: readonly string[]; readonly noMaintenance: boolean }
  /** `listens`: only these; empty: all of them. */
  | { readonly kind: "health"; readonly listens: readonly string[] }
  | { readonly kind: "nothing" };

/** The page, or the same for programs. */
export type StatsForm = "html" | "csv" | "typed" | "json" | "json-schema";

/** What may follow the page's path, as HAProxy has it. */
export interface StatsOptions {
  /** Only servers that are up; none in maintenance. */
  readonly up: boolean;
  readonly noMaintenance: boolean;
  readonly noRefresh: boolean;
  /** Only listens whose name contains this; null: all. */
  readonly scope: string | null;
  /** What came of an action: "DONE", …; null: none led here. */
  readonly outcome: string | null;
}

export const METRICS_PATH = "/metrics";
export const HEALTH_PATH = "/healthz";

/** Longest text that a scope may be. */
const MAX_SCOPE = 64;
/**
 * Where tools look for HAProxy's statistics by default, besides the path that `uri` gives: at the root of a port of its own
 * ("/;csv"), at HAProxy's built-in path, and at the one that most of its documentation uses.
 */
const ALIAS = /^(?:\/|\/haproxy|\/stats\/?)(?=$|[;?])/;

/** @param target path and query of a request @param uri `[stats] uri`, which is a prefix as in HAProxy */
export function route(target: string, uri: string): Route {
  const [path = "", query = ""] = split(target, "?");
  const parameters = new URLSearchParams(query);
  if (path === METRICS_PATH) {
    return { kind: "metrics", scopes: parameters.getAll("scope"), noMaintenance: parameters.has("no-maint") };
  }
  if (path === HEALTH_PATH)
    return { kind: "health", listens: parameters.getAll("listen").filter((name) => name !== "") };
  if (target.startsWith(uri)) return stats(target.slice(uri.length));
  const alias = ALIAS.exec(target);
  return alias === null ? { kind: "nothing" } : stats(target.slice(alias[0].length));
}

/** HAProxy looks for each option anywhere behind the path. */
function stats(options: string): Route {
  const has = (option: string) => options.includes(option);
  const [, scope = ""] = /[?&;]scope=([^;&]*)/.exec(options) ?? [];
  const [, outcome = null] = /;st=([A-Z]{1,8})/.exec(options) ?? [];
  return {
    kind: "stats",
    form: form(has),
    up: has(";up"),
    noMaintenance: has(";no-maint"),
    noRefresh: has(";norefresh"),
    scope: scope === "" ? null : decoded(scope).slice(0, MAX_SCOPE),
    outcome,
  };
}

function form(has: (option: string) => boolean): StatsForm {
  if (has(";json-schema")) return "json-schema";
  if (has(";json")) return "json";
  if (has(";typed")) return "typed";
  return has(";csv") ? "csv" : "html";
}

/** The options of a page as the end of an address, the outcome apart. */
export function optionsText({ up, noMaintenance, noRefresh, scope }: StatsOptions): string {
  const words = [up ? ";up" : "", noMaintenance ? ";no-maint" : "", noRefresh ? ";norefresh" : ""].join("");
  return scope === null ? words : `${words}?scope=${encodeURIComponent(scope)}`;
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** Percent signs that mean nothing stay. */
function decoded(text: string): string {
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
