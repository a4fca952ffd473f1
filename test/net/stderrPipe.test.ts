import { expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { runProgram } from "../../src/net/runProgram.ts";
import { atEnd } from "../support/cleanup.ts";
import { FakeClock } from "../support/fakeClock.ts";
import { until } from "../support/until.ts";

/** Pipes that this process holds open. */
function pipes(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("pipe:");
    } catch {
      return false;
    }
  }).length;
}

async function run(body: string, clock: FakeClock): Promise<number> {
  const { pid, done } = runProgram(["/bin/sh", "-c", body], {
    timeoutMs: 60_000,
    user: null,
    clock,
    maxStderrBytes: 100,
  });
  await done;
  return pid as number;
}

test("a pipe is closed with its program, whatever it said", async () => {
  const clock = new FakeClock();
  const before = pipes();
  await run("exit 0", clock);
  await run("echo x >&2", clock);
  await run("head -c 60000 /dev/zero >&2", clock);
  expect(pipes()).toBe(before);
  expect(clock.pendingMs).toEqual([]);
});

test("a program that cannot be started leaves none", async () => {
  const before = pipes();
  const { done } = runProgram(["/nowhere/x"], {
    timeoutMs: 1000,
    user: null,
    clock: new FakeClock(),
    maxStderrBytes: 100,
  });
  expect((await done).kind).toBe("notRunnable");
  expect(pipes()).toBe(before);
});

test("what ended programs left behind keeps 16 open, not more, and none when it is gone", async () => {
  const clock = new FakeClock();
  const before = pipes();
  const left: number[] = [];
  const killAll = (): void => {
    for (const pid of left.splice(0)) process.kill(-pid, "SIGKILL");
  };
  atEnd(killAll);
  for (let i = 0; i < 18; i++) left.push(await run("sleep 60 &", clock));
  expect(pipes()).toBe(before + 16);
  killAll();
  await until("no further pipe", () => {
    clock.pass(250);
    return pipes() === before;
  });
  expect(clock.pendingMs).toEqual([]);
});
