import type { ListenSnapshot, ServerSnapshot, Snapshot } from "./snapshot.ts";

/** HAProxy 2.6's columns of `show stat`, in its order; up to "-" tools count on the positions. */
export const CSV_COLUMNS = (
  "pxname svname qcur qmax scur smax slim stot bin bout dreq dresp ereq econ eresp wretr wredis status weight act bck chkfail " +
  "chkdown lastchg downtime qlimit pid iid sid throttle lbtot tracked type rate rate_lim rate_max check_status check_code " +
  "check_duration hrsp_1xx hrsp_2xx hrsp_3xx hrsp_4xx hrsp_5xx hrsp_other hanafail req_rate req_rate_max req_tot cli_abrt " +
  "srv_abrt comp_in comp_out comp_byp comp_rsp lastsess last_chk last_agt qtime ctime rtime ttime agent_status agent_code " +
  "agent_duration check_desc agent_desc check_rise check_fall check_health agent_rise agent_fall agent_health addr cookie mode " +
  "algo conn_rate conn_rate_max conn_tot intercepted dcon dses wrew connect reuse cache_lookups cache_hits srv_icur src_ilim " +
  "qtime_max ctime_max rtime_max ttime_max eint idle_conn_cur safe_conn_cur used_conn_cur need_conn_est uweight " +
  "agg_server_status agg_server_check_status agg_check_status - ssl_sess ssl_reused_sess ssl_failed_handshake h2_headers_rcvd " +
  "h2_data_rcvd h2_settings_rcvd h2_rst_stream_rcvd h2_goaway_rcvd h2_detected_conn_protocol_errors " +
  "h2_detected_strm_protocol_errors h2_rst_stream_resp h2_goaway_resp h2_open_connections h2_backend_open_streams " +
  "h2_total_connections h2_backend_total_streams h1_open_connections h1_open_streams h1_total_connections h1_total_streams " +
  "h1_bytes_in h1_bytes_out h1_spliced_bytes_in h1_spliced_bytes_out"
).split(" ");

/** A row by column name; what is missing stays empty, as HAProxy leaves what a row does not have. */
export type CsvRow = Record<string, string | number>;

/** Which rows to leave out; the numbers are HAProxy's. */
export interface CsvFilter {
  /** `pxname`, or its `iid`; null: all. */
  proxy: string | null;
  /** Bits: 1 frontends, 2 backends, 4 servers. */
  types: number;
  /** `sid`; null: all. */
  server: number | null;
  /** Only servers that are up; none in maintenance. */
  up: boolean;
  noMaintenance: boolean;
}

export const EVERYTHING: CsvFilter = { proxy: null, types: 7, server: null, up: false, noMaintenance: false };

/** HAProxy counts proxies from here on: its own socket is the first. */
const FIRST_IID = 2;
const TYPE = { frontend: 0, backend: 1, server: 2 } as const;

// What HAProxy has a number for and TCP balancing has none: 0 there, where all else that is missing is empty. The columns
// behind "-" are statistics of TLS, HTTP/1 and HTTP/2; longest times are not measured.
const MODULES = CSV_COLUMNS.slice(CSV_COLUMNS.indexOf("-") + 1);
const FRONTEND_ZEROS = zeros([
  ..."dreq dresp ereq rate_lim req_rate req_rate_max req_tot comp_in comp_out comp_byp comp_rsp dcon dses wrew eint".split(
    " ",
  ),
  ...MODULES,
]);
const TRAFFIC_ZEROS = zeros("dresp eresp wrew reuse rtime qtime_max ctime_max rtime_max ttime_max eint".split(" "));
const BACKEND_ZEROS = zeros([
  ..."dreq comp_in comp_out comp_byp comp_rsp agg_server_status agg_server_check_status agg_check_status".split(" "),
  ...MODULES,
]);
const SERVER_ZEROS = zeros(
  "srv_icur idle_conn_cur safe_conn_cur ssl_sess ssl_reused_sess ssl_failed_handshake".split(" "),
);

/** `show stat`: header and rows, each line ended by a comma and a newline. */
export function formatCsv(snapshot: Snapshot, filter: CsvFilter = EVERYTHING): string {
  const lines = [`# ${CSV_COLUMNS.join(",")},\n`];
  for (const row of csvRows(snapshot, filter))
    lines.push(`${CSV_COLUMNS.map((column) => quoted(row[column] ?? "")).join(",")},\n`);
  return lines.join("");
}

/** The rows as values: for each listen its FRONTEND, its servers, its BACKEND. */
export function csvRows(snapshot: Snapshot, filter: CsvFilter = EVERYTHING): CsvRow[] {
  return snapshot.listens.flatMap((listen, index) => {
    const iid = FIRST_IID + index;
    if (filter.proxy !== null && filter.proxy !== listen.name && filter.proxy !== String(iid)) return [];
    const ids = { pxname: listen.name, pid: 1, iid, mode: listen.mode, "-": "-" };
    const servers = listen.servers.flatMap((server, slot) =>
      (filter.server !== null && filter.server !== slot + 1) || hides(filter, server)
        ? []
        : [{ ...ids, ...serverRow(server, slot + 1) }],
    );
    const whole = filter.server === null || filter.server === 0;
    return [
      ...(filter.types & 1 && whole ? [{ ...ids, ...frontendRow(listen, snapshot.process.connections.limit) }] : []),
      ...(filter.types & 4 ? servers : []),
      ...(filter.types & 2 && whole ? [{ ...ids, ...backendRow(listen, snapshot.process.connections.limit) }] : []),
    ];
  });
}

function hides(filter: CsvFilter, { status, admin, unresolved }: ServerSnapshot): boolean {
  if (filter.up && !/^(UP|no check|DRAIN)/.test(status)) return true;
  return filter.noMaintenance && (admin === "maint" || unresolved);
}

function frontendRow(listen: ListenSnapshot, processLimit: number): CsvRow {
  const { sessions, rate } = listen;
  return {
    ...FRONTEND_ZEROS,
    svname: "FRONTEND",
    sid: 0,
    type: TYPE.frontend,
    ...occupancy(sessions, processLimit),
    bin: listen.bytesIn,
    bout: listen.bytesOut,
    status: listen.status === "STOP" ? "STOP" : "OPEN",
    rate: rate.now,
    rate_max: rate.max,
    conn_rate: rate.now,
    conn_rate_max: rate.max,
    conn_tot: sessions.total,
  };
}

function backendRow(listen: ListenSnapshot, processLimit: number): CsvRow {
  const { usable, servers } = listen;
  const weight = Math.round(servers.reduce((sum, server) => sum + server.weight.effective, 0));
  return {
    ...BACKEND_ZEROS,
    svname: "BACKEND",
    sid: 0,
    type: TYPE.backend,
    ...occupancy(listen.sessions, processLimit),
    ...backendTraffic(listen),
    status: listen.available || servers.length === 0 ? "UP" : "DOWN",
    weight,
    uweight: weight,
    // HAProxy counts active servers, and says 0 while backups do their work.
    act: usable.active,
    bck: usable.backup,
    chkdown: listen.downs,
    lastchg: seconds(listen.inStateMs),
    downtime: seconds(listen.downtimeMs),
    lbtot: sum(servers, ({ selected }) => selected),
    connect: sum(servers, ({ connects }) => connects),
    algo: listen.balance,
  };
}

function serverRow(server: ServerSnapshot, sid: number): CsvRow {
  const { weight, throttlePercent, check, sessions } = server;
  return {
    ...SERVER_ZEROS,
    svname: server.name,
    sid,
    type: TYPE.server,
    ...occupancy(sessions, ""),
    ...backendTraffic(server),
    status: server.status,
    weight: throttlePercent === null ? weight.configured : Math.ceil((weight.configured * throttlePercent) / 100),
    uweight: weight.configured,
    act: server.backup ? 0 : 1,
    bck: server.backup ? 1 : 0,
    lastchg: seconds(server.inStateMs),
    throttle: throttlePercent ?? "",
    lbtot: server.selected,
    connect: server.connects,
    addr: server.address,
    used_conn_cur: sessions.current,
    need_conn_est: sessions.current,
    ...(check === null ? {} : { chkfail: check.failures, chkdown: server.downs, downtime: seconds(server.downtimeMs) }),
    ...(check?.observed == null ? {} : { hanafail: check.observed }),
    ...(server.admin === "maint" || server.unresolved ? {} : checkColumns(server)),
  };
}

function checkColumns({ check }: ServerSnapshot): CsvRow {
  if (check === null) return {};
  const { last, rise, fall, health } = check;
  return {
    check_status: last?.status ?? "INI",
    check_code: last?.code ?? "",
    check_duration: last?.durationMs ?? "",
    check_desc: last?.description ?? "Initializing",
    last_chk: last?.info ?? "",
    check_rise: rise,
    check_fall: fall,
    check_health: health,
  };
}

/** What the rows of a backend and of a server have alike. */
function backendTraffic({
  queue,
  rate,
  bytesIn,
  bytesOut,
  errors,
  average,
  lastSessionAgoMs,
}: ListenSnapshot | ServerSnapshot): CsvRow {
  return {
    ...TRAFFIC_ZEROS,
    qcur: queue.current,
    qmax: queue.max,
    bin: bytesIn,
    bout: bytesOut,
    rate: rate.now,
    rate_max: rate.max,
    econ: errors.connect,
    wretr: errors.retries,
    wredis: errors.redispatches,
    cli_abrt: errors.clientAborts,
    srv_abrt: errors.serverAborts,
    lastsess: lastSessionAgoMs === null ? -1 : seconds(lastSessionAgoMs),
    qtime: average.queueMs,
    ctime: average.connectMs,
    ttime: average.totalMs,
  };
}

function occupancy({ current, max, limit, total }: ServerSnapshot["sessions"], noLimit: number | ""): CsvRow {
  return { scur: current, smax: max, slim: limit ?? noLimit, stot: total };
}

function zeros(columns: readonly string[]): CsvRow {
  return Object.fromEntries(columns.map((column) => [column, 0]));
}

function seconds(durationMs: number): number {
  return Math.floor(durationMs / 1000);
}

function sum(servers: readonly ServerSnapshot[], value: (server: ServerSnapshot) => number): number {
  return servers.reduce((total, server) => total + value(server), 0);
}

function quoted(value: string | number): string {
  if (typeof value === "number" || !/[,"]|\p{Cc}/u.test(value)) return String(value);
  // A line break, even quoted, would end the answer early for those who read until an empty line.
  return `"${value.replace(/\p{Cc}/gu, " ").replaceAll('"', '""')}"`;
}
