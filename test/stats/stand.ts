import { loadConfig } from "../../src/config/config.ts";
import type { ListenConfig } from "../../src/config/schema.ts";
import { statusText } from "../../src/health/counter.ts";
import { ListenBoard } from "../../src/pool/board.ts";
import { Pool } from "../../src/pool/pool.ts";
import { ProcessBoard } from "../../src/pool/processBoard.ts";
import { Sampler } from "../../src/stats/sampler.ts";
import type { CheckView, ProxyView } from "../../src/stats/view.ts";
import { FakeClock } from "../support/fakeClock.ts";

/** Everything a view is made of, with real boards and pools and a clock that the test moves. */
export interface Stand {
  clock: FakeClock;
  view: ProxyView & { stopping: boolean; restarts: number };
  board: ProcessBoard;
  pools: Pool[];
  /** What health would say, by "listen/slot". */
  checks: Map<string, CheckView>;
}

/** The listens of a configuration file, as the proxy process would hold them. */
export function listensOf(toml: string): readonly ListenConfig[] {
  const { config, issues } = loadConfig(
    { path: "test.toml", bytes: new TextEncoder().encode(toml) },
    { cpus: 1, ephemeralPorts: null },
  );
  if (config === null) throw new Error(`bad test configuration: ${JSON.stringify(issues)}`);
  return config.listens;
}

/** A proxy process with these listens: checked servers are up, nothing has happened yet. */
export function standOf(toml: string, threads = 2): Stand {
  const clock = new FakeClock();
  clock.pass(1000); // a monotonic clock that reads 0 would hide a missing subtraction
  const board = ProcessBoard.create(threads);
  board.maxconn = 4096;
  const pools = listensOf(toml).map(
    (config) =>
      new Pool(config, ListenBoard.create(config.servers.length, threads), {
        clock,
        dynamicWeights: () => true,
        onEvent: () => {},
        onChange: () => {},
      }),
  );
  const checks = new Map<string, CheckView>();
  for (const pool of pools) {
    for (const { slot, config } of pool.servers) {
      if (config.check === null) continue;
      const { rise, fall } = config.check;
      checks.set(`${pool.config.name}/${slot}`, checkOf(rise + fall - 1, { rise, fall }));
    }
  }
  const view: Stand["view"] = {
    clock,
    version: "0.1.0",
    commit: "abc1234",
    releaseDate: "2026/11/22",
    pid: 4712,
    supervisorPid: 4711,
    node: "lb01",
    startedMs: 0,
    proxyStartedMs: 500,
    startedWallMs: clock.wallMs() - 1000,
    restarts: 0,
    stopping: false,
    lateThread: null,
    fileLimit: 20_000,
    droppedLogs: 0,
    board,
    pools,
    sampler: new Sampler(board, pools, () => 0, clock.nowMs()),
    vrrp: null,
    poolOf: (listen) => pools[listen] ?? null,
    leavingUntilMs: () => null,
    check: (pool, slot) => checks.get(`${pool.config.name}/${slot}`) ?? null,
  };
  return { clock, view, board, pools, checks };
}

/** A check whose counter stands at `health`; it last said what `last` says, at monotonic 1000 ms. */
export function checkOf(health: number, over: Partial<CheckView> = {}): CheckView {
  const { rise = 2, fall = 3 } = over;
  return {
    statusText: statusText(health, rise, fall),
    health,
    rise,
    fall,
    lastResult: { status: "L4OK", code: null, info: null, durationMs: 0.4 },
    lastCheckMs: 1000,
    inProgress: false,
    failures: 0,
    observed: 0,
    inconclusive: 0,
    ...over,
  };
}

/** Adds to a thread's counter of a listen; `counter` as pool/board.ts indexes them. */
export function add(pool: Pool, thread: number, counter: number, value: number): void {
  const counters = pool.board.counters(thread);
  counters[counter] = (counters[counter] as number) + value;
}

/** The listen of test/stats/show_stat.csv, whose servers stand in every state that HAProxy has words for. */
export const LI_DB = `
[defaults.timeout]
connect = "1s"
client = "10s"
server = "10s"
[listen.li_db]
bind = "127.0.0.1:26402"
balance = "leastconn"
[listen.li_db.check]
interval = "1s"
[[listen.li_db.server]]
name = "db1"
address = "127.0.0.1:26507"
[[listen.li_db.server]]
name = "db2"
address = "127.0.0.1:26502"
backup = true
[[listen.li_db.server]]
name = "db3"
address = "127.0.0.1:26501"
check = false
disabled = true
[[listen.li_db.server]]
name = "db4"
address = "127.0.0.1:26501"
check = false
`;
