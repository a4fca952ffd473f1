import { expect, test } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import type { StateChange } from "../../src/notify/event.ts";
import { ScriptQueue } from "../../src/notify/scriptQueue.ts";
import { jobOfChange, jobOfRival, type NotifyScripts } from "../../src/notify/scripts.ts";
import { FakeClock } from "../support/fakeClock.ts";
import { tmpDir } from "../support/tmp.ts";
import { until } from "../support/until.ts";
import { change } from "./changes.ts";
import { worldWith } from "./world.ts";

/** Scripts that write to one log what they are told, and wait as they are told. */
function bench(clock = systemClock) {
  const directory = tmpDir();
  const log = join(directory, "log");
  writeFileSync(log, "");
  /** Writes a script; it logs its arguments, runs `body`, and logs "end". */
  const script = (name: string, body = ""): string[] => {
    const path = join(directory, name);
    writeFileSync(path, `#!/bin/sh\necho "${name} $*" >> ${log}\n${body}\necho "${name} end" >> ${log}\n`);
    chmodSync(path, 0o755);
    return [path];
  };
  const world = worldWith(clock);
  const queue = new ScriptQueue("VI_1", world);
  const gate = join(directory, "gate");
  return {
    queue,
    world,
    script,
    told: () => readFileSync(log, "utf8").split("\n").filter(Boolean),
    /** Body that waits until {@link open}. */
    untilOpen: `while ! [ -e ${gate} ]; do sleep 0.01; done`,
    open: () => writeFileSync(gate, ""),
    add: (scripts: Partial<NotifyScripts>, state: StateChange["state"], priority = 101) =>
      queue.add(jobOfChange(change(state, { priority }), { ...NO_SCRIPTS, ...scripts })),
    rival: (scripts: Partial<NotifyScripts>) => queue.add(jobOfRival({ ...NO_SCRIPTS, ...scripts })),
  };
}

const NO_SCRIPTS: NotifyScripts = {
  any: null,
  master: null,
  backup: null,
  fault: null,
  stop: null,
  deleted: null,
  masterRxLowerPri: null,
};

test("the specific script ends before the generic one starts, whose arguments tell the change", async () => {
  const { add, script, told } = bench();
  const scripts = { master: script("master", "sleep 0.1"), any: [...script("any"), "extra1"] };
  add(scripts, "MASTER", 103);
  expect(told()).toEqual([]); // nothing is started inside add()
  await until("both scripts", () => told().length === 4);
  expect(told()).toEqual(["master ", "master end", "any extra1 INSTANCE VI_1 MASTER 103", "any end"]);
});

test("scripts of one instance neither overlap nor reorder", async () => {
  const { add, script, told } = bench();
  const scripts = { any: script("any", "sleep 0.02") };
  const states = ["BACKUP", "MASTER", "BACKUP", "FAULT"] as const;
  for (const [i, state] of states.entries()) {
    add(scripts, state);
    await until("its end", () => told().length === 2 * (i + 1));
  }
  expect(told()).toEqual(states.flatMap((state) => [`any INSTANCE VI_1 ${state} 101`, "any end"]));
});

test("states that come faster than scripts end collapse to the latest, counted in one log line", async () => {
  const { add, script, told, untilOpen, open, world } = bench();
  const scripts = { any: script("any", untilOpen) };
  add(scripts, "BACKUP");
  await until("the first", () => told().length === 1);
  for (let i = 0; i < 10; i++) {
    add(scripts, "MASTER");
    add(scripts, "BACKUP");
  }
  add(scripts, "MASTER");
  open();
  await until("the last", () => told().length === 4);
  add(scripts, "FAULT");
  await until("one more", () => told().length === 6);
  expect(told().filter((line) => line !== "any end")).toEqual([
    "any INSTANCE VI_1 BACKUP 101",
    "any INSTANCE VI_1 MASTER 101",
    "any INSTANCE VI_1 FAULT 101",
  ]);
  expect(world.lines).toEqual([
    "VI_1: scripts did not keep up: 20 changes of state not told, for a newer one was there",
  ]);
});

test("a state without a script still takes the place of an older one that waits", async () => {
  const { add, script, told, untilOpen, open, world } = bench();
  const scripts = { backup: script("backup", untilOpen), master: script("master") };
  add(scripts, "BACKUP");
  await until("the first", () => told().length === 1);
  add(scripts, "MASTER");
  add(scripts, "FAULT");
  open();
  await until("the log line", () => world.lines.length === 1);
  expect(told()).toEqual(["backup ", "backup end"]);
});

test("DELETED is told even when the instance is back before its scripts ran", async () => {
  const { add, script, told, untilOpen, open } = bench();
  const scripts = { any: script("any", untilOpen), deleted: script("deleted") };
  add(scripts, "MASTER");
  await until("the first", () => told().length === 1);
  for (const state of ["DELETED", "DELETED", "BACKUP", "MASTER"] as const) add(scripts, state);
  open();
  await until("the last", () => told().length === 8);
  expect(told().filter((line) => !line.endsWith("end"))).toEqual([
    "any INSTANCE VI_1 MASTER 101",
    "deleted ",
    "any INSTANCE VI_1 DELETED 101",
    "any INSTANCE VI_1 MASTER 101",
  ]);
});

test("rivals that come faster than their script ends are told once more, and states do not replace them", async () => {
  const { add, rival, script, told, untilOpen, open } = bench();
  const scripts = { masterRxLowerPri: script("rival", untilOpen), backup: script("backup") };
  rival(scripts);
  await until("the first", () => told().length === 1);
  for (let i = 0; i < 5; i++) rival(scripts);
  add(scripts, "BACKUP");
  open();
  await until("the last", () => told().includes("backup end"));
  expect(told().filter((line) => !line.endsWith("end"))).toEqual(["rival ", "rival ", "backup "]);
});

test("a script that fails is logged with its exit code and stderr, and the next one runs", async () => {
  const { add, script, told, world } = bench();
  const master = script("master", 'echo "no such service" >&2; exit 3');
  add({ master, any: script("any") }, "MASTER");
  await until("the generic one", () => told().includes("any end"));
  expect(world.lines).toEqual([`VI_1: notify_master ${master[0]}: exit status 3: no such service`]);
});

test("a script that is not there is logged, and the next one runs", async () => {
  const { add, script, told, world } = bench();
  add({ master: ["/no/such/script"], any: script("any") }, "MASTER");
  await until("the generic one", () => told().includes("any end"));
  expect(world.lines).toEqual(["VI_1: notify_master /no/such/script: no such file"]);
});

test("a script that hangs is killed after 30 s and does not hold back the next one", async () => {
  const clock = new FakeClock();
  const { add, script, told, world } = bench(clock);
  const master = script("master", "sleep 600");
  add({ master, any: script("any") }, "MASTER");
  clock.pass(0);
  await until("its start", () => told().length === 1);
  clock.pass(29_999);
  expect(world.lines).toEqual([]);
  clock.pass(1);
  await until("the log line", () => world.lines.length === 1);
  await until("the generic one", () => {
    clock.pass(100); // up to the SIGKILL for what may be left of its process group
    return told().includes("any end");
  });
  expect(world.lines).toEqual([`VI_1: notify_master ${master[0]}: timed out after 30s (killed)`]);
});

test("stop() waits for the scripts of STOP", async () => {
  const { add, queue, script, told, world } = bench();
  add({ stop: script("stop", "sleep 0.1"), any: script("any") }, "STOP");
  await queue.stop(5000);
  expect(told()).toEqual(["stop ", "stop end", "any INSTANCE VI_1 STOP 101", "any end"]);
  expect(world.lines).toEqual([]);
});

test("stop() without scripts to run returns at once", async () => {
  const { queue, add, world } = bench(new FakeClock());
  add({}, "STOP");
  await queue.stop(1000);
  expect(world.lines).toEqual([]);
});

test("a script about an earlier state is killed after half of the grace, so that STOP has its turn", async () => {
  const clock = new FakeClock();
  const { add, queue, script, told, world } = bench(clock);
  const scripts = { backup: script("backup", "sleep 600"), any: script("any") };
  add(scripts, "BACKUP");
  clock.pass(0);
  await until("its start", () => told().length === 1);
  add(scripts, "STOP");
  const stopped = queue.stop(1000);
  clock.pass(499);
  expect(world.lines).toEqual([]);
  clock.pass(1);
  await until("STOP", () => {
    clock.pass(0);
    return told().includes("any end");
  });
  await stopped;
  expect(told()).toEqual(["backup ", "any INSTANCE VI_1 STOP 101", "any end"]);
  expect(world.lines[0]).toBe("VI_1: notify_backup still runs and is killed: it is time for the scripts of the stop");
});

test("a script about STOP that takes longer than the grace is left to itself, and what it kept waiting is named", async () => {
  const clock = new FakeClock();
  const { add, queue, script, told, untilOpen, open, world } = bench(clock);
  add({ stop: script("stop", untilOpen), any: script("any") }, "STOP");
  clock.pass(0);
  await until("its start", () => told().length === 1);
  const stopped = queue.stop(1000);
  clock.pass(1000);
  await stopped;
  expect(world.lines).toEqual([
    "VI_1: notify_stop still runs 1000 ms after the stop and is left to itself",
    "VI_1: notify did not have its turn before the stop",
  ]);
  open();
  await until("its own end", () => told().includes("stop end"));
});
