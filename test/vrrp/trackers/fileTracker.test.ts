import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../../src/core/clock.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { FileTracker } from "../../../src/vrrp/trackers/fileTracker.ts";
import type { FileValue } from "../../../src/vrrp/trackers/fileValue.ts";
import { readIfThere } from "../../net/programs.ts";
import { atEnd } from "../../support/cleanup.ts";
import { FakeClock } from "../../support/fakeClock.ts";
import { runOk } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";

function track(file: string, clock: Clock = systemClock) {
  const values: FileValue[] = [];
  const tracker = new FileTracker(file, clock, (value) => values.push(value));
  atEnd(() => tracker.stop());
  tracker.start();
  return {
    tracker,
    values,
    sees: (value: number, detail = "") =>
      until(`${value} ${detail}`, () => tracker.value?.value === value && tracker.value.detail === detail),
  };
}

/** Timers but the slow look, so that what is seen was seen through inotify. */
const hurriedClock: Clock = {
  ...systemClock,
  after: (delayMs, fn) => (delayMs >= 500 ? () => {} : systemClock.after(delayMs, fn)),
};

test("a number that is there is told at once, and each change of it as it happens", async () => {
  const file = join(tmpDir(), "weight");
  writeFileSync(file, "10\n");
  const { sees, values } = track(file, hurriedClock);
  await sees(10);
  writeFileSync(file, "-20\n");
  await sees(-20);
  writeFileSync(`${file}.new`, "5\n");
  renameSync(`${file}.new`, file);
  await sees(5);
  await runOk(["/bin/sh", "-c", `echo 6 >${file}`]);
  await sees(6);
  expect(values.map(({ value }) => value)).toEqual([10, -20, 5, 6]);
});

test("a file that appears, goes and comes again", async () => {
  const file = join(tmpDir(), "weight");
  const { sees, values } = track(file, hurriedClock);
  await sees(0, "no such file");
  writeFileSync(file, "3");
  await sees(3);
  rmSync(file);
  await sees(0, "no such file");
  writeFileSync(file, "4");
  await sees(4);
  expect(values).toHaveLength(4);
});

test("what inotify does not tell is seen by looking: a directory that comes, goes and comes again", async () => {
  const dir = join(tmpDir(), "run");
  const file = join(dir, "weight");
  const { sees } = track(file);
  await sees(0, "no such file");
  mkdirSync(dir);
  writeFileSync(file, "1");
  await sees(1);
  rmSync(dir, { recursive: true });
  await sees(0, "no such file");
  mkdirSync(dir);
  writeFileSync(file, "2");
  await sees(2);
  writeFileSync(file, "3");
  await sees(3);
});

test("a directory that took the place of another is watched in its stead", async () => {
  const dir = join(tmpDir(), "run");
  const file = join(dir, "weight");
  mkdirSync(dir);
  writeFileSync(file, "1");
  let slow = true;
  const clock: Clock = { ...systemClock, after: (ms, fn) => (slow ? systemClock : hurriedClock).after(ms, fn) };
  const { sees } = track(file, clock);
  await sees(1);
  renameSync(dir, `${dir}.old`);
  mkdirSync(dir);
  writeFileSync(file, "2");
  await sees(2);
  slow = false;
  // The slow look that is pending may see the first change; nothing but inotify can see the second.
  writeFileSync(file, "3");
  await sees(3);
  writeFileSync(file, "4");
  await sees(4);
});

test("two trackers of one directory do not disturb each other", async () => {
  const dir = tmpDir();
  const [a, b] = [join(dir, "a"), join(dir, "b")];
  const first = track(a, hurriedClock);
  const second = track(b, hurriedClock);
  await Promise.all([first.sees(0, "no such file"), second.sees(0, "no such file")]);
  first.tracker.stop();
  writeFileSync(a, "1");
  writeFileSync(b, "2");
  await second.sees(2);
  expect(first.values).toHaveLength(1);
});

test("a file that is emptied on the way to its next number is not 0 in between", async () => {
  const clock = new FakeClock();
  const file = join(tmpDir(), "weight");
  writeFileSync(file, "4");
  const { sees, values } = track(file, clock);
  await sees(4);
  writeFileSync(file, "");
  await looks(clock, 500);
  await looks(clock, 99);
  writeFileSync(file, "5");
  await looks(clock, 100);
  await sees(5);
  expect(values.map(({ value }) => value)).toEqual([4, 5]);
  writeFileSync(file, "");
  await looks(clock, 500);
  expect(values).toHaveLength(2);
  await looks(clock, 100);
  await sees(0, "empty");
});

/** Lets time pass and the look that it brought end. */
async function looks(clock: FakeClock, ms: number): Promise<void> {
  await until("a look to end", () => clock.pendingMs.length === 1);
  clock.pass(ms);
  await until("a look to end", () => clock.pendingMs.length === 1);
}

test.each([
  ["a directory", "not a regular file", (path: string) => mkdirSync(path)],
  ["a FIFO", "not a regular file", (path: string) => Bun.spawnSync(["mkfifo", path])],
  ["a device", "not a regular file", (path: string) => symlinkSync("/dev/zero", path)],
  ["text", "not a whole number", (path: string) => writeFileSync(path, "high\n")],
  ["a large file", "longer than 64 bytes", (path: string) => writeFileSync(path, "1".repeat(1_000_000))],
  ["a loop of links", "too many levels of symbolic links", (path: string) => symlinkSync(path, path)],
])("%s counts as 0: %s", async (_what, detail, make) => {
  const file = join(tmpDir(), "weight");
  make(file);
  const { sees } = track(file);
  await sees(0, detail);
});

test("a file that cannot be opened counts as 0, with the system's reason", async () => {
  const file = join(tmpDir(), "weight");
  symlinkSync("weight", file);
  await track(file).sees(0, "too many levels of symbolic links");
});

test("a link is followed", async () => {
  const dir = tmpDir();
  writeFileSync(join(dir, "real"), "8");
  symlinkSync("real", join(dir, "weight"));
  const { sees } = track(join(dir, "weight"));
  await sees(8);
  writeFileSync(join(dir, "real"), "9");
  await sees(9);
});

test("a file written without pause is read meanwhile", async () => {
  const file = join(tmpDir(), "weight");
  writeFileSync(file, "0");
  const { sees, values } = track(file, hurriedClock);
  await sees(0);
  for (let i = 1; values.length < 5; i++) {
    writeFileSync(file, `${i}`);
    await Bun.sleep(2);
    if (i > 1000) break;
  }
  expect(values.length).toBe(5);
});

test("stop leaves no timer and no watch, and tells nothing more", async () => {
  const clock = new FakeClock();
  const file = join(tmpDir(), "weight");
  writeFileSync(file, "1");
  const watches = inotifyWatches();
  const { tracker, sees, values } = track(file, clock);
  await sees(1);
  expect([clock.pendingMs.length, inotifyWatches()]).toEqual([1, watches + 1]);
  tracker.stop();
  expect(clock.pendingMs).toEqual([]);
  await until("the watch to be gone", () => inotifyWatches() === watches);
  writeFileSync(file, "2");
  clock.pass(10_000);
  expect(values).toHaveLength(1);
});

function inotifyWatches(): number {
  const infos = readdirSync("/proc/self/fdinfo").map((fd) => readIfThere(`/proc/self/fdinfo/${fd}`));
  return infos.join("").split("inotify wd:").length - 1;
}
