import { describe, expect, test } from "bun:test";
import { Availability } from "../../src/stats/availability.ts";
import { RateMeters } from "../../src/stats/rates.ts";

describe("a rate", () => {
  test("counts the present second and what is left of the one before", () => {
    const meters = new RateMeters(1, 0);
    expect(meters.read(0, 40, 400).now).toBe(40);
    meters.tick(1000, () => 100);
    expect(meters.read(0, 100, 1000).now).toBe(100);
    expect(meters.read(0, 100, 1250).now).toBe(75);
    expect(meters.read(0, 130, 1500).now).toBe(80);
    expect(meters.read(0, 130, 2000).now).toBe(30);
  });

  test("remembers its busiest second, the one that is not over included", () => {
    const meters = new RateMeters(1, 0);
    meters.tick(1000, () => 100);
    meters.tick(2000, () => 110);
    expect(meters.read(0, 115, 2500)).toEqual({ now: 10, max: 100 });
    expect(meters.read(0, 300, 2500).max).toBe(190);
  });

  test("of a late tick is averaged over the time that passed", () => {
    const meters = new RateMeters(1, 0);
    meters.tick(4000, () => 400);
    expect(meters.read(0, 400, 4000)).toEqual({ now: 100, max: 100 });
    expect(meters.read(0, 700, 7000).now).toBe(100);
  });

  test("does not take a tick that comes too early for a second", () => {
    const meters = new RateMeters(1, 0);
    meters.tick(10, () => 50);
    expect(meters.read(0, 50, 10).max).toBe(50);
    meters.tick(1000, () => 50);
    expect(meters.read(0, 50, 1000)).toEqual({ now: 50, max: 50 });
  });

  test("of a counter that went back is 0, not negative", () => {
    const meters = new RateMeters(1, 0);
    meters.tick(1000, () => 500);
    meters.tick(2000, () => 0);
    expect(meters.read(0, 0, 2000)).toEqual({ now: 0, max: 500 });
  });

  test("knows nothing of a counter that is cleared, and forgets its busiest second when it is told to", () => {
    const meters = new RateMeters(1, 0);
    meters.tick(1000, () => 100);
    const cleared = meters.clearing(() => 130);
    cleared();
    expect(meters.read(0, 5, 1500)).toEqual({ now: 85, max: 100 });
    meters.tick(2000, () => 10);
    expect(meters.read(0, 10, 2000).now).toBe(40);
    meters.clearMaxima();
    expect(meters.read(0, 10, 2000)).toEqual({ now: 40, max: 0 });
    meters.tick(3000, () => 17);
    expect(meters.read(0, 17, 3000)).toEqual({ now: 7, max: 7 });
  });

  test("does not jump when a second ends while a counter is being cleared", () => {
    const meters = new RateMeters(1, 0);
    meters.tick(1000, () => 100);
    const cleared = meters.clearing(() => 130);
    meters.tick(2000, () => 0);
    cleared();
    expect(meters.read(0, 4, 2500).now).toBe(4);
    expect(meters.read(0, 4, 2500).max).toBe(100);
  });

  test("is kept for each counter alone", () => {
    const meters = new RateMeters(2, 0);
    meters.tick(1000, (meter) => [3, 7][meter] as number);
    expect([meters.read(0, 3, 1000).now, meters.read(1, 7, 1000).now]).toEqual([3, 7]);
  });
});

describe("availability", () => {
  test("counts outages and their time, the present one included", () => {
    const listen = new Availability(true, 100);
    listen.note(true, 200);
    expect([listen.sinceMs, listen.downs, listen.downtimeMs(300)]).toEqual([100, 0, 0]);
    listen.note(false, 1000);
    expect([listen.available, listen.sinceMs, listen.downs, listen.downtimeMs(1500)]).toEqual([false, 1000, 1, 500]);
    listen.note(true, 3000);
    listen.note(false, 4000);
    expect([listen.downs, listen.downtimeMs(4500)]).toEqual([2, 2500]);
  });

  test("of a listen that starts without servers runs from its start", () => {
    const listen = new Availability(false, 100);
    expect([listen.downs, listen.downtimeMs(600)]).toEqual([0, 500]);
  });
});
