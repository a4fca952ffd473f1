import { describe, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SdNotify, type ServiceState } from "../../src/supervisor/sdNotify.ts";
import { FakeClock } from "../support/fakeClock.ts";
import { type ServiceManager, serviceManager } from "../support/serviceManager.ts";
import { tmpDir } from "../support/tmp.ts";

const PID = 4711;
const WELL: ServiceState = { well: true, health: "1/1 listens up", connections: 3 };

interface Stand {
  manager: ServiceManager;
  clock: FakeClock;
  notify: SdNotify;
  state: ServiceState;
  /** What the manager has heard since the last call. */
  news(): string[];
}

function stand(env: Record<string, string> = {}, address = join(tmpDir(), "notify")): Stand {
  const manager = serviceManager(address);
  const clock = new FakeClock();
  let read = 0;
  const made: Stand = {
    manager,
    clock,
    state: WELL,
    notify: SdNotify.fromEnvironment({ NOTIFY_SOCKET: address, ...env }, PID, clock, () => made.state),
    news() {
      const all = manager.heard().map(({ text }) => text);
      const news = all.slice(read);
      read = all.length;
      return news;
    },
  };
  return made;
}

const fed = (news: string[]): number => news.filter((text) => text === "WATCHDOG=1").length;

describe("the service manager hears", () => {
  test.each([
    ["at a path", () => join(tmpDir(), "notify")],
    ["at an abstract name", () => `@haproxy-lite-test/notify-${process.pid}`],
  ])("%s that we serve, and how things stand", (_, address) => {
    const { notify, news } = stand({}, address());
    notify.ready();
    expect(news()).toEqual([`READY=1\nMAINPID=${process.pid}\nSTATUS=1/1 listens up; 3 connections`]);
  });

  test("of a reload with the time of the host's monotonic clock, and of its end", () => {
    const { notify, news } = stand();
    notify.ready();
    news();
    notify.reloading();
    const [said] = news();
    const micros = Number(/^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(said ?? "")?.[1]);
    // The first number of /proc/uptime also counts the time asleep, which no test machine has behind it.
    const upSeconds = Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]);
    expect(Math.abs(micros / 1e6 - upSeconds)).toBeLessThan(5);
    notify.ready();
    expect(news()[0]).toStartWith("READY=1\n");
  });

  test("that we stop, once, and nothing of a reload that comes too late", () => {
    const made = stand();
    const { notify, news } = made;
    notify.ready();
    news();
    made.state = { ...WELL, health: "stopping: 1/1 listens up" };
    notify.stopping(34_000);
    notify.stopping(34_000);
    notify.reloading();
    notify.ready();
    expect(news()).toEqual([
      "STOPPING=1\nEXTEND_TIMEOUT_USEC=34000000\nSTATUS=stopping: 1/1 listens up; 3 connections",
    ]);
  });

  test("a change of health at once, and one of the connections alone every ten seconds", () => {
    const made = stand();
    const { notify, news, clock } = made;
    notify.changed();
    expect(news()).toEqual([]); // the start is not over
    notify.ready();
    news();
    notify.changed();
    made.state = { ...WELL, connections: 1 };
    notify.changed();
    expect(news()).toEqual([]);
    clock.pass(10_000);
    notify.changed();
    notify.changed();
    expect(news()).toEqual(["STATUS=1/1 listens up; 1 connection"]);
    made.state = { well: true, health: "0/1 listens up", connections: null };
    notify.changed();
    expect(news()).toEqual(["STATUS=0/1 listens up"]);
  });

  test("us also after it was started anew under the same name", () => {
    const address = join(tmpDir(), "notify");
    const { notify, manager } = stand({}, address);
    notify.ready();
    manager.close();
    rmSync(address);
    const second = serviceManager(address);
    notify.stopping(34_000);
    expect(second.heard()).toHaveLength(1);
  });
});

describe("a watchdog", () => {
  const armed = { WATCHDOG_USEC: "2000000" };

  test("is fed when the service is ready, and at half of its time from then on", () => {
    const { notify, news, clock } = stand(armed);
    clock.pass(5000);
    expect(news()).toEqual([]);
    notify.ready();
    expect(fed(news())).toBe(1);
    clock.pass(999);
    expect(fed(news())).toBe(0);
    clock.pass(1);
    expect(fed(news())).toBe(1);
    clock.pass(5000);
    expect(fed(news())).toBe(5);
  });

  test("is fed once per round however often the service reloads", () => {
    const { notify, news, clock } = stand(armed);
    notify.ready();
    notify.reloading();
    notify.ready();
    news();
    clock.pass(3000);
    expect(fed(news())).toBe(3);
  });

  test("starves while something is wrong, and is fed soon after it is right again", () => {
    const made = stand(armed);
    const { notify, news, clock } = made;
    notify.ready();
    made.state = { ...WELL, well: false };
    news();
    clock.pass(10_000);
    expect(fed(news())).toBe(0);
    made.state = WELL;
    clock.pass(130);
    expect(fed(news())).toBe(1);
    clock.pass(990);
    expect(fed(news())).toBe(0);
  });

  test("that waits for another process, or for nobody, is not fed", () => {
    for (const env of [{ ...armed, WATCHDOG_PID: "4712" }, { WATCHDOG_USEC: "0" }, { WATCHDOG_USEC: "soon" }, {}]) {
      const { notify, news, clock } = stand(env);
      notify.ready();
      clock.pass(10_000);
      expect(fed(news())).toBe(0);
      notify.close();
    }
    const { notify, news } = stand({ ...armed, WATCHDOG_PID: String(PID) });
    notify.ready();
    expect(fed(news())).toBe(1);
  });

  test("is not fed any more after the end", () => {
    const { notify, news, clock } = stand(armed);
    notify.ready();
    notify.close();
    news();
    clock.pass(10_000);
    expect(news()).toEqual([]);
  });
});

test.each([undefined, "", "relative/path", "vsock:2:1234", "/", `/${"x".repeat(200)}`, "/no/such/socket"])(
  "NOTIFY_SOCKET=%p is nobody to talk to, and no reason to fail",
  (address) => {
    const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: "1000" };
    const notify = SdNotify.fromEnvironment(env, PID, new FakeClock(), () => WELL);
    notify.ready();
    notify.reloading();
    notify.changed();
    notify.stopping(34_000);
    notify.close();
  },
);
