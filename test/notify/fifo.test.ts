import { expect, test } from "bun:test";
import { existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NotifyFifo } from "../../src/notify/fifo.ts";
import { changeLine, rivalLine } from "../../src/notify/fifoLine.ts";
import { FakeClock } from "../support/fakeClock.ts";
import { runOk, start } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { change } from "./changes.ts";
import { fifoReader } from "./fifoReader.ts";
import { worldWith } from "./world.ts";

function fifoAt(path: string) {
  const world = worldWith(new FakeClock());
  return { fifo: new NotifyFifo(path, world), world, clock: world.clock };
}

test("lines are keepalived's", () => {
  expect(changeLine(change("MASTER"))).toBe('INSTANCE "VI_1" MASTER 101\n');
  expect(changeLine(change("FAULT", { kind: "GROUP", instance: "G1", priority: 0 }))).toBe('GROUP "G1" FAULT 0\n');
  expect(rivalLine({ instance: "VI_1", priority: 101 })).toBe('INSTANCE "VI_1" MASTER_RX_LOWER_PRI 101\n');
});

test("the pipe is made for its owner alone, and removed at the end", () => {
  const path = join(tmpDir(), "fifo");
  const { fifo, world } = fifoAt(path);
  fifo.open();
  expect(statSync(path).isFIFO()).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  fifo.close();
  expect(existsSync(path)).toBe(false);
  expect(world.lines).toEqual([]);
});

test("a shell that reads the pipe gets every line in order", async () => {
  const path = join(tmpDir(), "fifo");
  const { fifo } = fifoAt(path);
  fifo.open();
  const lines = start(["cat", path]);
  for (const state of ["BACKUP", "MASTER", "STOP"] as const) fifo.write(changeLine(change(state)));
  await lines.waitFor("STOP 101\n");
  expect(lines.stdout()).toBe('INSTANCE "VI_1" BACKUP 101\nINSTANCE "VI_1" MASTER 101\nINSTANCE "VI_1" STOP 101\n');
  fifo.close();
  expect(await lines.exited).toEqual({ code: 0, signal: null });
});

test("a pipe that was there is used, and stays", async () => {
  const path = join(tmpDir(), "fifo");
  await runOk(["mkfifo", "-m", "0640", path]);
  const read = fifoReader(path);
  const { fifo } = fifoAt(path);
  fifo.open();
  fifo.write("a\n");
  expect(read()).toBe("a\n");
  fifo.close();
  expect(statSync(path).mode & 0o777).toBe(0o640);
});

test("what a full pipe does not take is kept in order, and follows when it is read", () => {
  const path = join(tmpDir(), "fifo");
  const { fifo, world, clock } = fifoAt(path);
  fifo.open();
  const read = fifoReader(path);
  const line = (number: number): string => `${String(number).padStart(99)}\n`;
  // 64 KiB hold some 640 lines of 100 bytes.
  for (let i = 0; i < 900; i++) fifo.write(line(i));
  expect(world.lines).toEqual([`notify_fifo ${path}: full, nobody reads it; lines wait`]);
  let text = read();
  expect(text.length).toBeLessThan(80_000);
  clock.pass(1000);
  text += read();
  expect(text).toBe(Array.from({ length: 900 }, (_, i) => line(i)).join(""));
  expect(world.lines.at(-1)).toBe(`notify_fifo ${path}: takes lines again; 0 were dropped`);
  expect(clock.pendingMs).toEqual([]);
  fifo.close();
  expect(world.lines).toHaveLength(2);
});

test("beyond a thousand waiting lines the oldest are dropped, and counted", () => {
  const path = join(tmpDir(), "fifo");
  const { fifo, world, clock } = fifoAt(path);
  fifo.open();
  const read = fifoReader(path);
  const line = (number: number): string => `${String(number).padStart(99)}\n`;
  for (let i = 0; i < 3000; i++) fifo.write(line(i));
  const inPipe = read().split("\n").filter(Boolean).map(Number);
  clock.pass(1000);
  clock.pass(1000);
  const kept: number[] = [];
  for (let got = read(); got !== ""; got = read()) {
    kept.push(...got.split("\n").filter(Boolean).map(Number));
    clock.pass(1000);
  }
  expect(inPipe).toEqual(Array.from({ length: inPipe.length }, (_, i) => i));
  fifo.close();
  expect(kept).toEqual(Array.from({ length: 1000 }, (_, i) => 2000 + i));
  expect(world.lines).toEqual([
    `notify_fifo ${path}: full, nobody reads it; lines wait`,
    `notify_fifo ${path}: 1000 lines wait; the oldest are dropped from now on`,
    `notify_fifo ${path}: takes lines again; ${2000 - inPipe.length} were dropped`,
  ]);
});

test("what is left unread at the end is counted in the log", () => {
  const path = join(tmpDir(), "fifo");
  const { fifo, world } = fifoAt(path);
  fifo.open();
  for (let i = 0; i < 3000; i++) fifo.write(`${"x".repeat(99)}\n`);
  fifo.close();
  expect(world.lines.at(-1)).toMatch(/closed; \d{4} lines were never read$/);
  expect(world.clock.pendingMs).toEqual([]);
});

test("a path that is a plain file is refused, logged once, and left as it is", () => {
  const path = join(tmpDir(), "file");
  writeFileSync(path, "precious");
  const { fifo, world, clock } = fifoAt(path);
  fifo.open();
  fifo.write("a\n");
  clock.pass(10_000);
  expect(world.lines).toEqual([`notify_fifo ${path}: unusable: it is there, but it is no FIFO`]);
  fifo.close();
  expect(statSync(path).size).toBe(8);
});

test("a directory that appears later gets the pipe, and what waited", () => {
  const directory = join(tmpDir(), "later");
  const path = join(directory, "fifo");
  const { fifo, world, clock } = fifoAt(path);
  fifo.open();
  fifo.write("a\n");
  expect(world.lines).toEqual([`notify_fifo ${path}: unusable: mkfifo: No such file or directory`]);
  Bun.spawnSync(["mkdir", directory]);
  clock.pass(1000);
  expect(fifoReader(path)()).toBe("a\n");
});

test("a pipe that somebody removed is made anew, so that new readers find us", () => {
  const path = join(tmpDir(), "fifo");
  const { fifo } = fifoAt(path);
  fifo.open();
  rmSync(path);
  fifo.write("a\n");
  expect(fifoReader(path)()).toBe("a\n");
  fifo.close();
  expect(existsSync(path)).toBe(false);
});
