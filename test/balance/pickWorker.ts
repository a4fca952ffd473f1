import { balancers } from "../../src/balance/index.ts";
import type { Algorithm } from "../../src/config/schema.ts";
import { type BoardHandle, ListenBoard } from "../../src/pool/board.ts";
import { clientOf, namesOf, tally } from "./boards.ts";

/** What a picking thread is told. */
export interface PickJob {
  algorithm: Algorithm;
  handle: BoardHandle;
  /** Word 0 counts the threads that are ready; they start when it reaches `threads`. */
  gate: SharedArrayBuffer;
  threads: number;
  picks: number;
}

declare const self: Worker;

/** A relay thread reduced to its picks: waits until all threads are ready, picks, and reports how often each server came up. */
self.onmessage = ({ data }: MessageEvent<PickJob>) => {
  const board = new ListenBoard(data.handle);
  const balancer = balancers[data.algorithm].create({ random: Math.random, names: namesOf({ length: board.slots }) });
  const gate = new Int32Array(data.gate);
  const picks: number[] = [];
  Atomics.add(gate, 0, 1);
  while (Atomics.load(gate, 0) < data.threads);
  for (let i = 0; i < data.picks; i++) picks.push(balancer.pick(board, clientOf(i), []));
  self.postMessage(tally(picks, board.slots));
};
