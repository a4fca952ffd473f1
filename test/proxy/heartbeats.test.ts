import { describe, expect, test } from "bun:test";
import { ProcessBoard, ThreadCounter } from "../../src/pool/processBoard.ts";
import { Heartbeats } from "../../src/proxy/heartbeats.ts";

function stand(threads: number) {
  const board = ProcessBoard.create(threads);
  const beat = (thread: number): void => {
    const counters = board.counters(thread);
    counters[ThreadCounter.heartbeat] = (counters[ThreadCounter.heartbeat] as number) + 250;
  };
  return { heartbeats: new Heartbeats(board, 3), beat };
}

describe("a relay thread", () => {
  test("whose heart beats between any two looks is well", () => {
    const { heartbeats, beat } = stand(2);
    for (let look = 0; look < 20; look++) {
      beat(0);
      beat(1);
      expect(heartbeats.look()).toBeNull();
    }
  });

  test("that stands still for so many looks in a row hangs", () => {
    const { heartbeats, beat } = stand(2);
    for (const thread of [0, 1]) beat(thread);
    const looks = Array.from({ length: 5 }, () => {
      beat(0);
      return heartbeats.look();
    });
    // The first look sees a new beat in both.
    expect(looks).toEqual([null, null, null, 1, 1]);
  });

  test("that recovers before that starts from nothing", () => {
    const { heartbeats, beat } = stand(1);
    beat(0);
    heartbeats.look();
    heartbeats.look();
    heartbeats.look();
    beat(0);
    expect([heartbeats.look(), heartbeats.look(), heartbeats.look(), heartbeats.look()]).toEqual([null, null, null, 0]);
  });

  test("that has not even begun counts as standing still: a start that hangs is noticed as well", () => {
    const { heartbeats } = stand(1);
    expect([heartbeats.look(), heartbeats.look(), heartbeats.look()]).toEqual([null, null, 0]);
  });
});
