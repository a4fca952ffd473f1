import { expect, test } from "bun:test";
import { type LeasedAddress, LeasedAddresses, leaseSeconds } from "../../src/vrrp/leases.ts";
import { FakeClock } from "../support/fakeClock.ts";

/** A kernel that holds addresses until their lease ends; `refuses` makes it answer with an errno. */
function kernel(clock: FakeClock) {
  const untilMs = new Map<string, number>();
  const refuses = new Map<string, number>();
  let holds = 0;
  return {
    refuses,
    holds: () => holds,
    /** What is left of the shortest lease. */
    leaseMs: () => Math.min(...untilMs.values()) - clock.nowMs(),
    present: () => [...untilMs].filter(([, until]) => until > clock.nowMs()).map(([text]) => text),
    address: (text: string): LeasedAddress => ({
      text,
      hold(seconds) {
        holds++;
        const errno = refuses.get(text);
        if (errno !== undefined) return -errno;
        untilMs.set(text, clock.nowMs() + seconds * 1000);
        return 0;
      },
      release: () => (untilMs.delete(text) ? 0 : -99),
    }),
  };
}

function stand(seconds = 2, texts = ["192.0.2.100/24", "192.0.2.101/24"]) {
  const clock = new FakeClock();
  const door = kernel(clock);
  const errors: string[] = [];
  const holder = new LeasedAddresses(clock, texts.map(door.address), seconds, (text, errno) =>
    errors.push(`${text} ${errno}`),
  );
  return { clock, door, errors, holder };
}

test.each([
  ["3 adverts of 1 s", 3, 1000, 2],
  ["3 adverts of 100 ms: no lease is shorter than a second", 3, 100, 1],
  ["3 adverts of 10 ms", 3, 10, 1],
  ["3 adverts of 500 ms", 3, 500, 1],
  ["3 adverts of 10 s", 3, 10_000, 29],
  ["100 adverts of 1 s", 100, 1000, 99],
  ["1 advert of 1 s", 1, 1000, 1],
])("the lease ends before a backup takes over: %s", (_name, adverts, intervalMs, seconds) => {
  expect(leaseSeconds(adverts, intervalMs)).toBe(seconds);
});

test("held addresses stay as long as they are renewed", () => {
  const { clock, door, holder } = stand();
  holder.hold();
  for (let passed = 0; passed < 60_000; passed += 100) {
    clock.pass(100);
    expect(door.present()).toEqual(["192.0.2.100/24", "192.0.2.101/24"]);
  }
});

test("held for longer once: they outlast a pause in which nobody renews them, and then the lease is as ever", () => {
  const { clock, door, holder } = stand();
  holder.hold(3);
  expect(door.leaseMs()).toBe(5000);
  clock.pass(500);
  expect(door.leaseMs()).toBe(2000);
});

test("a frozen process loses its addresses when the lease ends, and not before", () => {
  const { clock, door, holder } = stand();
  holder.hold();
  clock.pass(10_000); // the last renewal is at 10 s, together with the freeze
  clock.stall(1999);
  expect(door.present()).toHaveLength(2);
  clock.stall(1);
  expect(door.present()).toEqual([]);
});

test("a late renewal within the lease is as good as one in time", () => {
  const { clock, door, holder } = stand();
  holder.hold();
  clock.stall(1900);
  clock.pass(0);
  clock.stall(1900);
  expect(door.present()).toHaveLength(2);
});

test("after a freeze as long as the lease nothing is taken back until the router says so", () => {
  const { clock, door, holder } = stand();
  holder.hold();
  clock.stall(5000);
  clock.pass(60_000);
  expect(door.present()).toEqual([]);
  holder.hold();
  clock.pass(60_000);
  expect(door.present()).toHaveLength(2);
});

test("released addresses are gone at once and are not renewed", () => {
  const { clock, door, holder } = stand();
  holder.hold();
  holder.release();
  expect(door.present()).toEqual([]);
  expect(clock.pendingMs).toEqual([]);
});

test("holding again renews, with one timer however often", () => {
  const { clock, holder } = stand();
  for (let i = 0; i < 10; i++) holder.hold();
  expect(clock.pendingMs).toEqual([500]);
});

test("an address that the kernel refuses is told with its errno, and the others are held", () => {
  const { clock, door, errors, holder } = stand();
  door.refuses.set("192.0.2.100/24", 1);
  holder.hold();
  expect(errors).toEqual(["192.0.2.100/24 1"]);
  expect(door.present()).toEqual(["192.0.2.101/24"]);
  door.refuses.clear();
  clock.pass(500);
  expect(door.present()).toHaveLength(2);
});

test("who releases on hearing of a refusal has released: nothing is renewed", () => {
  const clock = new FakeClock();
  const door = kernel(clock);
  door.refuses.set("192.0.2.100/24", 1);
  const holder: LeasedAddresses = new LeasedAddresses(
    clock,
    ["192.0.2.100/24", "192.0.2.101/24"].map(door.address),
    2,
    () => holder.release(),
  );
  holder.hold();
  expect(door.present()).toEqual([]);
  expect(clock.pendingMs).toEqual([]);
});

test("a new list takes away what is no longer listed and brings what is new, at once while held", () => {
  const { door, holder } = stand();
  holder.hold();
  holder.configure(["192.0.2.101/24", "192.0.2.102/24"].map(door.address), 2);
  expect(door.present()).toEqual(["192.0.2.101/24", "192.0.2.102/24"]);
});

test("a new list of a router that holds nothing brings nothing", () => {
  const { door, holder } = stand();
  holder.configure(["192.0.2.102/24"].map(door.address), 2);
  expect(door.holds()).toBe(0);
});
