import { describe, expect, test } from "bun:test";
import type { ListenConfig } from "../../src/config/schema.ts";
import { ListenBoard, serverCounter } from "../../src/pool/board.ts";
import { ListenCounter, ServerCounter } from "../../src/pool/layout.ts";
import { settleCounters, toRecord } from "../../src/relay/record.ts";
import type { Session } from "../../src/relay/session.ts";

/** What the log wants to know of a session; times on the thread's clock. */
interface Told {
  termination: string;
  server: number;
  boundTo: number;
  assignedMs: number;
  queuedMs: number;
  connectedMs: number;
  bytesIn: number;
  bytesOut: number | null;
  dontlognull: boolean;
}

const USUAL: Told = {
  termination: "--",
  server: 1,
  boundTo: -1,
  assignedMs: 1002.4,
  queuedMs: -1,
  connectedMs: 1005.6,
  bytesIn: 7,
  bytesOut: 9,
  dontlognull: false,
};
const COUNTS = { actconn: 5, feconn: 3 };

/** A session accepted at 1000 on a listen of two servers, as far as records look into it. */
function told(changes: Partial<Told> = {}, board = ListenBoard.create(2, 1)): Session {
  const it = { ...USUAL, ...changes };
  const config = { name: "web", dontlognull: it.dontlognull } as unknown as ListenConfig;
  const servers = [{ name: "s1" }, { name: "s2" }];
  const { server, boundTo, assignedMs, queuedMs } = it;
  const dialer = {
    server,
    boundTo,
    assignedMs,
    queuedMs,
    retries: 2,
    redispatched: true,
    placeOnServer: 0,
    placeOnListen: 4,
  };
  return {
    listen: { config, servers, board, counters: board.counters(0) },
    termination: it.termination,
    clientHost: "192.0.2.1",
    clientPort: 4711,
    acceptedMs: 1000,
    acceptedWallMs: 1_700_000_000_000,
    connectedMs: it.connectedMs,
    dialer,
    up: { bytes: it.bytesIn },
    down: it.bytesOut === null ? null : { bytes: it.bytesOut },
  } as unknown as Session;
}

describe("the record of a session", () => {
  test("has HAProxy's times, counts and places", () => {
    const board = ListenBoard.create(2, 1);
    board.reserve(1);
    expect(toRecord(told({}, board), 1100.5, COUNTS)).toEqual({
      clientHost: "192.0.2.1",
      clientPort: 4711,
      acceptWallMs: 1_700_000_000_000,
      frontend: "web",
      backend: "web",
      server: "s2",
      twMs: 2,
      tcMs: 3,
      ttMs: 101,
      bytesOut: 9,
      bytesIn: 7,
      termination: "--",
      actconn: 5,
      feconn: 3,
      beconn: 2,
      srvConn: 1,
      retries: 2,
      redispatched: true,
      srvQueue: 0,
      backendQueue: 4,
    });
  });

  const unreached: [what: string, changes: Partial<Told>, expected: object][] = [
    [
      "nobody was chosen",
      { server: -1, assignedMs: -1, connectedMs: -1, bytesOut: null },
      { server: null, twMs: -1, tcMs: -1, srvConn: 0, bytesOut: 0 },
    ],
    [
      "it waited for any server, in vain",
      { server: -1, assignedMs: -1, queuedMs: 1001, connectedMs: -1 },
      { server: null, twMs: 50, tcMs: -1 },
    ],
    [
      "it waited for one server, in vain",
      { server: -1, boundTo: 0, assignedMs: -1, queuedMs: 1001, connectedMs: -1 },
      { server: "s1", twMs: 50, tcMs: -1 },
    ],
    ["the server was not reached", { connectedMs: -1, bytesOut: null }, { server: "s2", twMs: 2, tcMs: -1 }],
  ];
  test.each(unreached)("%s", (_what, changes, expected) => {
    expect(toRecord(told(changes), 1050, COUNTS)).toMatchObject({ ...expected, ttMs: 50 });
  });

  const silent = { dontlognull: true, bytesIn: 0, bytesOut: 0 };
  const nulls: [what: string, changes: Partial<Told>, logged: boolean][] = [
    ["nothing happened", silent, false],
    [
      "nothing happened, no server was reached, and the client left",
      { ...silent, bytesOut: null, termination: "CC" },
      false,
    ],
    ["the client fell asleep", { ...silent, termination: "cD" }, false],
    ["the server failed", { ...silent, termination: "SC" }, true],
    ["the server fell asleep", { ...silent, termination: "sD" }, true],
    ["we lacked something", { ...silent, termination: "RC" }, true],
    ["we ended it", { ...silent, termination: "D-" }, true],
    ["the client spoke", { ...silent, bytesIn: 1 }, true],
    ["the server spoke", { ...silent, bytesOut: 1 }, true],
    ["nothing happened, and that is wanted", { ...silent, dontlognull: false }, true],
  ];
  test.each(nulls)("dontlognull: %s", (_what, changes, logged) => {
    expect(toRecord(told(changes), 1050, COUNTS) !== null).toBe(logged);
  });
});

describe("what an ended session leaves in the counters", () => {
  const counter = (board: ListenBoard, name: keyof typeof ServerCounter & keyof typeof ListenCounter): number[] => [
    board.counters(0)[ListenCounter[name]] as number,
    board.counters(0)[serverCounter(0, ServerCounter[name])] as number,
    board.counters(0)[serverCounter(1, ServerCounter[name])] as number,
  ];

  test("its times, on the listen and on its server", () => {
    const board = ListenBoard.create(2, 1);
    settleCounters(told({ assignedMs: 1010, connectedMs: 1030 }, board), 1100);
    settleCounters(told({ assignedMs: 1000, connectedMs: 1002, server: 0 }, board), 1010);
    expect(counter(board, "queueTimeSum")).toEqual([10, 0, 10]);
    expect(counter(board, "connectTimeSum")).toEqual([22, 2, 20]);
    expect(counter(board, "totalTimeSum")).toEqual([110, 10, 100]);
    expect(counter(board, "timeSamples")).toEqual([2, 1, 1]);
  });

  test("no time of one that reached nobody, and who broke it off, unless it had not come that far", () => {
    const board = ListenBoard.create(2, 1);
    for (const termination of ["CD", "cD", "cC", "CC", "CQ"])
      settleCounters(told({ termination, connectedMs: -1 }, board), 1100);
    for (const termination of ["SD", "sD", "SC", "sC", "sQ"])
      settleCounters(told({ termination, connectedMs: -1, server: -1 }, board), 1100);
    settleCounters(told({ termination: "D-", connectedMs: -1 }, board), 1100);
    expect(counter(board, "clientAborts")).toEqual([2, 0, 2]);
    expect(counter(board, "serverAborts")).toEqual([2, 0, 0]);
    expect(counter(board, "timeSamples")).toEqual([0, 0, 0]);
  });

  test("the longest times of any session, each on its own", () => {
    const board = ListenBoard.create(2, 1);
    for (const endedMs of [1100, 1900, 1300]) settleCounters(told({}, board), endedMs);
    const [listen = 0, ...servers] = counter(board, "maxTotalTime");
    expect([listen, Math.max(...servers)]).toEqual([900, 900]);
    expect(counter(board, "maxConnectTime")[0]).toBe((counter(board, "connectTimeSum")[0] as number) / 3);
    expect(counter(board, "maxQueueTime")[0]).toBe((counter(board, "queueTimeSum")[0] as number) / 3);
  });

  test("averages follow the last thousand sessions", () => {
    const board = ListenBoard.create(2, 1);
    const average = (): number =>
      (counter(board, "totalTimeSum")[0] as number) / (counter(board, "timeSamples")[0] as number);
    for (let i = 0; i < 5000; i++) settleCounters(told({}, board), 1100);
    expect(average()).toBeCloseTo(100, 3);
    for (let i = 0; i < 5000; i++) settleCounters(told({}, board), 1200);
    expect(average()).toBeGreaterThan(195);
    expect(average()).toBeLessThanOrEqual(200);
  });
});
