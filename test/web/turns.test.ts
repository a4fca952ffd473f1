import { expect, test } from "bun:test";
import { Turns } from "../../src/web/turns.ts";
import { FakeClock } from "../support/fakeClock.ts";

test("pieces of work are done in order, with a rest as long as the piece between them", () => {
  const clock = new FakeClock();
  const turns = new Turns(clock);
  const done: string[] = [];
  const piece = (name: string, tookMs: number) => () => {
    done.push(`${name} at ${clock.nowMs()}`);
    clock.pass(tookMs);
  };
  turns.add(piece("a", 10));
  turns.add(piece("b", 5));
  turns.add(piece("c", 0));
  expect(done).toEqual([]);
  clock.pass(100);
  expect(done).toEqual(["a at 0", "b at 20", "c at 30"]);
});

test("a piece that comes right behind the last one waits as well, a later one does not", () => {
  const clock = new FakeClock();
  const turns = new Turns(clock);
  const done: number[] = [];
  const piece = () => {
    done.push(clock.nowMs());
    clock.pass(10);
  };
  turns.add(piece);
  clock.pass(0);
  turns.add(piece);
  clock.pass(50);
  expect(done).toEqual([0, 20]);
  turns.add(piece);
  clock.pass(0);
  expect(done).toEqual([0, 20, 50]);
});

test("small pieces share a turn until it has taken a millisecond", () => {
  const clock = new FakeClock();
  const turns = new Turns(clock);
  const done: number[] = [];
  const piece = (): void => {
    done.push(clock.nowMs());
    clock.pass(0.4);
    if (done.length < 7) turns.add(piece);
  };
  turns.add(piece);
  clock.pass(100);
  expect(done.map((at) => Math.round(10 * at) / 10)).toEqual([0, 0.4, 0.8, 2.4, 2.8, 3.2, 4.8]);
});
