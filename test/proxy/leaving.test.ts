import { expect, test } from "bun:test";
import type { Pool } from "../../src/pool/pool.ts";
import type { PoolServer } from "../../src/pool/server.ts";
import { Leaving } from "../../src/proxy/leaving.ts";
import { LI_DB, standOf } from "../stats/stand.ts";

/** What leaves a proxy process of four servers, and what was told of it. */
function stand() {
  const { clock, pools } = standOf(LI_DB);
  const pool = pools[0] as Pool;
  const told: string[] = [];
  const leaving = new Leaving(clock, {
    endSessions: (_, slot) => told.push(`end ${slot}`),
    onListenGone: () => told.push("gone"),
    log: ({ text }) => told.push(text),
  });
  return { clock, pool, told, leaving, server: pool.servers[0] as PoolServer };
}

test("a server is gone as soon as it has neither sessions nor anybody who waits for it", () => {
  const { clock, pool, told, leaving, server } = stand();
  pool.board.reserve(0);
  pool.board.addQueued(0, 1);
  pool.removeServer(0, clock.nowMs() + 5000);
  leaving.addServer(pool, server);
  clock.pass(1000);
  pool.board.release(0);
  clock.pass(1000);
  expect([told, pool.slots[0]]).toEqual([[], server]);
  pool.board.addQueued(0, -1);
  clock.pass(200);
  expect(told).toEqual(["Server li_db/db1 is gone: its last session has ended."]);
  expect(pool.slots[0]).toBeNull();
  expect(clock.pendingMs).toEqual([]);
});

test("at the deadline its sessions are ended, until there is none", () => {
  const { clock, pool, told, leaving, server } = stand();
  pool.board.reserve(0);
  pool.removeServer(0, clock.nowMs() + 500);
  leaving.addServer(pool, server);
  clock.pass(450);
  expect(told).toEqual([]);
  clock.pass(250);
  pool.board.release(0);
  clock.pass(100);
  expect(told).toEqual([
    "Server li_db/db1 hard-stopped (1 remaining sessions will be closed).",
    "end 0",
    "end 0",
    "end 0",
    "Server li_db/db1 is gone: its last session has ended.",
  ]);
});

test("a server that comes back stays", () => {
  const { clock, pool, told, leaving, server } = stand();
  pool.board.reserve(0);
  pool.removeServer(0, clock.nowMs() + 500);
  leaving.addServer(pool, server);
  clock.pass(200);
  pool.changeServer(0, server.config);
  pool.board.release(0);
  clock.pass(2000);
  expect([told, pool.slots[0]]).toEqual([[], server]);
});

test("a listen is gone when its sockets are closed and its last connection has ended", () => {
  const { clock, pool, told, leaving } = stand();
  pool.board.addCurrent(1);
  leaving.addListen(pool, clock.nowMs() + 60_000, [3, 4]);
  expect(leaving.untilMs(pool)).toBe(clock.nowMs() + 60_000);
  pool.board.addCurrent(-1);
  leaving.bindClosed(3);
  clock.pass(1000);
  expect(told).toEqual([]);
  leaving.bindClosed(4);
  clock.pass(100);
  expect(told).toEqual(["Proxy li_db stopped (cumulated conns: FE: 0, BE: 0).", "gone"]);
  expect([leaving.listens, leaving.untilMs(pool)]).toEqual([[], null]);
});

test("nobody is forgotten while a reload is under way, which may want a server back; afterwards it is", () => {
  const { clock, pool, told, leaving, server } = stand();
  pool.removeServer(0, clock.nowMs() + 500);
  leaving.addServer(pool, server);
  leaving.hold();
  clock.pass(2000);
  expect([told, pool.slots[0]]).toEqual([[], server]);
  leaving.release();
  clock.pass(100);
  expect(pool.slots[0]).toBeNull();
});
