import { describe, expect, test } from "bun:test";
import { ListenCounter } from "../../src/pool/layout.ts";
import type { Pool } from "../../src/pool/pool.ts";
import { HISTORY_STEP_MS, HISTORY_STEPS, HistoryRecord } from "../../src/stats/history.ts";
import { Sampler } from "../../src/stats/sampler.ts";
import { add, standOf } from "./stand.ts";

const STEP_S = HISTORY_STEP_MS / 1000;

const reading = (sessions: number, bytesIn = 0, bytesOut = 0) => ({ sessions, bytesIn, bytesOut });

/** A record that was fed once a second, from the beginning of a step on: `at` gives what each second finds. */
function fedFor(seconds: number, at: (second: number) => ReturnType<typeof reading>): HistoryRecord {
  const record = new HistoryRecord(at(0), 0);
  for (let second = 1; second <= seconds; second++) record.note(at(second), second * 1000);
  return record;
}

describe("the last minutes", () => {
  test("have the most sessions of each step", () => {
    const record = fedFor(2 * STEP_S, (second) => reading(second === 3 ? 40 : second));
    expect(record.series().sessions).toEqual([40, 2 * STEP_S - 1, 2 * STEP_S]);
  });

  test("have the bytes per second of each step", () => {
    const record = fedFor(3 * STEP_S - 1, (second) =>
      reading(0, 100 * second, second < STEP_S ? 0 : 2000 * (second - STEP_S)),
    );
    const { bytesIn, bytesOut } = record.series();
    expect(bytesIn).toEqual([100, 100, 100]);
    expect(bytesOut).toEqual([0, 2000, 2000]);
  });

  test("do not fall to nothing when a step has just begun", () => {
    const record = fedFor(STEP_S, (second) => reading(0, 0, 500 * second));
    expect(record.series().bytesOut).toEqual([500, 500]);
  });

  test("are so many steps and no more, oldest first", () => {
    const record = fedFor(STEP_S * (HISTORY_STEPS + 7), (second) => reading(Math.floor(second / STEP_S)));
    const { sessions, bytesIn, bytesOut } = record.series();
    expect([sessions.length, bytesIn.length, bytesOut.length]).toEqual([HISTORY_STEPS, HISTORY_STEPS, HISTORY_STEPS]);
    expect([sessions[0], sessions.at(-1)]).toEqual([8, HISTORY_STEPS + 7]);
  });

  test("spread what was counted in a gap over the steps it lasted", () => {
    const record = new HistoryRecord(reading(3), 0);
    record.note(reading(7, 0, 40_000), 4 * HISTORY_STEP_MS);
    const { sessions, bytesOut } = record.series();
    expect(sessions).toEqual([3, 3, 3, 3, 7]);
    expect(bytesOut).toEqual([2000, 2000, 2000, 2000, 2000]);
  });

  test("survive a gap longer than they are", () => {
    const record = new HistoryRecord(reading(3), 0);
    record.note(reading(1), 10 * HISTORY_STEPS * HISTORY_STEP_MS);
    expect(record.series().sessions).toHaveLength(HISTORY_STEPS);
  });

  test("lose nothing when the counters are cleared", () => {
    const record = new HistoryRecord(reading(0, 5000, 5000), 0);
    record.note(reading(0, 6000, 7000), 1000);
    record.note(reading(0, 1000, 0), 2000);
    expect(record.series()).toMatchObject({ bytesIn: [1000], bytesOut: [1000] });
  });

  test("begin without what was counted before", () => {
    expect(new HistoryRecord(reading(2, 9_000_000, 9_000_000), 77_000).series()).toEqual({
      sessions: [2],
      bytesIn: [0],
      bytesOut: [0],
    });
  });
});

describe("the history of a process", () => {
  const LISTENS = ["one", "two"]
    .map(
      (name, index) =>
        `[listen.${name}]\nbind = ":${2000 + index}"\n[[listen.${name}.server]]\nname = "a"\naddress = "192.0.2.1:1"`,
    )
    .join("\n");
  const begun = () => {
    const { board, pools, clock } = standOf(
      `[defaults.timeout]\nconnect = "1s"\nclient = "1s"\nserver = "1s"\n${LISTENS}`,
    );
    const sampler = new Sampler(board, pools, () => 0, clock.nowMs());
    sampler.sample(clock.nowMs());
    const second = () => {
      clock.pass(1000);
      sampler.sample(clock.nowMs());
    };
    return { sampler, clock, second, one: pools[0] as Pool, two: pools[1] as Pool };
  };

  test("is that of its listens together, and of each", () => {
    const { sampler, second, one, two } = begun();
    one.board.addCurrent(2);
    add(one, 0, ListenCounter.bytesIn, 300);
    add(two, 1, ListenCounter.bytesIn, 700);
    second();
    const { process, listens } = sampler.history();
    expect(listens.one).toMatchObject({ sessions: [2], bytesIn: [300] });
    expect(listens.two).toMatchObject({ sessions: [0], bytesIn: [700] });
    expect(process.bytesIn).toEqual([1000]);
  });

  test("forgets a listen that is gone, but not that it had traffic", () => {
    const { sampler, second, one, two } = begun();
    add(one, 0, ListenCounter.bytesOut, 4000);
    sampler.remove(one);
    add(two, 0, ListenCounter.bytesOut, 1000);
    second();
    expect(Object.keys(sampler.history().listens)).toEqual(["two"]);
    expect(sampler.history().process.bytesOut).toEqual([5000]);
  });

  test("has a listen that was added from its first sample on", () => {
    const { sampler, clock, second, one } = begun();
    sampler.remove(one);
    sampler.add(one, clock.nowMs());
    expect(Object.keys(sampler.history().listens)).toEqual(["two"]);
    second();
    expect(sampler.history().listens.one?.sessions).toEqual([0]);
  });

  test("goes on when all counters are cleared", () => {
    const { sampler, second, one } = begun();
    add(one, 0, ListenCounter.bytesOut, 4000);
    second();
    const goOn = sampler.clearing();
    one.board.counters(0).fill(0);
    goOn();
    second();
    expect(sampler.history().process.bytesOut).toEqual([2000]);
    expect(sampler.history().listens.one?.bytesOut).toEqual([2000]);
  });
});
