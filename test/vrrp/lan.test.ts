import { expect, test } from "bun:test";
import { playSchedule } from "./lan/schedule.ts";

/**
 * Random fault schedules over 2 to 5 hosts on a simulated LAN. Whatever happens: nobody but a MASTER holds addresses, at most
 * one host answers for them while the network is sound (or the lease of a dead one lasts), and within the protocol's bound
 * after the last fault there is exactly one owner, the best. `VRRP_SEED=123 bun test test/vrrp/lan.test.ts` replays one.
 */
const SCHEDULES = 10_000;
const BATCHES = 20;

const wanted = process.env.VRRP_SEED;

if (wanted !== undefined) {
  test(`seed ${wanted} keeps every promise`, () => {
    expect(playSchedule(Number(wanted))).toBeGreaterThan(0);
  });
} else {
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const first = (batch * SCHEDULES) / BATCHES;
    const last = first + SCHEDULES / BATCHES - 1;
    test(`one owner after any fault, seeds ${first} to ${last}`, () => {
      let frames = 0;
      for (let seed = first; seed <= last; seed += 1) frames += playSchedule(seed);
      expect(frames).toBeGreaterThan(SCHEDULES / BATCHES);
    });
  }
}
