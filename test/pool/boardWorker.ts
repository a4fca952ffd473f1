import { ListenBoard } from "../../src/pool/board.ts";
import type { BoardJob, BoardReply } from "./boardJobs.ts";

declare const self: Worker;

/** One thread of the board's tests: waits until all are ready, then does its job on the shared board. */
self.onmessage = ({ data: job }: MessageEvent<BoardJob>) => {
  const board = new ListenBoard(job.handle);
  const gate = new Int32Array(job.gate);
  Atomics.add(gate, 0, 1);
  while (Atomics.load(gate, 0) < job.threads);
  self.postMessage(perform(job, board, gate));
};

function perform(job: BoardJob, board: ListenBoard, gate: Int32Array): BoardReply {
  switch (job.kind) {
    case "hammer":
      return hammer(board, gate, job.rounds);
    case "handOver":
      return handOver(board, gate, job.rounds, job.thread);
    case "count":
      return count(board, job.thread, job.rounds);
    case "read":
      return read(board, gate);
    case "publish":
      return publish(board, gate, job.threads - 1);
  }
}

/** Reserves and releases server 0; word 1 of the gate counts the holders by other means than the board. */
function hammer(board: ListenBoard, gate: Int32Array, rounds: number): BoardReply {
  let highest = 0;
  let taken = 0;
  let answer = 0;
  for (let i = 0; i < rounds; i++) {
    const served = board.reserve(0);
    if (served === 0) continue;
    highest = Math.max(highest, Atomics.add(gate, 1, 1) + 1);
    answer = Math.max(answer, served);
    taken++;
    for (let spin = i % 64; spin > 0; spin--) Atomics.load(gate, 1);
    Atomics.sub(gate, 1, 1);
    board.release(0);
  }
  return { highest, taken, answer, bad: 0 };
}

/**
 * One slot. Thread 0 holds it, gives it up and asks for it again at once; thread 1 asks for it meanwhile. Whoever wins, one of
 * them must: `bad` counts the rounds in which both were refused although nobody held the slot.
 */
function handOver(board: ListenBoard, gate: Int32Array, rounds: number, thread: number): BoardReply {
  let bad = 0;
  let taken = 0;
  for (let round = 1; round <= rounds; round++) {
    if (thread === 0) board.reserve(0);
    meet(gate, 1, 2 * round);
    if (thread === 0) board.release(0);
    const served = board.reserve(0);
    if (served > 0) taken++;
    Atomics.store(gate, 2 + thread, served);
    meet(gate, 4, 2 * round);
    if (Atomics.load(gate, 2) + Atomics.load(gate, 3) === 0) bad++;
    if (served > 0) board.release(0);
    meet(gate, 5, 2 * round);
  }
  return { highest: 0, taken, answer: 0, bad };
}

/** Waits until both threads have come here so often. */
function meet(gate: Int32Array, word: number, arrivals: number): void {
  Atomics.add(gate, word, 1);
  while (Atomics.load(gate, word) < arrivals);
}

/** Adds one to every counter of this thread, again and again. */
function count(board: ListenBoard, thread: number, rounds: number): BoardReply {
  const counters = board.counters(thread);
  for (let i = 0; i < rounds; i++) {
    for (let at = 0; at < counters.length; at++) counters[at] = (counters[at] as number) + 1;
  }
  return { highest: 0, taken: rounds, answer: 0, bad: 0 };
}

/** Changes of the rotation that a reader wants to live through. */
const CHANGES_TO_SEE = 500;

/**
 * Reads the rotation until the publisher is done (word 1), and says when it has seen enough changes (word 2). `bad` counts
 * answers that are no server of the board, `highest` the different ones.
 */
function read(board: ListenBoard, gate: Int32Array): BoardReply {
  let bad = 0;
  let taken = 0;
  let lengthBefore = -1;
  const seen = new Set<number>();
  while (Atomics.load(gate, 1) === 0) {
    for (let i = 0; i < 10; i++) {
      const server = board.serverAtTurn(board.takeTurn());
      if (!(server >= -1 && server < board.slots)) bad++;
      seen.add(server);
    }
    const length = board.rotationLength();
    if (length < 0 || length > board.rotationLimit) bad++;
    if (length !== lengthBefore && ++taken === CHANGES_TO_SEE) Atomics.add(gate, 2, 1);
    lengthBefore = length;
  }
  return { highest: seen.size, taken, answer: 0, bad };
}

/** Publishes rotations of very different lengths and servers, the empty one among them, until all readers have seen enough. */
function publish(board: ListenBoard, gate: Int32Array, readers: number): BoardReply {
  let taken = 0;
  for (; Atomics.load(gate, 2) < readers; taken++) {
    const length = taken % 5 === 0 ? 0 : 1 + ((taken * 37) % 300);
    board.setRotation(Uint16Array.from({ length }, (_, turn) => (turn * 7 + taken) % board.slots));
  }
  Atomics.store(gate, 1, 1);
  return { highest: 0, taken, answer: 0, bad: 0 };
}
