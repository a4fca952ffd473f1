import { expect, test } from "bun:test";
import { StandingReports } from "../../src/proxy/standingReports.ts";
import { FakeClock } from "../support/fakeClock.ts";

function stand() {
  const clock = new FakeClock();
  const toldMs: number[] = [];
  const reports = new StandingReports(clock, () => toldMs.push(clock.nowMs()));
  return { clock, reports, toldMs };
}

test("nothing is told before the process serves, and everything when it does", () => {
  const { clock, reports, toldMs } = stand();
  reports.changed();
  clock.pass(5000);
  expect(toldMs).toEqual([]);
  reports.start();
  expect(toldMs).toEqual([5000]);
});

test("a change is told at once, with all of its moment, and the next ones every half second", () => {
  const { clock, reports, toldMs } = stand();
  reports.start();
  clock.pass(2000);
  for (let i = 0; i < 100; i++) {
    reports.changed();
    clock.pass(10);
  }
  clock.pass(2000);
  expect(toldMs).toEqual([0, 2020, 2520, 3020]);
});

test("a process that ends tells nothing more", () => {
  const { clock, reports, toldMs } = stand();
  reports.start();
  reports.changed();
  reports.stop();
  reports.changed();
  clock.pass(5000);
  expect(toldMs).toEqual([0]);
});

test("what somebody may act on is told at once, however short the pause was, and not twice", () => {
  const { clock, reports, toldMs } = stand();
  reports.changedGravely();
  reports.start();
  clock.pass(100);
  reports.changed();
  reports.changedGravely();
  clock.pass(2000);
  expect(toldMs).toEqual([0, 100]);
});
