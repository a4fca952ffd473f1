import type { CheckStatus } from "../core/checkStatus.ts";
import { serverCounter } from "../pool/board.ts";
import { ServerCounter } from "../pool/layout.ts";
import type { Pool } from "../pool/pool.ts";
import { addressOf, checkAddressOf, healthOf, isRunning, type PoolServer } from "../pool/server.ts";
import { iidOf } from "./rows.ts";
import type { CheckView, ProxyView } from "./view.ts";

/** Version of the form, as HAProxy's state files have it. */
const FORM = 1;
const COLUMNS =
  "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change " +
  "srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn " +
  "srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port";

/** HAProxy's numbers for what a check found; INI before the first, and of a server that is not checked. */
const CHECK_NUMBER: Readonly<Record<CheckStatus, number>> = {
  UNK: 0,
  INI: 1,
  CHECKED: 3,
  HANA: 4,
  SOCKERR: 5,
  L4OK: 6,
  L4TOUT: 7,
  L4CON: 8,
  L6OK: 9,
  L6TOUT: 10,
  L6RSP: 11,
  L7TOUT: 12,
  L7RSP: 13,
  L7OK: 15,
  L7OKC: 16,
  L7STS: 17,
  PROCERR: 18,
  PROCTOUT: 19,
  PROCOK: 20,
};
const RESULT = { unknown: 0, failed: 2, passed: 3, conditionallyPassed: 4 } as const;
const OPERATIONAL = { stopped: 0, starting: 1, running: 2, stopping: 3 } as const;
const ADMIN = { maintenance: 1, maintenanceInFile: 4, drain: 8, unresolved: 32 } as const;
const CHECKING = { inProgress: 1, configured: 2, enabled: 4, paused: 8 } as const;

/** `show servers state`; `listen`: of this one alone. null: there is none of that name. */
export function formatServersState(view: ProxyView, listen: string | null): string | null {
  const lines = serverLines(view, listen, (pool, server, ids) => stateLine(view, pool, server, ids));
  return lines === null ? null : [FORM, `# ${COLUMNS}`, ...lines, ""].join("\n");
}

/**
 * `show servers conn`: connections of each server. Nothing is pooled or used again here, so all that HAProxy says of idle
 * connections is 0.
 */
export function formatServersConn(view: ProxyView, listen: string | null): string | null {
  const { threads } = view.board;
  const idle = Array.from({ length: threads }, () => "0").join(" ");
  const lines = serverLines(view, listen, ({ config, board }, server, [iid, sid]) => {
    const current = board.served(server.slot);
    const max = board.max(serverCounter(server.slot, ServerCounter.maxCurrent));
    const name = `${config.name}/${server.config.name} ${iid}/${sid} ${placeOf(server).join(" ")}`;
    return `${name} - 0 ${current} ${max} ${current} 0 0 0 0 ${idle}`;
  });
  const header = `# bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est unsafe_nb safe_nb idle_lim idle_cur idle_per_thr[${threads}]`;
  return lines === null ? null : [header, ...lines, ""].join("\n");
}

/** Calls for each server, with the numbers of its listen and its own; null: there is no such listen. */
function serverLines(
  { pools }: ProxyView,
  listen: string | null,
  line: (pool: Pool, server: PoolServer, ids: readonly [number, number]) => string,
): string[] | null {
  if (listen !== null && !pools.some(({ config }) => config.name === listen)) return null;
  return pools.flatMap((pool, index) =>
    listen !== null && pool.config.name !== listen
      ? []
      : pool.servers.map((server, place) => line(pool, server, [iidOf(index), place + 1])),
  );
}

function stateLine(view: ProxyView, pool: Pool, server: PoolServer, [iid, sid]: readonly [number, number]): string {
  const { config } = server;
  const check = view.check(pool, server.slot);
  const [address, port] = placeOf(server);
  const inStateS = Math.floor((view.clock.nowMs() - server.changedMs) / 1000);
  const [checkPort, checkAddress] = checkedElsewhere(server);
  return [
    ...[iid, pool.config.name, sid, config.name, address],
    ...[operationalState(server), adminBits(server), server.weight, config.weight, inStateS],
    ...checkNumbers(server, check),
    ...[0, 0, 0, config.hostname ?? "-", port, "-", 0, checkPort, checkAddress, "-", 0],
  ].join(" ");
}

function operationalState(server: PoolServer): number {
  if (!isRunning(server)) return OPERATIONAL.stopped;
  if (healthOf(server) === "stopping") return OPERATIONAL.stopping;
  return server.rampingSinceMs === null ? OPERATIONAL.running : OPERATIONAL.starting;
}

function adminBits({ admin, unresolved, config }: PoolServer): number {
  const wanted = { ready: 0, drain: ADMIN.drain, maint: ADMIN.maintenance }[admin];
  // What the file says is told for as long as it says so, also of a server that was made ready since.
  return wanted | (config.disabled ? ADMIN.maintenanceInFile : 0) | (unresolved ? ADMIN.unresolved : 0);
}

/** srv_check_status, srv_check_result, srv_check_health, srv_check_state. */
function checkNumbers(server: PoolServer, check: CheckView | null): [number, number, number, number] {
  const isPaused = server.admin === "maint" || server.unresolved;
  const paused = isPaused ? CHECKING.paused : 0;
  if (check === null) return [CHECK_NUMBER.INI, RESULT.unknown, ...uncheckedNumbers(server, isPaused, paused)];
  const enabled = server.checking ? CHECKING.enabled : 0;
  const state = CHECKING.configured | enabled | paused | (check.inProgress ? CHECKING.inProgress : 0);
  const health = isPaused ? 0 : check.health;
  return [CHECK_NUMBER[check.lastResult?.status ?? "INI"], resultOf(check), health, state];
}

/** Health and state of one that is not checked: it has no checks, or somebody has switched them off. */
function uncheckedNumbers({ config, up }: PoolServer, isPaused: boolean, paused: number): [number, number] {
  // A server that has no checks has HAProxy's rise of 2 to its credit, as long as it runs.
  if (config.check === null) return [isPaused ? 0 : 2, paused];
  const { rise, fall } = config.check;
  return [isPaused || !up ? 0 : rise + fall - 1, CHECKING.configured | paused];
}

function resultOf({ lastResult, inProgress }: CheckView): number {
  if (lastResult === null || inProgress) return RESULT.unknown;
  if (lastResult.status === "L7OKC") return RESULT.conditionallyPassed;
  return /OK$/.test(lastResult.status) ? RESULT.passed : RESULT.failed;
}

/** Address and port; "-" and 0 of a unix socket. */
function placeOf(server: PoolServer): [string, number] {
  const address = addressOf(server);
  return address.kind === "tcp" ? [address.host, address.port] : ["-", 0];
}

/** Port and address that are checked instead of the server's own; 0 and "-" where they are its own. */
function checkedElsewhere(server: PoolServer): [number, string] {
  const check = checkAddressOf(server);
  if (check === null || check.kind !== "tcp") return [0, "-"];
  const [host, port] = placeOf(server);
  return [check.port === port ? 0 : check.port, check.host === host ? "-" : check.host];
}
