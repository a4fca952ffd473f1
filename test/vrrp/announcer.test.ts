import { expect, test } from "bun:test";
import { AddressAnnouncer, type AnnounceSettings } from "../../src/vrrp/announcer.ts";
import { FakeClock } from "../support/fakeClock.ts";

/** keepalived's defaults, and our slow refresh. */
const DEFAULTS: AnnounceSettings = {
  masterDelayMs: 5000,
  masterRepeat: 5,
  masterRefreshMs: 60_000,
  masterRefreshRepeat: 1,
  lowerPrioDelayMs: 5000,
  lowerPrioRepeat: 5,
  intervalMs: 0,
  neighbourIntervalMs: 0,
};

/** An announcer of the given addresses; `sent` holds what left: "A" for a request, "a" for a reply, with the time in ms. */
function stand(settings: Partial<AnnounceSettings> = {}, addresses: Record<string, 4 | 6> = { a: 4 }) {
  const clock = new FakeClock();
  const sent: string[] = [];
  const announcements = Object.entries(addresses).map(([name, family]) => ({
    family,
    send: (form: "request" | "reply") => sent.push(`${form === "request" ? name.toUpperCase() : name}${clock.nowMs()}`),
  }));
  const announcer = new AddressAnnouncer(clock, { ...DEFAULTS, ...settings }, () => announcements);
  const take = () => sent.splice(0).join(" ");
  return { clock, announcer, take };
}

test("a new master announces five rounds at once, and again after garp_master_delay", () => {
  const { clock, announcer, take } = stand();
  announcer.becameMaster();
  expect(take()).toBe("A0 A0 A0 A0 A0 a0");
  clock.pass(4999);
  expect(take()).toBe("");
  clock.pass(1);
  expect(take()).toBe("A5000 A5000 A5000 A5000 A5000 a5000");
});

test("rounds go over all addresses before the next round begins, as keepalived's do; IPv6 has no reply form", () => {
  const { announcer, take } = stand({ masterRepeat: 2 }, { a: 4, b: 4, c: 6 });
  announcer.becameMaster();
  expect(take()).toBe("A0 B0 C0 A0 B0 C0 a0 b0");
});

test("garp_master_delay 0 means one burst only", () => {
  const { clock, announcer, take } = stand({ masterDelayMs: 0, masterRefreshMs: 0 });
  announcer.becameMaster();
  take();
  clock.pass(3_600_000);
  expect(take()).toBe("");
  expect(clock.pendingMs).toEqual([]);
});

test("a master refreshes what its neighbours know every garp_master_refresh", () => {
  const { clock, announcer, take } = stand({ masterDelayMs: 0, masterRefreshMs: 1000, masterRefreshRepeat: 2 });
  announcer.becameMaster();
  take();
  clock.pass(2500);
  expect(take()).toBe("A1000 A1000 a1000 A2000 A2000 a2000");
});

test("the second burst of an earlier mastership is never sent in a later one", () => {
  const { clock, announcer, take } = stand();
  announcer.becameMaster();
  clock.pass(4000);
  announcer.stop();
  announcer.becameMaster();
  take();
  clock.pass(4000);
  expect(take()).toBe("");
  clock.pass(1000);
  expect(take()).toBe("A9000 A9000 A9000 A9000 A9000 a9000");
});

test("nothing is sent, and no timer left, once it is no longer master", () => {
  const { clock, announcer, take } = stand({ intervalMs: 10 });
  announcer.becameMaster();
  announcer.reassert();
  take();
  announcer.stop();
  expect(clock.pendingMs).toEqual([]);
  announcer.reassert();
  clock.pass(100_000);
  expect(take()).toBe("");
});

test("a rival that goes on is answered at once, then no oftener than garp_lower_prio_delay, and its last advert is not forgotten", () => {
  const { clock, announcer, take } = stand({ masterDelayMs: 0, masterRefreshMs: 0, lowerPrioRepeat: 1 });
  announcer.becameMaster();
  take();
  for (let i = 0; i < 6; i++) {
    announcer.reassert();
    clock.pass(500);
  }
  expect(take()).toBe("A0 a0");
  clock.pass(2000);
  expect(take()).toBe("A5000 a5000");
  clock.pass(60_000);
  expect(take()).toBe("");
});

test("a rival after a second of quiet is a new one, and answered at once", () => {
  const { clock, announcer, take } = stand({ masterDelayMs: 0, masterRefreshMs: 0, lowerPrioRepeat: 1 });
  announcer.becameMaster();
  take();
  announcer.reassert();
  clock.pass(1000);
  announcer.reassert();
  expect(take()).toBe("A0 a0 A1000 a1000");
});

test("garp_lower_prio_repeat 0 answers rivals by adverts alone", () => {
  const { announcer, take } = stand({ lowerPrioRepeat: 0 });
  announcer.becameMaster();
  take();
  announcer.reassert();
  expect(take()).toBe("");
});

test("garp_interval and gna_interval space the frames of a burst", () => {
  const { clock, announcer, take } = stand(
    { masterRepeat: 1, intervalMs: 10, neighbourIntervalMs: 30 },
    { a: 4, b: 6 },
  );
  announcer.becameMaster();
  clock.pass(100);
  expect(take()).toBe("A0 B10 a40");
});

test("new settings hold from the next burst on", () => {
  const { clock, announcer, take } = stand();
  announcer.becameMaster();
  take();
  announcer.configure({ ...DEFAULTS, masterRepeat: 1 });
  clock.pass(5000);
  expect(take()).toBe("A5000 a5000");
});

test("what falls due in a freeze is not sent after it: somebody else may own the addresses; the refresh goes on", () => {
  const { clock, announcer, take } = stand({ masterRefreshMs: 10_000 });
  announcer.becameMaster();
  take();
  clock.stall(60_000);
  clock.pass(0);
  expect(take()).toBe("");
  clock.pass(10_000);
  expect(take()).toBe("A70000 a70000");
});
