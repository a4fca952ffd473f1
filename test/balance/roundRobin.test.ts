import { describe, expect, test } from "bun:test";
import { roundRobin } from "../../src/balance/roundRobin.ts";
import type { Algorithm } from "../../src/config/schema.ts";
import type { ListenBoard } from "../../src/pool/board.ts";
import { atEnd } from "../support/cleanup.ts";
import { boardOf, clientOf, reweigh, tally } from "./boards.ts";
import type { PickJob } from "./pickWorker.ts";

const balancer = roundRobin({ random: Math.random, names: [] });
const picksOf = (board: ListenBoard, times: number, tried: number[] = []): number[] =>
  Array.from({ length: times }, (_, i) => balancer.pick(board, clientOf(i), tried));

describe("roundrobin", () => {
  test("serves equal servers one after the other", () => {
    expect(picksOf(boardOf([{ weight: 1 }, { weight: 1 }, { weight: 1 }]), 7)).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  test("gives 1/2/5 exactly in every cycle, from wherever the cycle is counted", () => {
    const picks = picksOf(boardOf([{ weight: 1 }, { weight: 2 }, { weight: 5 }]), 80);
    for (let start = 0; start + 8 <= picks.length; start++) {
      expect(tally(picks.slice(start, start + 8), 3)).toEqual([1, 2, 5]);
    }
  });

  test("gives 100/100/50 exactly in every five sessions, and nobody two in a row", () => {
    const picks = picksOf(boardOf([{ weight: 100 }, { weight: 100 }, { weight: 50 }]), 50);
    for (let start = 0; start + 5 <= picks.length; start++) {
      expect(tally(picks.slice(start, start + 5), 3)).toEqual([2, 2, 1]);
    }
    expect(picks.filter((pick, i) => pick === picks[i - 1])).toEqual([]);
  });

  test("hands the turn of a full server to the next in the rotation, and takes one shared turn only", () => {
    const board = boardOf([{ weight: 1, maxconn: 1, served: 1 }, { weight: 1 }, { weight: 1 }]);
    expect(picksOf(board, 6)).toEqual([1, 1, 2, 1, 1, 2]);
    expect(board.takeTurn()).toBe(6);
  });

  test("hands the turn of a tried server to the next in the rotation, and takes one shared turn only", () => {
    const board = boardOf([{ weight: 1 }, { weight: 1 }, { weight: 1 }]);
    expect(picksOf(board, 3, [1])).toEqual([0, 2, 2]);
    expect(board.takeTurn()).toBe(3);
  });

  test("follows a new rotation from the next turn on", () => {
    const board = boardOf([{ weight: 1 }, { weight: 1 }]);
    expect(tally(picksOf(board, 4), 2)).toEqual([2, 2]);
    reweigh(board, [3, 1]);
    expect(tally(picksOf(board, 8), 2)).toEqual([6, 2]);
    reweigh(board, [0, 1]);
    expect(tally(picksOf(board, 4), 2)).toEqual([0, 4]);
  });
});

describe("turns shared by threads", () => {
  const cases: [Algorithm, number[], number][] = [
    ["roundrobin", [1, 2, 5], 3],
    ["roundrobin", [100, 100, 50], 2],
    ["static-rr", [1, 1, 1, 1, 1, 1, 7], 4],
    ["leastconn", [1, 2, 5], 3],
  ];
  test.each(cases)(
    "%s %p: %i threads that pick at once give exact proportions together",
    async (algorithm, weights, threads) => {
      const board = boardOf(
        weights.map((weight) => ({ weight })),
        threads,
      );
      const cycle = board.rotationLength();
      const gate = new SharedArrayBuffer(4);
      const perThread = cycle * 2000;
      const counts = await Promise.all(
        Array.from({ length: threads }, () =>
          pickIn({ algorithm, handle: board.share(), gate, threads, picks: perThread }),
        ),
      );
      const total = weights.map((_, server) => counts.reduce((sum, count) => sum + (count[server] as number), 0));
      const perCycle = tally(
        Array.from({ length: cycle }, (_, turn) => board.serverAtTurn(turn)),
        weights.length,
      );
      expect(total).toEqual(perCycle.map((count) => count * 2000 * threads));
      expect(board.takeTurn()).toBe(perThread * threads);
    },
  );
});

function pickIn(job: PickJob): Promise<number[]> {
  const worker = new Worker(new URL("./pickWorker.ts", import.meta.url).href);
  atEnd(() => worker.terminate());
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<number[]>) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(job);
  });
}
