import { describe, expect, test } from "bun:test";
import {
  cpuSeconds,
  type ProcessStat,
  parseSmapsRollup,
  parseStat,
  processTree,
  subtree,
  treeMemory,
} from "./procfs.ts";

const process_ = (pid: number, parentPid: number, ownTicks = 0, reapedTicks = 0): ProcessStat => ({
  pid,
  parentPid,
  ownTicks,
  reapedTicks,
});

describe("/proc/PID/stat", () => {
  test("a command with blanks and parentheses does not shift the fields", () => {
    const line = "42 (a) R 9 (b)) S 7 42 42 0 -1 4194560 100 0 0 0 150 25 3 4 20 0 1 0 100 1000 10";
    expect(parseStat(line)).toEqual({ pid: 42, parentPid: 7, ownTicks: 175, reapedTicks: 7 });
  });
  test("a line that ends too early is an error", () => expect(() => parseStat("42 (a) S 7")).toThrow("no field 14"));
});

test("a process tree has children and grandchildren and nobody else", () => {
  const all = [process_(1, 0), process_(5, 1), process_(2, 1), process_(3, 2), process_(4, 3)];
  expect(subtree(all, 2).map(({ pid }) => pid)).toEqual([2, 3, 4]);
  expect(subtree(all, 99)).toEqual([]);
});

test("CPU time is in seconds, with ended children only when asked for", () => {
  const tree = [process_(1, 0, 100, 50), process_(2, 1, 25, 10)];
  expect(cpuSeconds(tree, false)).toBe(1.25);
  expect(cpuSeconds(tree, true)).toBe(1.85);
});

test("smaps_rollup is read in bytes, and Pss is not Pss_Anon", () => {
  const text =
    "00-ff ---p 00000000 00:00 0 [rollup]\nRss:                2000 kB\nPss_Anon:            900 kB\nPss:                1500 kB\nAnonymous:           800 kB\n";
  expect(parseSmapsRollup(text)).toEqual({ rssBytes: 2_048_000, pssBytes: 1_536_000, anonymousBytes: 819_200 });
  expect(() => parseSmapsRollup("Rss: 1 kB\n")).toThrow("no Pss");
});

test.skipIf(process.platform !== "linux")(
  "a child process is found below us with its CPU time and memory",
  async () => {
    // The outer shell waits for the inner one, which works and then waits for the end of its input.
    const work = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo worked; read stop";
    const child = Bun.spawn(["sh", "-c", 'sh -c "$0"; exit', work], { stdin: "pipe", stdout: "pipe" });
    try {
      await child.stdout.getReader().read();
      const tree = processTree(child.pid);
      expect(tree).toHaveLength(2);
      expect(processTree(process.pid).map(({ pid }) => pid)).toContain(child.pid);
      expect(cpuSeconds(tree, false)).toBeGreaterThan(0);
      const memory = treeMemory(child.pid);
      expect(memory.rssBytes).toBeGreaterThanOrEqual(memory.pssBytes);
      expect(memory.pssBytes).toBeGreaterThan(0);
    } finally {
      child.stdin.end();
      await child.exited;
    }
  },
);
