import { SPOKEN_VERSION } from "./infoFields.ts";
import type { Family, ListenRow, ServerRow, StateFamily } from "./metrics/family.ts";
import {
  BACKEND,
  BACKEND_STATES,
  FRONTEND,
  FRONTEND_STATUS,
  PROCESS,
  SERVER,
  SERVER_STATUSES,
} from "./metrics/haproxy.ts";
import { OWN_LISTEN, OWN_PROCESS, OWN_SERVER, VRRP, VRRP_STATE } from "./metrics/own.ts";
import type { Snapshot } from "./snapshot.ts";

/** Content type of Prometheus' text format. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** What is told apart, as HAProxy does; `global` is the process, and with it the virtual routers. */
export type MetricsScope = "global" | "frontend" | "backend" | "server";

const SCOPES: readonly MetricsScope[] = ["global", "frontend", "backend", "server"];
/** What HAProxy has besides, and we have nothing for. */
const EMPTY_SCOPES: readonly string[] = ["", "listener", "sticktable"];

export interface MetricsFilter {
  readonly scopes: ReadonlySet<MetricsScope>;
  /** Servers in maintenance are left out. */
  readonly noMaintenance: boolean;
  /** Nobody is told which version this is. */
  readonly hideVersion: boolean;
}

/** Reads `?scope=…&scope=…&no-maint`; no scope: all of them, null: there is none of that name. */
export function metricsFilter(
  scopes: readonly string[],
  noMaintenance: boolean,
): Omit<MetricsFilter, "hideVersion"> | null {
  const wanted = scopes.length === 0 ? ["*"] : scopes;
  const known = (scope: string) =>
    scope === "*" || EMPTY_SCOPES.includes(scope) || SCOPES.some((each) => each === scope);
  if (!wanted.every(known)) return null;
  const chosen = SCOPES.filter((scope) => wanted.includes("*") || wanted.includes(scope));
  return { scopes: new Set(chosen), noMaintenance };
}

/** Answers of the HTTP server so far, by status. */
export type HttpCounts = ReadonlyMap<number, number>;

/** Everything in Prometheus' text format 0.0.4: HAProxy's names and labels, and ours as `haproxy_lite_…`. */
export function formatMetrics(snapshot: Snapshot, filter: MetricsFilter, answers: HttpCounts): string {
  const { scopes, noMaintenance } = filter;
  const { process } = snapshot;
  const listens = snapshot.listens.map((listen) => ({
    row: { listen, process } satisfies ListenRow,
    labels: `proxy="${escaped(listen.name)}"`,
  }));
  let text = "";
  if (scopes.has("global")) text += globalMetrics(snapshot, filter, answers);
  if (scopes.has("frontend"))
    text +=
      FRONTEND.map((family) => lines(family, listens)).join("") +
      stateLines(FRONTEND_STATUS, listens) +
      OWN_LISTEN.map((family) => lines(family, listens)).join("");
  if (scopes.has("backend"))
    text +=
      BACKEND.map((family) => lines(family, listens)).join("") +
      BACKEND_STATES.map((family) => stateLines(family, listens)).join("");
  if (scopes.has("server")) {
    const servers = listens.flatMap(({ row, labels }) =>
      row.listen.servers
        .filter(({ admin, unresolved }) => !noMaintenance || (admin !== "maint" && !unresolved))
        .map((server) => ({
          row: { ...row, server } satisfies ServerRow,
          labels: `${labels},server="${escaped(server.name)}"`,
        })),
    );
    for (const family of [...SERVER, ...OWN_SERVER]) text += lines(family, servers);
    for (const family of SERVER_STATUSES) text += stateLines(family, servers);
  }
  return text;
}

/** Somebody or something, with what its lines say that they are about. */
interface Labelled<Row> {
  readonly row: Row;
  /** `proxy="web",server="s1"`; "": nothing needs to be said. */
  readonly labels: string;
}

function globalMetrics(snapshot: Snapshot, { hideVersion }: MetricsFilter, answers: HttpCounts): string {
  const { version, commit } = snapshot.process;
  const whole = [{ row: snapshot, labels: "" }];
  const instances = (snapshot.vrrp?.instances ?? []).map((row) => ({
    row,
    labels: `instance="${escaped(row.name)}",interface="${escaped(row.interface)}",vrid="${row.virtualRouterId}"`,
  }));
  const rejected = instances.flatMap(({ row, labels }) =>
    Object.entries(row.rejected).map(([reason, count]) => [`${labels},reason="${escaped(reason)}"`, count] as const),
  );
  const builds = hideVersion
    ? ""
    : single("haproxy_process_build_info", "gauge", "Which version this is.", [
        [`version="${SPOKEN_VERSION}-haproxy-lite-${version}"`, 1],
      ]) +
      single("haproxy_lite_build_info", "gauge", "Which version this is.", [
        [`version="${version}",commit="${escaped(commit)}"`, 1],
      ]);
  return (
    [...PROCESS, ...OWN_PROCESS].map((family) => lines(family, whole)).join("") +
    builds +
    single(
      "haproxy_lite_http_responses_total",
      "counter",
      "Answers of the status page's server, by status.",
      Array.from(answers, ([status, count]) => [`code="${status}"`, count] as const),
    ) +
    VRRP.map((family) => lines(family, instances)).join("") +
    stateLines(VRRP_STATE, instances) +
    single("haproxy_lite_vrrp_rejected_total", "counter", "Adverts that were refused, by reason.", rejected)
  );
}

function head(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function single(
  name: string,
  type: Family<never>["type"],
  help: string,
  values: readonly (readonly [string, number])[],
): string {
  if (values.length === 0) return "";
  return head(name, type, help) + values.map(([labels, value]) => `${name}{${labels}} ${value}\n`).join("");
}

function lines<Row>({ name, type, help, value, has }: Family<Row>, rows: readonly Labelled<Row>[]): string {
  if (rows.length === 0) return "";
  let text = "";
  for (const { row, labels } of rows) {
    if (has !== undefined && !has(row)) continue;
    const found = value(row);
    text += `${name}${labels === "" ? "" : `{${labels}}`} ${found === null ? "NaN" : found}\n`;
  }
  return text === "" ? "" : head(name, type, help) + text;
}

function stateLines<Row>({ name, help, states, value, has }: StateFamily<Row>, rows: readonly Labelled<Row>[]): string {
  let text = "";
  for (const { row, labels } of rows) {
    if (has !== undefined && !has(row)) continue;
    for (const state of states) text += `${name}{${labels},state="${state}"} ${value(row, state)}\n`;
  }
  return text === "" ? "" : head(name, "gauge", help) + text;
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}
