import { describe, expect, test } from "bun:test";
import { ListenBoard, serverCounter } from "../../src/pool/board.ts";
import { ListenCounter, ServerCounter } from "../../src/pool/layout.ts";
import { ANY_SERVER, longestWaitingThread, type Waiting, WaitingLine } from "../../src/relay/waitingLine.ts";

interface Named extends Waiting {
  name: string;
}

/** A listen of two servers seen by three threads. */
function lines() {
  const board = ListenBoard.create(2, 3);
  const [a, b, c] = [0, 1, 2].map((thread) => new WaitingLine<Named>(board, thread)) as [
    WaitingLine<Named>,
    WaitingLine<Named>,
    WaitingLine<Named>,
  ];
  return { board, a, b, c };
}

const who = (name: string, queuedMs: number, boundTo = ANY_SERVER): Named => ({ name, queuedMs, boundTo });

describe("a waiting line", () => {
  test("tells the place over all threads: servers' queues and the listen's count for themselves", () => {
    const { board, a, b } = lines();
    expect(a.join(who("1", 10))).toBe(1);
    expect(b.join(who("2", 20))).toBe(2);
    expect(b.join(who("3", 30, 1))).toBe(1);
    expect(a.join(who("4", 40, 1))).toBe(2);
    expect(a.join(who("5", 50, 0))).toBe(1);
    expect(a.join(who("6", 60))).toBe(3);
    expect([board.queued, board.queuedOn(0), board.queuedOn(1)]).toEqual([6, 1, 2]);
  });

  test("keeps order, whoever leaves in between", () => {
    const { board, a } = lines();
    const [one, two, three] = [who("1", 10), who("2", 20), who("3", 30)];
    for (const each of [one, two, three]) a.join(each);
    expect(a.oldest(ANY_SERVER)).toBe(one);
    expect(a.leave(two)).toBe(true);
    expect(a.leave(one)).toBe(true);
    expect(a.oldest(ANY_SERVER)).toBe(three);
    expect(a.leave(one)).toBe(false);
    expect(a.all(ANY_SERVER)).toEqual([three]);
    expect(board.queued).toBe(1);
    expect(a.leave(three)).toBe(true);
    expect(a.oldest(ANY_SERVER)).toBeUndefined();
    expect(board.queued).toBe(0);
  });

  test("remembers the longest it has been, of the listen and of each server", () => {
    const { board, a, b } = lines();
    const waiting = [who("1", 10), who("2", 20, 1), who("3", 30, 1)];
    for (const each of waiting) a.join(each);
    for (const each of waiting) a.leave(each);
    b.join(who("4", 40, 1));
    expect(board.max(ListenCounter.maxQueued)).toBe(3);
    expect(board.max(serverCounter(1, ServerCounter.maxQueued))).toBe(2);
    expect(board.max(serverCounter(0, ServerCounter.maxQueued))).toBe(0);
  });
});

describe("the longest waiting thread", () => {
  test("is the one whose oldest came first, in each queue for itself", () => {
    const { board, a, b, c } = lines();
    expect(longestWaitingThread(board, ANY_SERVER)).toBe(-1);
    const early = who("early", 10);
    b.join(who("late", 30));
    a.join(who("middle", 20));
    c.join(early);
    c.join(who("bound", 5, 1));
    expect(longestWaitingThread(board, ANY_SERVER)).toBe(2);
    expect(longestWaitingThread(board, 1)).toBe(2);
    expect(longestWaitingThread(board, 0)).toBe(-1);
    c.leave(early);
    expect(longestWaitingThread(board, ANY_SERVER)).toBe(0);
  });

  test("is the first of two that came at the same moment, so that they do not ring for each other for ever", () => {
    const { board, a, b } = lines();
    b.join(who("b", 10));
    a.join(who("a", 10));
    expect(longestWaitingThread(board, ANY_SERVER)).toBe(0);
  });
});
