import { Level } from "../../../src/core/syslogCodes.ts";
import { HISTORY_STEP_MS, HISTORY_STEPS } from "../../../src/stats/history.ts";
import type { HistorySeries, PageModel } from "../../../src/stats/page/model.ts";
import { BUSY, checkedAs, DAY_MS, HOUR_MS, listenWith, MINUTE_MS, processWith, serverWith } from "../tableCases.ts";
import { counted, instanceWith, vrrpStatusWith, WALL_MS } from "../vrrpCases.ts";

/** A service with a server in each of the states that {@link BUSY} has none of. */
const MAIL = listenWith({
  name: "mail",
  binds: ["192.0.2.10:25"],
  balance: "leastconn",
  status: "FULL",
  sessions: { current: 50, max: 50, limit: 50, total: 12_345 },
  bytesIn: 12_345_678,
  bytesOut: 222_222_222,
  errors: { connect: 4, retries: 3, redispatches: 1, clientAborts: 2, serverAborts: 1 },
  inStateMs: DAY_MS,
  downs: 2,
  downtimeMs: 90_000,
  servers: [
    serverWith({
      name: "mx1",
      address: "192.0.2.31:25",
      status: "UP 2/3",
      check: checkedAs("L4TOUT", { durationMs: 1001 }),
      inStateMs: HOUR_MS,
      sessions: { current: 19, max: 20, limit: 20, total: 800 },
      errors: { connect: 4, retries: 3, redispatches: 1, clientAborts: 2, serverAborts: 1 },
    }),
    serverWith({ name: "mx2", address: "192.0.2.32:25", status: "DRAIN", admin: "drain", check: checkedAs("L7OK") }),
    serverWith({ name: "mx3", address: "mx3.example.net:25", status: "MAINT (resolution)", unresolved: true }),
    serverWith({
      name: "mx4",
      address: "[2001:db8::34]:25",
      weight: { configured: 100, effective: 45 },
      throttlePercent: 45,
      check: checkedAs("L7OK", { durationMs: 12 }),
      inStateMs: 14 * MINUTE_MS,
      downs: 3,
      downtimeMs: 5 * MINUTE_MS,
    }),
  ],
});

const ROUTERS = vrrpStatusWith(
  instanceWith({
    priority: {
      base: 101,
      total: 83,
      effective: 83,
      parts: [
        { tracker: "script chk_uplink", state: "ok", weight: 2, reverse: false, amount: 2, detail: "" },
        { tracker: "listen b", state: "failed", weight: -20, reverse: false, amount: -20, detail: "no usable server" },
        { tracker: "proxy", state: "ok", weight: 0, reverse: false, amount: 0, detail: "" },
      ],
    },
    peer: { address: "192.0.2.2", priority: 80, intervalMs: 1000, agoMs: 400 },
    counters: counted({ advertsSent: 274_379, becameMaster: 1 }),
  }),
  instanceWith({
    name: "VI_6",
    state: "FAULT",
    family: 6,
    version: 3,
    faults: ["interface eth1 is down"],
    addresses: [{ address: "2001:db8::100/64", excluded: true, present: false }],
    peer: { address: "fe80::2", priority: 150, intervalMs: 1000, agoMs: 800 },
    rejected: { badChecksum: 3 },
  }),
);

/** A wave with a peak in its middle. */
export function seriesOf(length: number, height = 1): HistorySeries {
  const wave = (most: number) =>
    Array.from({ length }, (_, step) => Math.round(most * height * (1 + Math.sin((Math.PI * step) / length))));
  return { sessions: wave(60), bytesIn: wave(40_000), bytesOut: wave(2_000_000) };
}

/** Everything that the page has something to say about, in each state and colour. */
export const EVERYTHING_AT_ONCE: PageModel = {
  snapshot: {
    process: processWith({ startedWallMs: WALL_MS - 3 * DAY_MS, restarts: 1, droppedLogs: 12 }),
    listens: [...BUSY.listens, MAIL],
    vrrp: ROUTERS,
  },
  history: {
    stepMs: HISTORY_STEP_MS,
    process: seriesOf(HISTORY_STEPS),
    listens: { tcp_service_a: seriesOf(HISTORY_STEPS), b: seriesOf(30, 0), mail: seriesOf(40) },
  },
  events: [
    {
      id: 3,
      wallMs: WALL_MS - 59_000,
      level: Level.emerg,
      subject: { kind: "listen", listen: "b" },
      change: "noServer",
      text: "proxy b has no server available!",
      cause: null,
      because: 2,
    },
    {
      id: 2,
      wallMs: WALL_MS - 59_000,
      level: Level.alert,
      subject: { kind: "server", listen: "b", server: "b2" },
      change: "down",
      text: "Server b/b2 is DOWN, reason: Layer7 wrong status",
      cause: "SMTP answered 421",
      because: null,
    },
    {
      id: 1,
      wallMs: WALL_MS - 2 * DAY_MS,
      level: Level.notice,
      subject: { kind: "process" },
      change: "reload",
      text: "reloaded",
      cause: "SIGHUP",
      because: null,
    },
  ],
  wallMs: WALL_MS,
  uri: "/haproxy.stats",
  refreshS: 5,
  hideVersion: false,
  scope: null,
  up: false,
  noMaintenance: false,
  csrf: "token",
  notice: { ok: true, text: "Done." },
};

/** One service with three healthy servers, and nothing that has ever happened. */
export const ALL_WELL: PageModel = {
  ...EVERYTHING_AT_ONCE,
  snapshot: {
    process: processWith({ connections: { current: 12, max: 33, limit: 4096, total: 1234 } }),
    vrrp: null,
    listens: [
      listenWith({
        name: "web",
        servers: ["a", "b", "c"].map((name) => serverWith({ name: `web_${name}`, check: checkedAs("L4OK") })),
      }),
    ],
  },
  history: { stepMs: HISTORY_STEP_MS, process: seriesOf(0), listens: {} },
  events: [],
  csrf: null,
  notice: null,
};

/** Many services; the servers of the eighth are down. */
export function largePage(listens: number, servers: number): PageModel {
  const server = (listen: number, number: number) =>
    serverWith({
      name: `server_${listen}_${number}`,
      address: `192.0.2.${number}:4900`,
      ...(listen === 7
        ? { status: "DOWN", up: false, check: checkedAs("L4CON", { info: "Connection refused" }) }
        : { check: checkedAs("L7OK", { durationMs: number }) }),
      inStateMs: DAY_MS,
      bytesIn: 10_000_000 * number,
      bytesOut: 1_100_000_000 * number,
      sessions: { current: number, max: 2 * number, limit: 100, total: 12_345 * number },
      rate: { now: number, max: 3 * number },
      errors: { connect: number % 3, retries: number % 3, redispatches: 0, clientAborts: number % 7, serverAborts: 0 },
    });
  const names = Array.from({ length: listens }, (_, listen) => `listen_${listen}`);
  return {
    ...EVERYTHING_AT_ONCE,
    snapshot: {
      ...EVERYTHING_AT_ONCE.snapshot,
      listens: names.map((name, listen) =>
        listenWith({
          name,
          inStateMs: DAY_MS,
          sessions: { current: 120, max: 200, limit: 4000, total: 123_456 },
          ...(listen === 7 ? { status: "DOWN", available: false } : {}),
          servers: Array.from({ length: servers }, (_, number) => server(listen, number)),
        }),
      ),
    },
    history: {
      ...EVERYTHING_AT_ONCE.history,
      listens: Object.fromEntries(names.map((name) => [name, seriesOf(HISTORY_STEPS)])),
    },
  };
}

/** Names and answers as an enemy would choose them. */
export const HOSTILE_NAMES = [
  `<script>window.pwned = 1</script>`,
  `"><img src=x onerror="window.pwned = 2">`,
  `' onclick='window.pwned = 3`,
  `\u202Egnp.exe\u202C`,
  `a\u0000b\u001b[31mc\u2028d`,
  `&lt;b&gt; &amp;amp;`,
  `%3Cscript%3E #?;csv`,
];

/** A page that consists of them. */
export const HOSTILE: PageModel = {
  ...EVERYTHING_AT_ONCE,
  snapshot: {
    process: processWith({ node: HOSTILE_NAMES[0] ?? "" }),
    vrrp: vrrpStatusWith(
      ...HOSTILE_NAMES.map((name) => instanceWith({ name, state: "FAULT", faults: [name], interface: name })),
    ),
    listens: HOSTILE_NAMES.map((name) =>
      listenWith({
        name,
        binds: [name],
        servers: HOSTILE_NAMES.map((server) =>
          serverWith({
            name: server,
            address: server,
            status: "DOWN",
            up: false,
            check: checkedAs("L7RSP", { info: server }),
          }),
        ),
      }),
    ),
  },
  history: {
    ...EVERYTHING_AT_ONCE.history,
    listens: Object.fromEntries(HOSTILE_NAMES.map((name) => [name, seriesOf(9)])),
  },
  events: HOSTILE_NAMES.map((name, id) => ({
    id,
    wallMs: WALL_MS,
    level: Level.alert,
    subject: { kind: "server", listen: name, server: name },
    change: name,
    text: name,
    cause: name,
    because: null,
  })),
  notice: { ok: false, text: HOSTILE_NAMES[1] ?? "" },
  csrf: HOSTILE_NAMES[2] ?? "",
  uri: "/\"'><script>",
};
