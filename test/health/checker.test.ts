import { describe, expect, test } from "bun:test";
import type { CheckConfig } from "../../src/config/schema.ts";
import { Checker, type CheckerOptions } from "../../src/health/checker.ts";
import { statusText } from "../../src/health/counter.ts";
import type { CheckResult, HealthState } from "../../src/health/result.ts";
import { encodeSockaddr } from "../../src/net/sockaddr.ts";
import { atEnd } from "../support/cleanup.ts";
import { serve, type TestServer } from "../support/echo.ts";
import { FakeClock } from "../support/fakeClock.ts";
import { until } from "../support/until.ts";
import { checkConfig, expectString, openFds } from "./checks.ts";
import { endpointOf } from "./probing.ts";
import { withoutFreeFds } from "./shortages.ts";

const RHYTHM = { intervalMs: 1000, fastIntervalMs: 200, downIntervalMs: 500, rise: 3, fall: 4 };

/** A checker of a real server whose clock the test turns. */
class Bench {
  readonly clock = new FakeClock();
  readonly results: CheckResult[] = [];
  readonly states: HealthState[] = [];
  readonly checker: Checker;

  constructor(server: TestServer, check: Partial<CheckConfig>, changes: Partial<CheckerOptions> = {}) {
    const address = encodeSockaddr(endpointOf(server));
    this.checker = new Checker({
      check: checkConfig(check),
      address: () => address,
      connectTimeoutMs: null,
      startDelayMs: 0,
      spreadPercent: 0,
      onError: "fail-check",
      clock: this.clock,
      random: () => 0.5,
      onResult: (result, state) => {
        this.results.push(result);
        this.states.push(state);
      },
      ...changes,
    });
    atEnd(() => this.checker.stop());
  }

  /** Lets time pass until the next check starts and waits for its result: its status text and the time that passed. */
  async next(): Promise<string> {
    const [delayMs] = this.clock.pendingMs;
    if (delayMs === undefined) throw new Error("no check is planned");
    const seen = this.results.length;
    this.clock.pass(delayMs);
    await until("a result", () => this.results.length > seen);
    return `${delayMs}: ${this.status}`;
  }

  get status(): string {
    const { health, rise, fall } = this.checker.state;
    return statusText(health, rise, fall);
  }

  get changes(): (string | null)[] {
    return this.states.map(({ change }) => change);
  }
}

const silentBench = async (check: Partial<CheckConfig> = {}, changes: Partial<CheckerOptions> = {}) => {
  const server = await serve({ kind: "silent" });
  return { server, bench: new Bench(server, check, changes) };
};

describe("a server's life", () => {
  test("goes through HAProxy's states at HAProxy's intervals (captured: rise 3, fall 4, 1 s / 200 ms / 500 ms)", async () => {
    const { server, bench } = await silentBench(RHYTHM);
    bench.checker.start();
    const seen = [await bench.next(), await bench.next()];
    await server.stop();
    for (let i = 0; i < 5; i++) seen.push(await bench.next());
    await server.restart();
    for (let i = 0; i < 4; i++) seen.push(await bench.next());
    expect(seen).toEqual([
      "0: UP",
      "1000: UP",
      "1000: UP 3/4",
      "200: UP 2/4",
      "200: UP 1/4",
      "200: DOWN",
      "500: DOWN",
      "500: DOWN 1/3",
      "200: DOWN 2/3",
      "200: UP",
      "1000: UP",
    ]);
    expect(bench.changes).toEqual([null, null, null, null, null, "down", null, null, null, "up", null]);
    expect(bench.checker.counters).toEqual({ failed: 4, down: 1, observed: 0, inconclusive: 0 });
  });

  test("begins after the start delay, unchecked, and one failure is enough then", async () => {
    const { server, bench } = await silentBench(RHYTHM, { startDelayMs: 700 });
    await server.stop();
    expect(bench.checker.state).toMatchObject({ up: true, lastResult: null, change: null });
    bench.checker.start();
    expect(await bench.next()).toBe("700: DOWN");
    expect(bench.changes).toEqual(["down"]);
    expect(bench.results[0]).toMatchObject({ status: "L4CON", info: "Connection refused" });
    expect(bench.checker.state.lastResult).toBe(bench.results[0] as CheckResult);
  });

  test("begins down until the first pass with init_state down", async () => {
    const { bench } = await silentBench({ ...RHYTHM, initState: "down" });
    expect(bench.checker.state.up).toBe(false);
    bench.checker.start();
    expect(await bench.next()).toBe("0: UP");
    expect(bench.changes).toEqual(["up"]);
  });

  test("spread moves the next check by up to so many percent", async () => {
    const { bench } = await silentBench(RHYTHM, { spreadPercent: 50, random: () => 0 });
    bench.checker.start();
    await bench.next();
    expect(bench.clock.pendingMs).toEqual([1500]);
  });
});

describe("one check at a time", () => {
  test("a check that hangs longer than the interval delays the next one", async () => {
    const steps = [expectString("220")];
    const { server, bench } = await silentBench({ ...RHYTHM, timeoutMs: 10_000, steps });
    bench.checker.start();
    bench.clock.pass(0);
    await until("a check on its way", () => server.accepted === 1);
    expect(bench.checker.inProgress).toBe(true);
    // Connected: the deadline of the answer has taken the place of the one of the connect.
    await until("the answer's deadline", () => bench.clock.pendingMs[0] === 10_000);
    bench.clock.pass(9_999);
    expect(bench.results).toEqual([]);
    bench.clock.pass(1);
    expect(bench.results[0]).toMatchObject({ status: "L7TOUT", durationMs: 10_000 });
    expect(bench.checker.inProgress).toBe(false);
    expect(server.accepted).toBe(1);
  });

  test("start while running changes nothing", async () => {
    const { server, bench } = await silentBench({ ...RHYTHM, steps: [expectString("220")] });
    bench.checker.start();
    bench.clock.pass(0);
    await until("a check on its way", () => server.accepted === 1);
    bench.checker.start();
    expect(bench.clock.pendingMs).toEqual([1000]); // the deadline of the check, and no next check
  });

  test("stop ends the check on its way and plans no other", async () => {
    const { server, bench } = await silentBench({ ...RHYTHM, steps: [expectString("220")] });
    const before = openFds();
    bench.checker.start();
    bench.clock.pass(0);
    await until("a check on its way", () => server.accepted === 1);
    bench.checker.stop();
    expect(bench.checker.inProgress).toBe(false);
    expect(bench.clock.pendingMs).toEqual([]);
    await until("its sockets closed", () => openFds() <= before);
    expect(bench.results).toEqual([]);
  });

  test("stopping from within onResult holds", async () => {
    const { bench } = await silentBench(RHYTHM, { onResult: () => bench.checker.stop() });
    bench.checker.start();
    bench.clock.pass(0);
    await until("the end of the check", () => !bench.checker.inProgress && bench.clock.pendingMs.length === 0);
    expect(bench.checker.state.lastResult?.status).toBe("L4OK");
  });
});

describe("maintenance", () => {
  test("pause checks nothing, resume starts anew with a check at once", async () => {
    const { server, bench } = await silentBench(RHYTHM);
    bench.checker.start();
    await bench.next();
    bench.checker.pause();
    expect(bench.clock.pendingMs).toEqual([]);
    bench.checker.observed(10);
    expect(bench.results).toHaveLength(1);

    await server.stop();
    bench.checker.resume("up");
    expect(bench.checker.state.up).toBe(true);
    expect(await bench.next()).toBe("0: DOWN");
  });

  test("after resume the server is unchecked again: the fast interval, whatever the state", async () => {
    const { bench } = await silentBench(RHYTHM);
    bench.checker.start();
    await bench.next();
    bench.checker.resume("fully-up");
    withoutFreeFds(() => bench.clock.pass(0));
    expect(bench.checker.state.lastResult?.inconclusive).toBe(true);
    expect(bench.clock.pendingMs).toEqual([200]);
  });

  test("resume from init_state fully-down needs `rise` passes", async () => {
    const { bench } = await silentBench(RHYTHM);
    bench.checker.resume("fully-down");
    expect([await bench.next(), await bench.next(), await bench.next()]).toEqual([
      "0: DOWN 1/3",
      "200: DOWN 2/3",
      "200: UP",
    ]);
  });
});

describe("errors seen in traffic", () => {
  const HANA = {
    status: "HANA",
    code: null,
    info: "Detected 3 consecutive errors, last one was: L4 unsuccessful connection",
    durationMs: null,
    evidence: null,
    passed: false,
    inconclusive: false,
  } as const;

  async function steady(onError: CheckerOptions["onError"], check: Partial<CheckConfig> = {}): Promise<Bench> {
    const { bench } = await silentBench({ ...RHYTHM, ...check }, { onError });
    bench.checker.start();
    await bench.next();
    bench.results.length = 0;
    bench.states.length = 0;
    return bench;
  }

  test.each([
    ["fail-check", ["UP 3/4", "UP 2/4", "UP 1/4", "DOWN"]],
    ["sudden-death", ["UP 1/4", "DOWN"]],
    ["mark-down", ["DOWN"]],
  ] as const)("%s: %p", async (onError, statuses) => {
    const bench = await steady(onError);
    const seen = statuses.map(() => {
      bench.checker.observed(3);
      return bench.status;
    });
    expect(seen).toEqual([...statuses]);
    expect(bench.results).toEqual(statuses.map(() => HANA));
    expect(bench.changes.at(-1)).toBe("down");
    expect(bench.checker.counters).toEqual({
      failed: statuses.length,
      down: 1,
      observed: statuses.length,
      inconclusive: 0,
    });
    expect(bench.clock.pendingMs).toEqual([200]);
  });

  test("fastinter concludes nothing and only hurries the next check", async () => {
    const bench = await steady("fastinter");
    bench.clock.pass(100);
    bench.checker.observed(3);
    expect(bench.results).toEqual([]);
    expect(bench.status).toBe("UP");
    expect(bench.clock.pendingMs).toEqual([200]);
  });

  test("a check that is due sooner is not put off", async () => {
    const bench = await steady("mark-down");
    bench.clock.pass(950);
    bench.checker.observed(3);
    expect(bench.clock.pendingMs).toEqual([50]);
  });

  test("without a fast interval the next check stays where it was (captured: 5 s)", async () => {
    const bench = await steady("mark-down", { intervalMs: 5000, fastIntervalMs: 5000, downIntervalMs: 5000 });
    bench.clock.pass(1000);
    bench.checker.observed(3);
    expect(bench.clock.pendingMs).toEqual([4000]);
  });

  test("a server that is down anyway stays so, and nothing is counted as a failed check", async () => {
    const bench = await steady("mark-down");
    bench.checker.observed(3);
    bench.checker.observed(3);
    expect(bench.changes).toEqual(["down", null]);
    expect(bench.checker.counters).toMatchObject({ failed: 1, down: 1, observed: 2 });
  });
});

describe("a check that could not run", () => {
  test("for lack of descriptors marks nobody down, is counted and reported, and is tried again", async () => {
    const { bench } = await silentBench({ ...RHYTHM, rise: 1, fall: 1 });
    bench.checker.start();
    withoutFreeFds(() => bench.clock.pass(0));
    expect(bench.results).toHaveLength(1);
    expect(bench.results[0]).toMatchObject({ status: "SOCKERR", info: "Too many open files", inconclusive: true });
    expect(bench.states[0]).toMatchObject({ up: true, change: null });
    expect(bench.checker.counters).toEqual({ failed: 0, down: 0, observed: 0, inconclusive: 1 });
    // Still unchecked, hence the fast interval.
    expect(await bench.next()).toBe("200: UP");
    expect(bench.results[1]).toMatchObject({ status: "L4OK" });
  });

  test("because the name is not resolved counts as failed, and passes once there is an address", async () => {
    const server = await serve({ kind: "silent" });
    let address: Uint8Array | null = null;
    const bench = new Bench(server, { ...RHYTHM, rise: 1 }, { address: () => address });
    bench.checker.start();
    expect(await bench.next()).toBe("0: DOWN");
    expect(bench.results[0]).toMatchObject({ status: "SOCKERR", info: "The server's name is not resolved" });
    address = encodeSockaddr(endpointOf(server));
    expect(await bench.next()).toBe("500: UP");
  });
});

describe("a checker that takes over from another with other figures", () => {
  /** The standing after so many failures, carried over to a checker of other figures. */
  async function carriedOver(failures: number, rise: number, fall: number): Promise<string> {
    const { server, bench } = await silentBench(RHYTHM);
    bench.checker.start();
    await bench.next();
    if (failures > 0) await server.stop();
    for (let i = 0; i < failures; i++) await bench.next();
    const next = new Checker(
      {
        check: checkConfig({ ...RHYTHM, rise, fall }),
        address: () => null,
        connectTimeoutMs: null,
        startDelayMs: 0,
        spreadPercent: 0,
        onError: "fail-check",
        clock: bench.clock,
        random: () => 0.5,
        onResult() {},
      },
      bench.checker.memory,
    );
    expect(next.counters).toEqual(bench.checker.counters);
    expect(next.state.lastResult).toBe(bench.checker.state.lastResult);
    return statusText(next.state.health, rise, fall);
  }

  test.each([
    [0, 3, 4, "UP"],
    [0, 1, 9, "UP"],
    [0, 5, 1, "UP"],
    [1, 3, 4, "UP 3/4"],
    [1, 2, 9, "UP 3/9"],
    [1, 2, 2, "UP"],
    [4, 3, 4, "DOWN"],
    [4, 9, 1, "DOWN"],
  ])("after %d failures, rise %d and fall %d leave it %s", async (failures, rise, fall, expected) => {
    expect(await carriedOver(failures, rise, fall)).toBe(expected);
  });
});
