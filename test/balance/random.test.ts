import { describe, expect, test } from "bun:test";
import { random } from "../../src/balance/random.ts";
import { boardOf, clientOf, equals, seeded, tally } from "./boards.ts";

describe("random", () => {
  test("takes the less loaded of its two draws, loads measured against weights", () => {
    const draws = [0, 0.99];
    const board = boardOf([
      { weight: 1, served: 5 },
      { weight: 10, served: 20 },
    ]);
    const balancer = random({ random: () => draws.shift() as number, names: [] });
    expect(board.serverAtTurn(0)).not.toBe(0);
    // Turn 5 of 11 is the light server's.
    const light = Array.from({ length: 11 }, (_, turn) => board.serverAtTurn(turn)).indexOf(0);
    draws.splice(0, 2, light / 11 + 0.01, 0);
    expect(balancer.pick(board, clientOf(0), [])).toBe(1);
  });

  test("keeps its first draw on a tie", () => {
    const draws = [0.7, 0.1];
    const balancer = random({ random: () => draws.shift() as number, names: [] });
    expect(balancer.pick(boardOf(equals(3)), clientOf(0), [])).toBe(2);
    expect(draws).toEqual([]);
  });

  test("keeps held sessions far more level than a single draw would", () => {
    const servers = equals(20);
    const board = boardOf(servers);
    const balancer = random({ random: seeded(7), names: [] });
    const counts = tally(
      Array.from({ length: 4000 }, (_, i) => {
        const server = balancer.pick(board, clientOf(i), []);
        board.reserve(server);
        return server;
      }),
      servers.length,
    );
    // 200 sessions a server: one draw deviates by 14 (one sigma) and by 30 at worst, two draws by 3 or 4.
    expect(Math.max(...counts) - 200).toBeLessThanOrEqual(6);
    expect(Math.max(...counts) - Math.min(...counts)).toBeGreaterThan(0);
  });
});
