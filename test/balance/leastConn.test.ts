import { describe, expect, test } from "bun:test";
import { leastConn } from "../../src/balance/leastConn.ts";
import type { ListenBoard } from "../../src/pool/board.ts";
import { boardOf, clientOf, equals, tally } from "./boards.ts";

const balancer = leastConn({ random: Math.random, names: [] });

/** Picks and holds: each session stays on its server. */
function hold(board: ListenBoard, sessions: number): number[] {
  return Array.from({ length: sessions }, (_, i) => {
    const server = balancer.pick(board, clientOf(i), []);
    board.reserve(server);
    return server;
  });
}

describe("leastconn", () => {
  test("holds sessions in proportion 1:2 when the weights are", () => {
    expect(tally(hold(boardOf([{ weight: 1 }, { weight: 2 }]), 300), 2)).toEqual([100, 200]);
  });

  test("holds sessions in proportion for many weights, to within one session", () => {
    const weights = [1, 4, 16, 100, 256];
    const counts = tally(hold(boardOf(weights.map((weight) => ({ weight }))), 3770), weights.length);
    for (const [server, weight] of weights.entries())
      expect(Math.abs((counts[server] as number) - weight * 10)).toBeLessThanOrEqual(1);
  });

  test("takes the emptier server until they are level, then alternates", () => {
    const board = boardOf([{ weight: 1, served: 3 }, { weight: 1 }]);
    expect(hold(board, 3)).toEqual([1, 1, 1]);
    const level = hold(board, 6);
    expect(tally(level, 2)).toEqual([3, 3]);
  });

  test("counts connections that wait for a server as load", () => {
    const board = boardOf([
      { weight: 1, queued: 5 },
      { weight: 1, served: 2 },
    ]);
    expect(balancer.pick(board, clientOf(0), [])).toBe(1);
  });

  test("alternates between idle servers instead of wearing out the first", () => {
    const board = boardOf(equals(3));
    const picks = Array.from({ length: 9 }, (_, i) => balancer.pick(board, clientOf(i), []));
    expect(picks).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });

  test("alternates between idle servers when empty slots lie between them", () => {
    const board = boardOf([{ weight: 1 }, { weight: 0 }, { weight: 0 }, { weight: 1 }, { weight: 0 }]);
    const picks = Array.from({ length: 6 }, (_, i) => balancer.pick(board, clientOf(i), []));
    expect(picks).toEqual([0, 3, 0, 3, 0, 3]);
  });

  test("prefers a server with few sessions for its weight over one with fewer sessions", () => {
    const board = boardOf([
      { weight: 1, served: 2 },
      { weight: 100, served: 50 },
    ]);
    expect(balancer.pick(board, clientOf(0), [])).toBe(1);
  });
});
