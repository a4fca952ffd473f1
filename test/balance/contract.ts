import { describe, expect, test } from "bun:test";
import { type Balancer, type BalancerKind, NONE } from "../../src/balance/types.ts";
import { boardOf, clientOf, equals, namesOf, seeded, type TestServer, tally } from "./boards.ts";

/** What the contract needs to know of an algorithm. */
export interface ContractTraits {
  /** Sessions that hold no load are spread by weight; false for algorithms that look at load or order alone. */
  proportional: boolean;
}

/** What every `balance` algorithm promises, whatever its idea of a good server. */
export function balancerContract(name: string, kind: BalancerKind, traits: ContractTraits): void {
  const make = (servers: { length: number }, seed = 1): Balancer =>
    kind.create({ random: seeded(seed), names: namesOf(servers) });
  const pickMany = (servers: readonly TestServer[], times: number, tried: readonly number[] = []): number[] => {
    const board = boardOf(servers);
    const balancer = make(servers);
    return Array.from({ length: times }, (_, i) => balancer.pick(board, clientOf(i), tried));
  };

  describe(`${name}, as every algorithm`, () => {
    test("picks nobody when there is no server", () => {
      expect(pickMany([], 3)).toEqual([NONE, NONE, NONE]);
    });

    test("picks nobody when every weight is zero", () => {
      expect(pickMany([{ weight: 0 }, { weight: 0 }], 3)).toEqual([NONE, NONE, NONE]);
    });

    test("picks the only server that there is, every time", () => {
      expect(pickMany([{ weight: 0 }, { weight: 7 }, { weight: 0 }], 5)).toEqual([1, 1, 1, 1, 1]);
    });

    test("never picks a server of weight zero, not even while the rotation still holds it", () => {
      const servers = equals(4);
      const board = boardOf(servers);
      board.setServer(2, { weight: 0, maxconn: 0 });
      const balancer = make(servers);
      const picks = Array.from({ length: 200 }, (_, i) => balancer.pick(board, clientOf(i), []));
      expect(tally(picks, 4)[2]).toBe(0);
    });

    test("never picks a server that was tried, in whatever order they failed", () => {
      const picks = pickMany(equals(5), 200, [3, 0]);
      const counts = tally(picks, 5);
      expect([counts[0], counts[3]]).toEqual([0, 0]);
    });

    test("picks nobody when all were tried", () => {
      expect(pickMany(equals(3), 3, [2, 0, 1])).toEqual([NONE, NONE, NONE]);
    });

    test("gives the last server that was not tried, however light it is", () => {
      const servers = [...Array.from({ length: 9 }, () => ({ weight: 256 })), { weight: 1 }];
      expect(pickMany(servers, 20, [0, 1, 2, 3, 4, 5, 6, 7, 8])).toEqual(new Array(20).fill(9));
    });

    const full = [{ weight: 1, maxconn: 2, served: 2 }, { weight: 1 }, { weight: 1, maxconn: 1, served: 3 }];
    if (make([]).bound) {
      test("is bound: waits for a full server rather than passing it over", () => {
        const withRoom = pickMany(equals(3), 100);
        expect(pickMany(full, 100)).toEqual(withRoom);
        expect(tally(withRoom, 3).every((count) => count > 0)).toBeTrue();
      });
    } else {
      test("passes full servers over", () => {
        expect(pickMany(full, 100)).toEqual(new Array(100).fill(1));
      });

      test("picks nobody when all are full", () => {
        expect(
          pickMany(
            [
              { weight: 9, maxconn: 1, served: 1 },
              { weight: 1, maxconn: 3, served: 4 },
            ],
            3,
          ),
        ).toEqual([NONE, NONE, NONE]);
      });

      test("finds the last server with room, however light it is", () => {
        const servers = [...Array.from({ length: 9 }, () => ({ weight: 256, maxconn: 1, served: 1 })), { weight: 1 }];
        expect(pickMany(servers, 20)).toEqual(new Array(20).fill(9));
      });
    }

    test("works for a client without an address", () => {
      const board = boardOf(equals(3));
      const balancer = make(equals(3));
      const picks = Array.from({ length: 30 }, () => balancer.pick(board, new Uint8Array(0), []));
      expect(picks.every((pick) => pick >= 0 && pick < 3)).toBeTrue();
    });

    if (traits.proportional) {
      test.each([[[1, 1, 1]], [[1, 2, 5]], [[100, 100, 50]], [[256, 1, 16, 0, 128]]])(
        "spreads sessions by weight: %p",
        (weights) => {
          const times = 401 * 40;
          const counts = tally(
            pickMany(
              weights.map((weight) => ({ weight })),
              times,
            ),
            weights.length,
          );
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          for (const [server, weight] of weights.entries()) {
            const share = weight / total;
            const fiveSigma = 5 * Math.sqrt(times * share * (1 - share));
            expect(Math.abs((counts[server] as number) - times * share)).toBeLessThanOrEqual(fiveSigma);
          }
        },
      );
    }

    test("answers any board with a server that may be picked, and with nobody only when nobody may", () => {
      const random = seeded(20261122);
      const below = (limit: number): number => Math.floor(random() * limit);
      for (let round = 0; round < 2000; round++) {
        const servers = Array.from({ length: below(7) }, (): TestServer => {
          const maxconn = below(2) * below(4);
          return { weight: below(3) === 0 ? 0 : below(257), maxconn, served: below(5), queued: below(4) };
        });
        const tried = servers.map((_, server) => server).filter(() => below(4) === 0);
        const board = boardOf(servers);
        for (let skip = below(20); skip > 0; skip--) board.takeTurn();
        const balancer = make(servers, round);
        const allowed = servers.flatMap(({ weight }, server) => {
          const room = balancer.bound || board.hasRoom(server);
          return weight > 0 && room && !tried.includes(server) ? [server] : [];
        });
        const picked = balancer.pick(board, clientOf(below(1 << 24)), tried);
        if (allowed.length === 0) expect(picked).toBe(NONE);
        else expect(allowed).toContain(picked);
      }
    });

    test("survives a rotation that belongs to other weights, as a thread can see for a moment", () => {
      const servers = [{ weight: 3 }, { weight: 2 }, { weight: 1 }];
      const board = boardOf(servers);
      board.setRotation(Uint16Array.of(2));
      const balancer = make(servers);
      for (let i = 0; i < 50; i++) expect([0, 1, 2]).toContain(balancer.pick(board, clientOf(i), []));
      board.setRotation(new Uint16Array(0));
      for (let i = 0; i < 50; i++) expect([NONE, 0, 1, 2]).toContain(balancer.pick(board, clientOf(i), []));
    });
  });
}
