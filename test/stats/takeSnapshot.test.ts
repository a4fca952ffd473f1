import { beforeEach, describe, expect, test } from "bun:test";
import { ListenBoard, serverCounter } from "../../src/pool/board.ts";
import { ListenCounter, ServerCounter } from "../../src/pool/layout.ts";
import { Pool } from "../../src/pool/pool.ts";
import { ProcessBoard, ThreadCounter } from "../../src/pool/processBoard.ts";
import { Sampler } from "../../src/stats/sampler.ts";
import type { ListenSnapshot, ServerSnapshot } from "../../src/stats/snapshot.ts";
import { snapshotSteps, takeSnapshot } from "../../src/stats/takeSnapshot.ts";
import { add, checkOf, LI_DB, listensOf, type Stand, standOf } from "./stand.ts";
import { instanceWith, vrrpWith } from "./vrrpCases.ts";

let stand: Stand;
beforeEach(() => {
  stand = standOf(LI_DB);
});

const listen = (): ListenSnapshot => takeSnapshot(stand.view).listens[0] as ListenSnapshot;
const server = (slot: number): ServerSnapshot => listen().servers[slot] as ServerSnapshot;
const pool = (): Pool => stand.pools[0] as Pool;

describe("a snapshot", () => {
  test("is plain data: it survives JSON unchanged", () => {
    const snapshot = takeSnapshot(stand.view);
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
  });

  test("sums the counters of all threads, and takes the highest of their maxima", () => {
    for (const [thread, factor] of [
      [0, 1],
      [1, 10],
    ] as const) {
      for (const counter of Object.values(ListenCounter)) add(pool(), thread, counter, (counter + 1) * factor);
      for (const counter of Object.values(ServerCounter))
        add(pool(), thread, serverCounter(3, counter), (counter + 1) * factor);
    }
    expect(listen()).toMatchObject({
      sessions: { total: 11, max: 40, current: 0, limit: null },
      bytesIn: 22,
      bytesOut: 33,
      queue: { current: 0, max: 50 },
      errors: { connect: 66, retries: 77, redispatches: 88, clientAborts: 99, serverAborts: 110 },
      acceptPauses: 121,
      average: { queueMs: 1, connectMs: 1, totalMs: 1 },
    });
    expect(server(3)).toMatchObject({
      sessions: { total: 11, max: 40, current: 0, limit: null },
      bytesIn: 22,
      bytesOut: 33,
      errors: { connect: 55, retries: 66, redispatches: 77, clientAborts: 88, serverAborts: 99 },
      selected: 110,
      connects: 121,
      queue: { current: 0, max: 170 },
    });
  });

  test("averages over the sessions of all threads", () => {
    add(pool(), 0, ListenCounter.totalTimeSum, 300);
    add(pool(), 0, ListenCounter.timeSamples, 3);
    add(pool(), 1, ListenCounter.totalTimeSum, 1000);
    add(pool(), 1, ListenCounter.timeSamples, 1);
    expect(listen().average).toEqual({ queueMs: 0, connectMs: 0, totalMs: 325 });
  });

  test("tells what is there now: sessions, queue, and of the process its own limit", () => {
    stand.board.addCurrent(3);
    stand.board.counters(1)[ThreadCounter.maxCurrent] = 5;
    stand.board.counters(0)[ThreadCounter.connections] = 7;
    stand.board.counters(1)[ThreadCounter.droppedLogs] = 2;
    pool().board.addCurrent(2);
    pool().board.reserve(3);
    pool().board.addQueued(3, 1);
    pool().board.addQueued(-1, 1);
    const { process } = takeSnapshot(stand.view);
    expect(process).toMatchObject({
      connections: { current: 3, max: 5, limit: 4096, total: 7 },
      droppedLogs: 2,
      threads: 2,
    });
    expect([listen().sessions.current, listen().queue.current]).toEqual([2, 2]);
    expect([server(3).sessions.current, server(3).queue.current]).toEqual([1, 1]);
  });

  test("counts time from the events of its clock", () => {
    stand.clock.pass(5000);
    pool().setUp(0, false);
    add(pool(), 1, serverCounter(3, ServerCounter.lastSession), stand.clock.wallMs());
    stand.clock.pass(2500);
    expect(takeSnapshot(stand.view).process).toMatchObject({ uptimeMs: 8500, proxyUptimeMs: 8000 });
    expect(server(0)).toMatchObject({ inStateMs: 2500, downtimeMs: 2500, downs: 1, lastSessionAgoMs: null });
    expect(server(1)).toMatchObject({ inStateMs: 7500, downtimeMs: 0, downs: 0 });
    expect([server(3).lastSessionAgoMs, listen().lastSessionAgoMs]).toEqual([2500, 2500]);
  });
});

describe("a server", () => {
  test("carries HAProxy's word for its state", () => {
    stand.checks.set("li_db/0", checkOf(1));
    pool().setUp(0, false);
    expect(listen().servers.map(({ status }) => status)).toEqual(["DOWN 1/2", "UP", "MAINT", "no check"]);
    pool().setAddress(1, null);
    expect(server(1).status).toBe("MAINT (resolution)");
  });

  test("carries its last check, with the age and the long name", () => {
    const lastResult = { status: "L7STS", code: 421, info: "busy", durationMs: 12.6 } as const;
    stand.checks.set(
      "li_db/0",
      checkOf(3, { lastResult, failures: 4, inconclusive: 1, observed: 9, inProgress: true }),
    );
    stand.clock.pass(700);
    expect(server(0).check).toEqual({
      health: 3,
      rise: 2,
      fall: 3,
      failures: 4,
      observed: null,
      inconclusive: 1,
      inProgress: true,
      last: {
        status: "L7STS",
        description: "Layer7 wrong status",
        code: 421,
        info: "busy",
        durationMs: 13,
        agoMs: 700,
      },
    });
    stand.checks.set("li_db/1", checkOf(2, { lastResult: null, lastCheckMs: null }));
    expect([server(1).check?.last, server(3).check]).toEqual([null, null]);
  });

  test("takes part in balancing with its effective weight: none while down or an idle backup, part of it in slow start", () => {
    expect(listen().servers.map(({ weight }) => weight.effective)).toEqual([1, 0, 0, 1]);
    pool().setUp(0, false);
    expect(listen().servers.map(({ weight }) => weight.effective)).toEqual([0, 0, 0, 1]);
    stand = standOf(LI_DB.replace('name = "db1"', 'name = "db1"\nslowstart = "10s"\nweight = 100'));
    pool().setUp(0, false);
    pool().setUp(0, true);
    stand.clock.pass(5000);
    expect(server(0)).toMatchObject({ weight: { configured: 100, effective: 50 }, throttlePercent: 50 });
  });
});

describe("a listen", () => {
  test("is OPEN, FULL at its limit or the process's, DOWN without a usable server, STOP while stopping", () => {
    stand = standOf(LI_DB.replace('balance = "leastconn"', 'balance = "leastconn"\nmaxconn = 2'));
    expect(listen().status).toBe("OPEN");
    pool().board.addCurrent(2);
    expect(listen().status).toBe("FULL");
    pool().board.addCurrent(-1);
    stand.board.addCurrent(4096);
    expect(listen().status).toBe("FULL");
    for (const slot of [0, 1, 3]) pool().setUp(slot, false);
    expect(listen()).toMatchObject({ status: "DOWN", available: false, usable: { active: 0, backup: 0 } });
    stand.view.stopping = true;
    expect(listen().status).toBe("STOP");
  });

  test("knows how often and for how long nobody served it, even between two samples", () => {
    for (const slot of [0, 1, 3]) pool().setUp(slot, false);
    stand.clock.pass(200);
    stand.view.sampler.poolChanged(stand.pools[0] as Pool, stand.clock.nowMs());
    stand.clock.pass(300);
    pool().setUp(0, true);
    stand.view.sampler.poolChanged(stand.pools[0] as Pool, stand.clock.nowMs());
    stand.clock.pass(4000);
    expect(listen()).toMatchObject({ downs: 1, downtimeMs: 300, inStateMs: 4000, usable: { active: 1, backup: 0 } });
  });
});

describe("the sampler", () => {
  test("gives each listen, each server and the process their own rates", () => {
    for (const thread of [0, 1]) {
      stand.board.counters(thread)[ThreadCounter.connections] = 10;
      add(pool(), thread, ListenCounter.connections, 20);
      add(pool(), thread, ListenCounter.bytesOut, 1000);
      add(pool(), thread, serverCounter(1, ServerCounter.sessions), 5);
    }
    stand.clock.pass(1000);
    stand.view.sampler.sample(stand.clock.nowMs());
    stand.clock.pass(500);
    const { process } = takeSnapshot(stand.view);
    expect([process.connectionRate, process.bytesOutRate.now]).toEqual([{ now: 10, max: 20 }, 1000]);
    expect(listen().rate).toEqual({ now: 20, max: 40 });
    expect(listen().servers.map(({ rate }) => rate.max)).toEqual([0, 10, 0, 0]);
  });

  test("takes the processor time of control and all relay threads for what is not idle", () => {
    let cpuMs = 0;
    const sampler = new Sampler(stand.board, stand.pools, () => cpuMs, 0);
    cpuMs = 1500; // of 3 threads in 1 s
    sampler.sample(1000);
    expect(sampler.idlePercent(1000)).toBe(50);
  });

  test("has the virtual routers as they were told, with every age brought up to now", () => {
    expect(takeSnapshot(stand.view).vrrp).toBeNull();
    const peer = { address: "192.0.2.2", priority: 100, intervalMs: 1000, agoMs: 300 };
    const rival = { address: "192.0.2.100", mac: "02:00:00:00:09:02", answers: 1, agoMs: 7 };
    const waiting = { takeoverInMs: 3000, preempt: true, preemptInMs: 900 };
    const told = vrrpWith(
      instanceWith({ inStateMs: 50, waiting, peer, rivals: [rival] }),
      instanceWith({ inStateMs: 0 }),
    );
    const view = { ...stand.view, vrrp: { snapshot: told, receivedMs: stand.clock.nowMs() } };
    expect(takeSnapshot(view).vrrp).toEqual({ ...told, ageMs: 0 });
    stand.clock.pass(1200.4);
    expect(takeSnapshot(view).vrrp).toEqual({
      ...vrrpWith(
        instanceWith({
          inStateMs: 1250,
          waiting: { takeoverInMs: 1800, preempt: true, preemptInMs: null },
          peer: { ...peer, agoMs: 1500 },
          rivals: [{ ...rival, agoMs: 1207 }],
        }),
        instanceWith({ inStateMs: 1200 }),
      ),
      ageMs: 1200,
    });
    expect(told.instances[0]?.inStateMs).toBe(50);
  });

  test("samples and snapshots 50 listens of 40 servers in a few milliseconds", () => {
    const servers = Array.from(
      { length: 40 },
      (_, i) => `[[listen.x.server]]\nname = "s${i}"\naddress = "192.0.2.1:${1000 + i}"\n`,
    );
    const [config] = listensOf(`[listen.x]\nbind = ":2000"\n[listen.x.check]\n${servers.join("")}`);
    if (config === undefined) throw new Error("no listen");
    const { clock, view } = stand;
    const board = ProcessBoard.create(2);
    const deps = { clock, dynamicWeights: () => true, onEvent: () => {}, onChange: () => {} };
    const pools = Array.from({ length: 50 }, () => new Pool(config, ListenBoard.create(40, 2), deps));
    const sampler = new Sampler(board, pools, () => 0, 0);
    const large = { ...view, board, pools, sampler, check: () => checkOf(4) };
    const best = (work: () => void): number => Math.min(...[1, 2, 3, 4, 5].map(() => elapsedMs(work)));
    let second = 0;
    expect(best(() => sampler.sample(++second * 1000))).toBeLessThan(10);
    expect(best(() => takeSnapshot(large))).toBeLessThan(40);
    expect(takeSnapshot(large).listens[49]?.servers).toHaveLength(40);
  });
});

function elapsedMs(work: () => void): number {
  const beganMs = performance.now();
  work();
  return performance.now() - beganMs;
}

describe("a snapshot in steps", () => {
  const listen = (name: string, port: number) =>
    `[listen.${name}]\nbind = "127.0.0.1:${port}"\n${Array.from({ length: 300 }, (_, i) => `[[listen.${name}.server]]\nname = "s${i}"\naddress = "127.0.0.1:${20_000 + i}"\n`).join("")}`;
  const TWO = `[defaults.timeout]\nconnect = "1s"\nclient = "1s"\nserver = "1s"\n${listen("a", 26_001)}${listen("b", 26_002)}`;

  test("is the same as one that is taken at once, with a rest after some hundred servers", () => {
    const { view } = standOf(TWO);
    const steps = snapshotSteps(view);
    expect(steps.next()).toEqual({ done: false, value: null });
    expect(steps.next()).toEqual({ done: false, value: null });
    expect(steps.next()).toEqual({ done: true, value: takeSnapshot(view) });
  });

  test("leaves out a listen that is gone when its turn comes", () => {
    const { view, pools } = standOf(TWO);
    const steps = snapshotSteps(view);
    steps.next();
    view.sampler.remove(pools[1] as Pool);
    const { value } = steps.next();
    expect(value?.listens.map(({ name }) => name)).toEqual(["a"]);
  });
});
