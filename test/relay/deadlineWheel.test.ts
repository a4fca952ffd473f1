import { describe, expect, test } from "bun:test";
import { DeadlineWheel, Timed } from "../../src/relay/deadlineWheel.ts";
import { FakeClock } from "../support/fakeClock.ts";

class Alarm extends Timed {
  readonly ranAtMs: number[] = [];
  constructor(
    private readonly clock: FakeClock,
    private readonly also: () => void = () => {},
  ) {
    super();
  }
  onDeadline(): void {
    this.ranAtMs.push(this.clock.nowMs());
    this.also();
  }
}

function stand(startMs = 0): { clock: FakeClock; wheel: DeadlineWheel; alarm: (also?: () => void) => Alarm } {
  const clock = new FakeClock();
  clock.pass(startMs);
  return { clock, wheel: new DeadlineWheel(clock), alarm: (also) => new Alarm(clock, also) };
}

/** Never early, and late by no more than a tick. */
function expectAt(alarm: Alarm, deadlineMs: number): void {
  expect(alarm.ranAtMs).toHaveLength(1);
  expect(alarm.ranAtMs[0]).toBeGreaterThanOrEqual(deadlineMs);
  expect(alarm.ranAtMs[0]).toBeLessThanOrEqual(deadlineMs + 11);
}

describe("the deadline wheel", () => {
  test.each([0, 1, 9, 10, 11, 995, 5_000, 10_239, 10_240, 10_241, 60_000, 3_600_000])(
    "runs a deadline %d ms ahead once, on time",
    (aheadMs) => {
      for (const startMs of [0, 7, 123_456]) {
        const { clock, wheel, alarm } = stand(startMs);
        const one = alarm();
        wheel.arm(one, startMs + aheadMs);
        clock.pass(aheadMs + 11);
        expectAt(one, startMs + aheadMs);
        clock.pass(30_000);
        expect(one.ranAtMs).toHaveLength(1);
      }
    },
  );

  test("runs a deadline that has passed already at the next opportunity", () => {
    const { clock, wheel, alarm } = stand(50_000);
    const late = alarm();
    wheel.arm(late, 1_000);
    clock.pass(11);
    expect(late.ranAtMs).toHaveLength(1);
  });

  test("forgets a deadline that is taken back, wherever it stands in its slot", () => {
    const { clock, wheel, alarm } = stand();
    const all = [alarm(), alarm(), alarm()];
    for (const each of all) wheel.arm(each, 500);
    wheel.disarm(all[1] as Alarm);
    wheel.disarm(all[1] as Alarm);
    wheel.disarm(all[2] as Alarm);
    clock.pass(1_000);
    expect(all.map(({ ranAtMs }) => ranAtMs.length)).toEqual([1, 0, 0]);
  });

  test("keeps the newest of several settings", () => {
    const { clock, wheel, alarm } = stand();
    const [sooner, later, never] = [alarm(), alarm(), alarm()];
    wheel.arm(sooner, 5_000);
    wheel.arm(sooner, 100);
    wheel.arm(later, 100);
    wheel.arm(later, 5_000);
    wheel.arm(never, 100);
    wheel.arm(never, Number.POSITIVE_INFINITY);
    clock.pass(6_000);
    expectAt(sooner, 100);
    expectAt(later, 5_000);
    expect(never.ranAtMs).toHaveLength(0);
  });

  test("lets a deadline set another one, itself or a stranger, and take back one that is due", () => {
    const { clock, wheel, alarm } = stand();
    const stranger = alarm();
    const again: Alarm = alarm(() => {
      if (again.ranAtMs.length < 3) wheel.arm(again, clock.nowMs() + 40);
      wheel.arm(stranger, 1_000);
    });
    wheel.arm(again, 20);
    clock.pass(2_000);
    expect(again.ranAtMs).toHaveLength(3);
    expectAt(stranger, 1_000);
  });

  test("sleeps when nothing is armed, and has one timer however much is", () => {
    const { clock, wheel, alarm } = stand();
    expect(clock.pendingMs).toHaveLength(0);
    for (let i = 0; i < 1_000; i++) wheel.arm(alarm(), 100 + i * 37);
    expect(clock.pendingMs).toHaveLength(1);
    clock.pass(40_000);
    expect(clock.pendingMs).toHaveLength(0);
  });

  test("catches up after a stall of several turns", () => {
    const { clock, wheel, alarm } = stand();
    const all = [50, 3_000, 9_000, 15_000, 29_000].map((deadlineMs) => ({ deadlineMs, one: alarm() }));
    for (const { one, deadlineMs } of all) wheel.arm(one, deadlineMs);
    clock.stall(30_000);
    clock.pass(20);
    expect(all.map(({ one }) => one.ranAtMs.length)).toEqual([1, 1, 1, 1, 1]);
  });

  test("agrees with a plain list over many random settings", () => {
    let seed = 20_261_122;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return seed % below;
    };
    const { clock, wheel, alarm } = stand(1_234);
    const all = Array.from({ length: 200 }, () => ({
      one: alarm(),
      deadlineMs: Number.POSITIVE_INFINITY,
      settings: 0,
    }));
    for (let step = 0; step < 5_000; step++) {
      const each = all[random(all.length)] as (typeof all)[number];
      if (random(3) === 0) {
        wheel.disarm(each.one);
        each.deadlineMs = Number.POSITIVE_INFINITY;
      } else {
        each.deadlineMs = clock.nowMs() + random(25_000);
        wheel.arm(each.one, each.deadlineMs);
      }
      clock.pass(random(30));
      for (const { one, deadlineMs } of all) {
        const lastMs = one.ranAtMs.at(-1) ?? -1;
        expect(one.armedMs === Number.POSITIVE_INFINITY || clock.nowMs() < deadlineMs + 11).toBe(true);
        if (lastMs > deadlineMs) expect(lastMs - deadlineMs).toBeLessThanOrEqual(11);
      }
    }
  });
});
