import { describe, expect, test } from "bun:test";
import { source } from "../../src/balance/source.ts";
import type { ListenBoard } from "../../src/pool/board.ts";
import { boardOf, clientOf, equals, reweigh, tally } from "./boards.ts";

const CLIENTS = 10_000;
const FIVE = ["alpha", "beta", "gamma", "delta", "epsilon"];

/** The name of each client's server. */
function mapClients(names: readonly string[], board: ListenBoard, tried: number[] = []): string[] {
  const balancer = source({ random: Math.random, names });
  return Array.from({ length: CLIENTS }, (_, i) => names[balancer.pick(board, clientOf(i), tried)] as string);
}

describe("source", () => {
  test("losing one of five servers moves its own clients and nobody else's, evenly over the others", () => {
    const board = boardOf(equals(5));
    const before = mapClients(FIVE, board);
    reweigh(board, [1, 1, 0, 1, 1]);
    const after = mapClients(FIVE, board);
    const moved = before.flatMap((name, i) => (after[i] === name ? [] : [name]));
    expect(new Set(moved)).toEqual(new Set(["gamma"]));
    expect(after).not.toContain("gamma");
    const heirs = after.filter((_, i) => before[i] === "gamma");
    const inherited = tally(
      heirs.map((name) => FIVE.indexOf(name)),
      5,
    );
    for (const heir of [0, 1, 3, 4])
      expect(Math.abs((inherited[heir] as number) - heirs.length / 4)).toBeLessThan(
        5 * Math.sqrt((heirs.length * 3) / 16),
      );
  });

  test("a server that returns gets back exactly the clients that it had", () => {
    const board = boardOf(equals(5));
    const before = mapClients(FIVE, board);
    reweigh(board, [1, 1, 0, 1, 1]);
    reweigh(board, [1, 1, 1, 1, 1]);
    expect(mapClients(FIVE, board)).toEqual(before);
  });

  test("a sixth server takes from each of the five, and moves nobody between them", () => {
    const before = mapClients(FIVE, boardOf(equals(5)));
    const after = mapClients([...FIVE, "zeta"], boardOf(equals(6)));
    const movedTo = new Set(after.filter((name, i) => name !== before[i]));
    expect(movedTo).toEqual(new Set(["zeta"]));
    const taken = before.filter((_, i) => after[i] === "zeta");
    expect(new Set(taken)).toEqual(new Set(FIVE));
    expect(Math.abs(taken.length - CLIENTS / 6)).toBeLessThan(5 * Math.sqrt((CLIENTS * 5) / 36));
  });

  test("two hosts that list the servers in different order send a client to the same one", () => {
    const weights = [1, 2, 3, 4, 5];
    const order = [3, 0, 4, 2, 1];
    const here = mapClients(FIVE, boardOf(weights.map((weight) => ({ weight }))));
    const there = mapClients(
      order.map((i) => FIVE[i] as string),
      boardOf(order.map((i) => ({ weight: weights[i] as number }))),
    );
    expect(there).toEqual(here);
  });

  test("gives the same answers in every release, so that a pair may be upgraded one host at a time", () => {
    const board = boardOf([{ weight: 1 }, { weight: 1 }, { weight: 2 }]);
    const balancer = source({ random: Math.random, names: ["tcp_a_01", "tcp_a_02", "tcp_a_03"] });
    const picks = Array.from({ length: 24 }, (_, i) => balancer.pick(board, clientOf(i), []));
    expect(picks.join("")).toBe("202202002220220222212022");
  });

  test("more weight for one server draws clients to it and moves nobody else", () => {
    const board = boardOf(equals(5));
    const before = mapClients(FIVE, board);
    reweigh(board, [1, 3, 1, 1, 1]);
    const after = mapClients(FIVE, board);
    expect(new Set(after.filter((name, i) => name !== before[i]))).toEqual(new Set(["beta"]));
  });

  test("a client whose server was tried goes where it would go if that server were gone", () => {
    const board = boardOf(equals(5));
    const tried = mapClients(FIVE, board, [2, 4]);
    reweigh(board, [1, 1, 0, 1, 0]);
    expect(tried).toEqual(mapClients(FIVE, board));
  });

  test("an IPv4 client is the same client on a dual-stack socket", () => {
    const board = boardOf(equals(5));
    const balancer = source({ random: Math.random, names: FIVE });
    for (let i = 0; i < 200; i++) {
      const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...clientOf(i));
      expect(balancer.pick(board, mapped, [])).toBe(balancer.pick(board, clientOf(i), []));
    }
  });

  test("tells IPv6 clients apart by every byte of their address", () => {
    const board = boardOf(equals(5));
    const balancer = source({ random: Math.random, names: FIVE });
    for (let at = 0; at < 16; at++) {
      const picks = Array.from({ length: 60 }, (_, value) => {
        const client = new Uint8Array(16).fill(0x20);
        client[at] = value;
        return balancer.pick(board, client, []);
      });
      expect(new Set(picks).size).toBe(5);
    }
  });

  test("spreads clients of one small network as evenly as those of many", () => {
    const board = boardOf(equals(5));
    const balancer = source({ random: Math.random, names: FIVE });
    const strides = [1, 256, 65536, 257, 65793];
    for (const stride of strides) {
      const counts = tally(
        Array.from({ length: 250 }, (_, i) => balancer.pick(board, clientOf(i * stride), [])),
        5,
      );
      for (const count of counts) expect(Math.abs(count - 50)).toBeLessThan(5 * Math.sqrt(250 * 0.2 * 0.8));
    }
  });

  test("gives clients without an address to the servers in turn, full ones included", () => {
    const board = boardOf([{ weight: 1 }, { weight: 1, maxconn: 1, served: 1 }, { weight: 1 }]);
    const balancer = source({ random: Math.random, names: FIVE.slice(0, 3) });
    const picks = Array.from({ length: 6 }, () => balancer.pick(board, new Uint8Array(0), []));
    expect(picks).toEqual([0, 1, 2, 0, 1, 2]);
  });
});
