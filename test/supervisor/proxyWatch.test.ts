import { describe, expect, test } from "bun:test";
import { HEALTH_MS, type HealthReport } from "../../src/proxy/protocol.ts";
import { PROXY_LATE_MS, ProxyWatch } from "../../src/supervisor/proxyWatch.ts";
import { FakeClock } from "../support/fakeClock.ts";

const WELL: HealthReport = {
  kind: "health",
  lateThread: null,
  connections: 0,
  listens: [
    { name: "web", usable: 1, servers: 2 },
    { name: "bare", usable: 0, servers: 0 },
  ],
};
const WEB_DOWN: HealthReport = { ...WELL, listens: [{ name: "web", usable: 0, servers: 2 }] };

/** A watch, with how often it has spoken; its proxy has told that all is well unless `fresh`. */
function stand(fresh = false) {
  const clock = new FakeClock();
  clock.pass(5000);
  let changes = 0;
  let hangs = 0;
  const watch = new ProxyWatch(
    clock,
    PROXY_LATE_MS,
    () => changes++,
    () => hangs++,
  );
  if (!fresh) {
    watch.started();
    watch.reported(WELL);
    changes = 0;
  }
  /** Lets time pass in which the proxy reports as it should. */
  const live = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += HEALTH_MS) {
      clock.pass(HEALTH_MS);
      watch.reported(WELL);
    }
  };
  return { clock, watch, live, changes: () => changes, hangs: () => hangs };
}

describe("a proxy process", () => {
  test("serves with its first report, and not before", () => {
    const { watch, changes } = stand(true);
    expect(watch.state()).toEqual({ ok: false, detail: "not serving yet" });
    watch.started();
    expect(watch.state()).toEqual({ ok: false, detail: "not serving yet" });
    expect(changes()).toBe(0);
    watch.reported(WELL);
    expect(watch.state()).toEqual({ ok: true, detail: "" });
    expect(changes()).toBe(1);
  });

  test("that reports in time is well for ever, and nothing is said of it", () => {
    const { watch, live, changes } = stand();
    live(60_000);
    expect([watch.state().ok, changes()]).toEqual([true, 0]);
  });

  test("that is silent for two seconds hangs: no sooner, and not much later", () => {
    const { clock, watch, live, changes } = stand();
    live(3000);
    clock.pass(1999);
    expect([watch.state().ok, changes()]).toEqual([true, 0]);
    clock.pass(HEALTH_MS + 1);
    expect(watch.state()).toEqual({ ok: false, detail: "no sign of life for 2.2 s" });
    expect(changes()).toBe(1);
    clock.pass(7800);
    expect(watch.state().detail).toBe("no sign of life for 10.0 s");
    expect(changes()).toBe(1);
  });

  test("that stays silent is given up after ten seconds, once, and again when it has lived meanwhile", () => {
    const { clock, watch, live, hangs } = stand();
    live(1000);
    const heardMs = clock.nowMs();
    clock.pass(9900);
    expect([watch.silentSinceMs, hangs()]).toEqual([heardMs, 0]);
    clock.pass(HEALTH_MS);
    expect(hangs()).toBe(1);
    clock.pass(60_000);
    expect(hangs()).toBe(1);
    watch.reported(WELL);
    expect(watch.silentSinceMs).toBeNull();
    clock.pass(10_200);
    expect(hangs()).toBe(2);
    watch.ended("killed");
    clock.pass(60_000);
    expect(hangs()).toBe(2);
  });

  test("is judged from its last report on, wherever in a round that came", () => {
    const { clock, watch } = stand();
    clock.pass(HEALTH_MS - 1);
    watch.reported(WELL);
    clock.pass(1999);
    expect(watch.state().ok).toBe(true);
    clock.pass(HEALTH_MS + 1);
    expect(watch.state().ok).toBe(false);
  });

  test("that lives on is well again with its next report", () => {
    const { clock, watch, live, changes } = stand();
    clock.pass(5000);
    watch.reported(WELL);
    expect([watch.state().ok, changes()]).toEqual([true, 2]);
    live(10_000);
    expect([watch.state().ok, changes()]).toEqual([true, 2]);
  });

  test("that ended says why until the next one serves, and nobody counts its silence", () => {
    const { clock, watch, changes } = stand();
    watch.ended("killed by signal SIGKILL");
    expect(watch.state()).toEqual({ ok: false, detail: "ended (killed by signal SIGKILL)" });
    expect(watch.isBetween).toBeTrue();
    expect(changes()).toBe(1);
    expect(clock.pendingMs).toEqual([]);
    watch.started();
    expect(watch.state().detail).toBe("not serving yet");
    expect(watch.isBetween).toBeFalse();
    watch.reported(WELL);
    expect(watch.state().ok).toBe(true);
  });

  test("with a late relay thread does not work, and does again when the thread goes on", () => {
    const { watch, changes } = stand();
    watch.reported({ ...WELL, lateThread: 1 });
    expect(watch.state()).toEqual({ ok: false, detail: "relay thread 1 hangs" });
    watch.reported({ ...WELL, lateThread: 1 });
    expect(changes()).toBe(1);
    watch.reported(WELL);
    expect([watch.state().ok, changes()]).toEqual([true, 2]);
  });
});

describe("a stall of our own", () => {
  test("is not taken for the proxy's: reports that wait in the pipe are read first", () => {
    const { clock, watch, live, changes } = stand();
    live(1000);
    clock.stall(30_000);
    clock.pass(0); // the late timer, before the pipe
    expect(watch.state().ok).toBe(true);
    watch.reported(WELL);
    clock.pass(1000);
    expect([watch.state().ok, changes()]).toEqual([true, 0]);
  });

  test("leaves a proxy that was frozen along with us its full time", () => {
    const { clock, watch } = stand();
    clock.stall(30_000);
    clock.pass(1500);
    expect(watch.state().ok).toBe(true);
    watch.reported(WELL);
    clock.pass(1900);
    expect(watch.state().ok).toBe(true);
  });

  test("is no reason to end a proxy", () => {
    const { clock, watch, live, hangs } = stand();
    live(1000);
    for (let i = 0; i < 3; i++) {
      clock.stall(60_000);
      clock.pass(0);
    }
    expect([watch.state().ok, hangs()]).toEqual([true, 0]);
  });

  test("does not hide a proxy that is silent after it", () => {
    const { clock, watch } = stand();
    clock.stall(30_000);
    clock.pass(2100);
    expect(watch.state()).toEqual({ ok: false, detail: "no sign of life for 32.1 s" });
  });

  test("that comes again and again only delays the verdict", () => {
    const { clock, watch } = stand();
    for (let i = 0; i < 10; i++) {
      clock.stall(700);
      clock.pass(0);
    }
    expect(watch.state().ok).toBe(false);
  });
});

describe("a listen", () => {
  test("is unknown until the proxy has told of it for the first time", () => {
    const { watch } = stand(true);
    expect(watch.listen("web")).toEqual({ state: "unknown", detail: "" });
    watch.reported(WELL);
    expect(watch.listen("web")).toEqual({ state: "ok", detail: "1 of 2 servers usable" });
    expect(watch.listen("elsewhere")).toEqual({ state: "unknown", detail: "" });
  });

  test("that nobody serves has failed, and is said at once", () => {
    const { watch, changes } = stand();
    watch.reported(WEB_DOWN);
    expect(watch.listen("web")).toEqual({ state: "failed", detail: "0 of 2 servers usable" });
    expect([watch.state().ok, changes()]).toEqual([true, 1]);
    watch.reported(WELL);
    expect([watch.listen("web").state, changes()]).toEqual(["ok", 2]);
  });

  test("that loses one server of several is no news", () => {
    const { watch, changes } = stand();
    watch.reported({ ...WELL, listens: WELL.listens.map((listen) => ({ ...listen, usable: listen.servers })) });
    expect(watch.listen("web").detail).toBe("2 of 2 servers usable");
    expect(changes()).toBe(0);
  });

  test("without servers cannot fail by them", () => {
    expect(stand().watch.listen("bare")).toEqual({ state: "ok", detail: "no servers" });
  });

  test("has failed while no proxy works, but not for one late thread of several", () => {
    const { watch } = stand();
    watch.reported({ ...WELL, lateThread: 0 });
    expect(watch.listen("web").state).toBe("ok");
    watch.ended("exit status 70");
    expect(watch.listen("web")).toEqual({ state: "failed", detail: "no working proxy: ended (exit status 70)" });
    watch.started();
    expect(watch.listen("web")).toEqual({ state: "failed", detail: "no working proxy: not serving yet" });
  });
});
