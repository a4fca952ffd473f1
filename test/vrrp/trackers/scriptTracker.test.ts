import { expect, test } from "bun:test";
import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { VrrpScriptConfig } from "../../../src/config/schema.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { type ScriptResult, ScriptTracker } from "../../../src/vrrp/trackers/scriptTracker.ts";
import { alive, pidIn, readIfThere, script } from "../../net/programs.ts";
import { atEnd } from "../../support/cleanup.ts";
import { FakeClock } from "../../support/fakeClock.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";

const isRoot = process.geteuid?.() === 0;

/** A tracked script in a fake time, whose next exit status a test sets. */
function track(config: Partial<VrrpScriptConfig> = {}, { start = true, clock = new FakeClock() } = {}) {
  const dir = tmpDir();
  const runs = join(dir, "runs");
  const status = join(dir, "status");
  const results: ScriptResult[] = [];
  writeFileSync(status, "0");
  const tracker = new ScriptTracker(
    {
      name: "chk",
      command: [script(`echo $$ >>${runs}; exit $(cat ${status})`)],
      intervalMs: 1000,
      timeoutMs: 1000,
      weight: 0,
      reverse: false,
      rise: 1,
      fall: 1,
      initFail: false,
      user: null,
      ...config,
    },
    clock,
    (result) => results.push(result),
  );
  atEnd(() => {
    void tracker.stop();
    // SIGKILL for what ignores SIGTERM.
    clock.pass(2000);
  });
  const count = (): number => readIfThere(runs).split("\n").length - 1;
  if (start) tracker.start();
  return {
    tracker,
    clock,
    results,
    count,
    /** Waits for the result of the run that the start or the clock began; `exit` is that of the runs from now on. */
    async exits(exit: number): Promise<string> {
      writeFileSync(status, `${exit}`);
      const before = count();
      clock.pass(1000);
      await until("the run", () => count() > before);
      return settled(tracker);
    },
  };
}

/** The detail once no run is under way: a run that ended has told, and its number is gone from the process table. */
async function settled(tracker: ScriptTracker): Promise<string> {
  await until("the run to end", () => !tracker.running);
  return tracker.detail;
}

test("it runs at the start and then from start to start", async () => {
  const { tracker, clock, count, results } = track({ intervalMs: 1000 });
  expect([tracker.state, tracker.detail]).toEqual(["unknown", "not run yet"]);
  await settled(tracker);
  expect([tracker.state, tracker.detail, count()]).toEqual(["ok", "exit status 0", 1]);
  clock.pass(999);
  await settled(tracker);
  expect(count()).toBe(1);
  clock.pass(1);
  await settled(tracker);
  clock.pass(1000);
  await settled(tracker);
  expect(count()).toBe(3);
  expect(results).toEqual([{ state: "ok", detail: "exit status 0" }]);
});

test("the first result counts at once, later ones as often as rise and fall say, and only a change is told", async () => {
  const { tracker, exits, results } = track({ rise: 2, fall: 3 });
  await settled(tracker);
  const details = [];
  for (const exit of [1, 1, 0, 1, 1, 1, 0, 0]) details.push(`${await exits(exit)} ${tracker.state}`);
  expect(details).toEqual([
    "exit status 1 (1 of 3 failures) ok",
    "exit status 1 (2 of 3 failures) ok",
    "exit status 0 ok",
    "exit status 1 (1 of 3 failures) ok",
    "exit status 1 (2 of 3 failures) ok",
    "exit status 1 failed",
    "exit status 0 (1 of 2 successes) failed",
    "exit status 0 ok",
  ]);
  expect(results).toEqual([
    { state: "ok", detail: "exit status 0" },
    { state: "failed", detail: "exit status 1" },
    { state: "ok", detail: "exit status 0" },
  ]);
});

test("init_fail: failed from the beginning until the first result, which is told", async () => {
  const { tracker, results } = track({ initFail: true, rise: 3, fall: 3 }, { start: false });
  expect(tracker.state).toBe("failed");
  tracker.start();
  expect([tracker.state, results]).toEqual(["failed", []]);
  await settled(tracker);
  expect(results).toEqual([{ state: "ok", detail: "exit status 0" }]);

  const bad = track({ initFail: true, fall: 3, command: ["/bin/false"] });
  await settled(bad.tracker);
  expect(bad.results).toEqual([{ state: "failed", detail: "exit status 1" }]);
});

test.each([
  [["/nowhere/check"], "/nowhere/check: no such file"],
  [["/etc"], "/etc: is a directory"],
  [["/bin/sh", "-c", "kill -KILL $$"], "killed by SIGKILL"],
  [["/bin/sh", "-c", "exit 2"], "exit status 2"],
  [["/bin/sh", "-c", "/nowhere/check"], "exit status 127: /bin/sh: 1: /nowhere/check: not found"],
  [["/bin/sh", "-c", "echo no answer >&2; exit 1"], "exit status 1: no answer"],
] as const)("%p has failed", async (command, detail) => {
  const { tracker, results } = track({ command: [...command] });
  await settled(tracker);
  expect(results).toEqual([{ state: "failed", detail }]);
});

test("a script that appears counts from then on", async () => {
  const path = script("exit 0");
  rmSync(path);
  const { tracker, clock, results } = track({ command: [path] });
  await settled(tracker);
  writeFileSync(path, "#!/bin/sh\n");
  chmodSync(path, 0o755);
  clock.pass(1000);
  await settled(tracker);
  expect(results.map(({ state }) => state)).toEqual(["failed", "ok"]);
});

test("over its time it has failed at once, and no other run begins while it lives", async () => {
  const pids = join(tmpDir(), "pids");
  const { tracker, clock, results } = track({
    intervalMs: 1000,
    timeoutMs: 1500,
    command: [script(`trap '' TERM; echo $$ >>${pids}; while :; do sleep 0.01; done`)],
  });
  const pid = await until("the run", () => pidIn(pids));
  clock.pass(1499);
  await Bun.sleep(0);
  expect(results).toEqual([]);
  clock.pass(1);
  await until("a result", () => results.length === 1);
  expect(results).toEqual([{ state: "failed", detail: "timed out after 1.5s (killed)" }]);
  clock.pass(1900);
  expect(alive(pid)).toBe(true);
  expect(readIfThere(pids)).toBe(`${pid}\n`);
  clock.pass(100);
  await settled(tracker);
  expect(alive(pid)).toBe(false);
  clock.pass(500);
  await until("the next run", () => readIfThere(pids).split("\n").length === 3);
});

test("a run that nothing can end goes on failing, so that `fall` is reached", async () => {
  const dir = tmpDir();
  const body = `[ -e ${dir}/again ] || { touch ${dir}/again; exit 0; }; trap '' TERM; touch ${dir}/hung; while :; do sleep 0.01; done`;
  const { tracker, clock, results } = track({ fall: 3, command: [script(body)] });
  await settled(tracker);
  clock.pass(1000);
  await until("the run that hangs", () => existsSync(join(dir, "hung")));
  clock.pass(1000);
  await until("the timeout", () => tracker.detail === "timed out after 1s (killed) (1 of 3 failures)");
  // Its end by SIGKILL is news that only the event loop brings: for the tracker it is still there all this time.
  clock.pass(4000);
  expect(tracker.detail).toBe("timed out after 1s (killed) (1 of 3 failures)");
  clock.pass(1000);
  expect(tracker.detail).toBe("still there 5s after it timed out (2 of 3 failures)");
  clock.pass(1000);
  expect(results.at(-1)).toEqual({ state: "failed", detail: "still there 6s after it timed out" });
});

test("runs missed in a stall are not made up for", async () => {
  const { tracker, clock, count } = track();
  await settled(tracker);
  clock.stall(10_500);
  clock.pass(0);
  await settled(tracker);
  clock.pass(999);
  await settled(tracker);
  expect(count()).toBe(2);
  clock.pass(1);
  await until("the third run", () => count() === 3);
});

test("stop ends the run that is under way, children included, and tells nothing", async () => {
  const dir = tmpDir();
  const { tracker, clock, results } = track({
    command: [script(`sleep 60 & echo $! >${dir}/child; echo $$ >${dir}/self; wait`)],
  });
  const self = await until("the run", () => pidIn(join(dir, "self")));
  const child = pidIn(join(dir, "child")) as number;
  const stopped = tracker.stop();
  await until("both to be gone", () => !alive(self) && !alive(child));
  let gone = false;
  void stopped.then(() => {
    gone = true;
  });
  await until("the promise", () => {
    clock.pass(50);
    return gone;
  });
  expect(results).toEqual([]);
  clock.pass(10_000);
  expect([tracker.running, tracker.state, clock.pendingMs]).toEqual([false, "unknown", []]);
});

test("stop between two runs leaves no timer", async () => {
  const { tracker, clock } = track();
  await settled(tracker);
  await tracker.stop();
  expect(clock.pendingMs).toEqual([]);
});

test("a script that leaves a child with its stderr behind gives its result at once", async () => {
  const file = join(tmpDir(), "pid");
  const { tracker, results } = track({ command: [script(`sleep 60 & echo $! >${file}; exit 1`)] });
  await settled(tracker);
  expect(alive(pidIn(file) as number)).toBe(true);
  expect(results).toEqual([{ state: "failed", detail: "exit status 1" }]);
});

test.skipIf(!isRoot)("it runs as the configured user", async () => {
  const { tracker, results } = track({ user: "nobody", command: ["/bin/sh", "-c", "id -un >&2; exit 1"] });
  await settled(tracker);
  expect(results).toEqual([{ state: "failed", detail: "exit status 1: nobody" }]);
});

test.skipIf(!isRoot)("a user who does not exist is a failure, and nothing runs", async () => {
  const { tracker, results, count } = track({ user: "no-such-user" });
  expect(results).toEqual([{ state: "failed", detail: 'user "no-such-user" does not exist' }]);
  expect([tracker.running, count()]).toEqual([false, 0]);
});

test("in real time: a service that dies is noticed, and noticed again when it is back", async () => {
  const results: ScriptResult[] = [];
  const file = join(tmpDir(), "up");
  writeFileSync(file, "");
  const tracker = new ScriptTracker(
    {
      name: "chk",
      command: ["/usr/bin/test", "-e", file],
      intervalMs: 20,
      timeoutMs: 5000,
      weight: 0,
      reverse: false,
      rise: 2,
      fall: 2,
      initFail: false,
      user: null,
    },
    systemClock,
    (result) => results.push(result),
  );
  atEnd(() => tracker.stop());
  tracker.start();
  await until("ok", () => tracker.state === "ok");
  rmSync(file);
  await until("failed", () => tracker.state === "failed");
  writeFileSync(file, "");
  await until("ok again", () => tracker.state === "ok");
  expect(results.map(({ state }) => state)).toEqual(["ok", "failed", "ok"]);
});
