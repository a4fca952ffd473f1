import { expect, test } from "bun:test";
import { first } from "../../src/balance/first.ts";
import { NONE } from "../../src/balance/types.ts";
import { boardOf, clientOf } from "./boards.ts";

const balancer = first({ random: Math.random, names: [] });

test("first fills the servers in the order of the file, and nobody takes more than their maxconn", () => {
  const board = boardOf([
    { weight: 1, maxconn: 2 },
    { weight: 200, maxconn: 1 },
    { weight: 1, maxconn: 3 },
  ]);
  const picks = Array.from({ length: 8 }, (_, i) => {
    const server = balancer.pick(board, clientOf(i), []);
    if (server !== NONE) expect(board.reserve(server)).toBeGreaterThan(0);
    return server;
  });
  expect(picks).toEqual([0, 0, 1, 2, 2, 2, NONE, NONE]);
});

test("first goes back to an earlier server as soon as it has room again", () => {
  const board = boardOf([{ weight: 1, maxconn: 1, served: 1 }, { weight: 1 }]);
  expect(balancer.pick(board, clientOf(0), [])).toBe(1);
  board.release(0);
  expect(balancer.pick(board, clientOf(0), [])).toBe(0);
});
