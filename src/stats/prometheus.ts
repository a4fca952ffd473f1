import { SPOKEN_VERSION } from "./infoFields.ts";
import { Exposition, type Labelled, label, labelled } from "./metrics/exposition.ts";
import type { ListenRow, ServerRow } from "./metrics/family.ts";
import { BACKEND, BACKEND_COUNTS, BACKEND_STATUS, FRONTEND, FRONTEND_STATUS } from "./metrics/listenFamilies.ts";
import { OWN_LISTEN, OWN_PROCESS, OWN_SERVER, VRRP, VRRP_STATE } from "./metrics/own.ts";
import { PROCESS } from "./metrics/processFamilies.ts";
import { SERVER, SERVER_IN_STATES } from "./metrics/serverFamilies.ts";
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

/** Reads `?scope=…&scope=…`; without any, all of them; null: there is none of that name. */
export function metricsScopes(names: readonly string[]): ReadonlySet<MetricsScope> | null {
  const wanted = names.length === 0 ? ["*"] : names;
  const isKnown = (name: string) => name === "*" || [...EMPTY_SCOPES, ...SCOPES].includes(name);
  if (!wanted.every(isKnown)) return null;
  return new Set(SCOPES.filter((scope) => wanted.includes("*") || wanted.includes(scope)));
}

/** Answers of the HTTP server so far, by status. */
export type HttpCounts = ReadonlyMap<number, number>;

/** Everything in Prometheus' text format, in pieces: HAProxy's names and labels, and ours as `haproxy_lite_…`. */
export function* metricsChunks(snapshot: Snapshot, filter: MetricsFilter, answers: HttpCounts): Generator<Uint8Array> {
  const { scopes } = filter;
  const { process } = snapshot;
  const out = new Exposition();
  const listens = snapshot.listens.map((listen) =>
    labelled<ListenRow>({ listen, process }, label("proxy", listen.name)),
  );
  if (scopes.has("global")) yield* globalChunks(out, snapshot, filter, answers);
  if (scopes.has("frontend")) {
    for (const family of [...FRONTEND, ...OWN_LISTEN]) yield* out.add(family, listens);
    yield* out.addStates(FRONTEND_STATUS, listens);
  }
  if (scopes.has("backend")) {
    for (const family of BACKEND) yield* out.add(family, listens);
    yield* out.addStates(BACKEND_STATUS, listens);
    for (const family of BACKEND_COUNTS) yield* out.addCounts(family, listens);
  }
  if (scopes.has("server")) {
    const servers: Labelled<ServerRow>[] = [];
    for (const { row, labels } of listens) {
      for (const server of row.listen.servers) {
        if (filter.noMaintenance && (server.admin === "maint" || server.unresolved)) continue;
        servers.push(labelled({ ...row, server }, `${labels},${label("server", server.name)}`));
      }
      yield out.rest();
    }
    for (const family of [...SERVER, ...OWN_SERVER]) yield* out.add(family, servers);
    for (const family of SERVER_IN_STATES) yield* out.addStates(family, servers);
  }
  yield out.rest();
}

function* globalChunks(
  out: Exposition,
  snapshot: Snapshot,
  { hideVersion }: MetricsFilter,
  answers: HttpCounts,
): Generator<Uint8Array> {
  const { version, commit } = snapshot.process;
  const whole = [labelled(snapshot, "")];
  const instances = (snapshot.vrrp?.instances ?? []).map((row) =>
    labelled(row, `${label("instance", row.name)},${label("interface", row.interface)},vrid="${row.virtualRouterId}"`),
  );
  for (const family of [...PROCESS, ...OWN_PROCESS]) yield* out.add(family, whole);
  if (!hideVersion) {
    const spoken = label("version", `${SPOKEN_VERSION}-haproxy-lite-${version}`);
    const own = `${label("version", version)},${label("commit", commit)}`;
    yield* out.addLines("haproxy_process_build_info", "gauge", "Which version this is.", [[spoken, 1]]);
    yield* out.addLines("haproxy_lite_build_info", "gauge", "Which version this is.", [[own, 1]]);
  }
  const statuses = Array.from(answers, ([status, count]) => [`code="${status}"`, count] as const);
  yield* out.addLines("haproxy_lite_http_responses_total", "counter", "Answers of this server, by status.", statuses);
  for (const family of VRRP) yield* out.add(family, instances);
  yield* out.addStates(VRRP_STATE, instances);
  const rejected = instances.flatMap(({ row, labels }) =>
    Object.entries(row.rejected).map(([reason, count]) => [`${labels},${label("reason", reason)}`, count] as const),
  );
  yield* out.addLines("haproxy_lite_vrrp_rejected_total", "counter", "Adverts that were refused, by reason.", rejected);
}
