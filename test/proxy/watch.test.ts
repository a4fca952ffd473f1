import { describe, expect, test } from "bun:test";
import type { ListenConfig, ServerConfig } from "../../src/config/schema.ts";
import { ListenBoard } from "../../src/pool/board.ts";
import { ListenCounter } from "../../src/pool/layout.ts";
import { Pool } from "../../src/pool/pool.ts";
import { ProcessBoard } from "../../src/pool/processBoard.ts";
import { ShortageWatch } from "../../src/proxy/watch.ts";
import { FakeClock } from "../support/fakeClock.ts";

const PORTS = { low: 40_000, high: 40_099 };
const ADDRESS = { kind: "tcp", host: "192.0.2.1", port: 80 } as const;

function server(name: string, changes: Partial<ServerConfig> = {}): ServerConfig {
  return { name, address: ADDRESS, weight: 1, maxconn: null, source: [], check: null, ...changes } as ServerConfig;
}

function stand(servers: ServerConfig[], maxconn: number | null = null) {
  const clock = new FakeClock();
  const said: string[] = [];
  const board = ListenBoard.create(servers.length, 1);
  const config = { name: "web", maxconn, servers } as unknown as ListenConfig;
  const pool = new Pool(config, board, { clock, dynamicWeights: () => true, onEvent() {}, onChange() {} });
  const process = ProcessBoard.create(1);
  process.maxconn = 500;
  const watch = new ShortageWatch(new Map([["web", pool]]), process, PORTS, clock, ({ text }) => said.push(text));
  const serve = (slot: number, count: number): void => {
    for (let i = 0; i < count; i++) board.reserve(slot);
  };
  return { clock, said, board, process, watch, serve };
}

describe("source ports to one address", () => {
  test("are warned of from 80 % on, once a minute", () => {
    const { watch, serve, said, clock } = stand([server("s1")]);
    serve(0, 79);
    watch.look();
    expect(said).toEqual([]);
    serve(0, 1);
    watch.look();
    clock.pass(59_999);
    watch.look();
    expect(said).toHaveLength(1);
    expect(said[0]).toStartWith("80 of 100 source ports to 192.0.2.1:80 are in use. Before they run out:");
    clock.pass(1);
    watch.look();
    expect(said).toHaveLength(2);
  });

  test("are counted over all servers that share it", () => {
    const { watch, serve } = stand([server("s1"), server("s2"), server("s3", { address: { ...ADDRESS, port: 81 } })]);
    serve(0, 30);
    serve(1, 40);
    serve(2, 5);
    expect(watch.portUse()).toEqual([
      { address: "192.0.2.1:80", used: 70, available: 100 },
      { address: "192.0.2.1:81", used: 5, available: 100 },
    ]);
  });

  test("are as many more as there are addresses to dial from; a unix socket needs none", () => {
    const { watch } = stand([
      server("s1", { source: ["192.0.2.8", "192.0.2.9"] }),
      server("s2", { address: { kind: "unix", path: "/run/a" } }),
    ]);
    expect(watch.portUse()).toEqual([{ address: "192.0.2.1:80", used: 0, available: 200 }]);
  });
});

describe("a shortage that a relay thread met", () => {
  test("is said once a minute for each server and cause, with what helps and how often it was not said", () => {
    const { watch, said, clock } = stand([server("s1")]);
    for (let i = 0; i < 50; i++) watch.shortage("web", "s1", "EADDRNOTAVAIL");
    watch.shortage("web", "s2", "EADDRNOTAVAIL");
    watch.shortage("web", "s1", "EMFILE");
    expect(said).toHaveLength(3);
    expect(said[0]).toStartWith("Connect() failed for server web/s1: EADDRNOTAVAIL, no free source port");
    expect(said[2]).toContain("LimitNOFILE");
    clock.pass(60_000);
    watch.shortage("web", "s1", "EADDRNOTAVAIL");
    expect(said[3]).toEndWith("(49 more since the last line).");
  });

  test("of a listener is said once a minute as well", () => {
    const { watch, said } = stand([server("s1")]);
    for (let i = 0; i < 5; i++) watch.acceptShortage("web", "EMFILE");
    expect(said).toHaveLength(1);
    expect(said[0]).toStartWith("Proxy web cannot accept: EMFILE, this process has no file descriptors left");
  });

  test("that has no hint of its own is still named", () => {
    const { watch, said } = stand([server("s1")]);
    watch.shortage("web", "s1", "EWHATEVER");
    expect(said).toEqual(["Connect() failed for server web/s1: EWHATEVER, a shortage of ours."]);
  });
});

describe("a limit on connections", () => {
  const pauses = (board: ListenBoard, count: number): void => {
    board.counters(0)[ListenCounter.acceptPauses] = count;
  };

  test("that was reached since the last look is named: the listen's own, or everybody's", () => {
    const own = stand([server("s1")], 3);
    pauses(own.board, 1);
    own.board.counters(0)[ListenCounter.ownLimitPauses] = 1;
    own.watch.look();
    expect(own.said[0]).toStartWith("Proxy web has reached its maxconn 3:");
    const global = stand([server("s1")]);
    global.board.addCurrent(3);
    pauses(global.board, 1);
    global.watch.look();
    expect(global.said[0]).toStartWith("Proxy web has reached the global maxconn 500:");
  });

  test("that nobody reached again is not mentioned again, however long ago it was", () => {
    const { watch, said, board, clock } = stand([server("s1")]);
    pauses(board, 5);
    watch.look();
    for (let i = 0; i < 3; i++) {
      clock.pass(60_000);
      watch.look();
    }
    expect(said).toHaveLength(1);
    pauses(board, 6);
    watch.look();
    expect(said).toHaveLength(2);
  });
});
