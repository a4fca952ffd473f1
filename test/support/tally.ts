import { existsSync, readFileSync } from "node:fs";
import type { Missing } from "./tools.ts";

/** What a run of the tests came to. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Reads the summary that `bun test` ends with (" 12 pass", " 1 fail", …). An error outside a test, such as one
 * thrown after the last test, counts as a failure, and a todo as skipped. Of an output without a summary
 * nothing passed and one thing failed: the run.
 */
export function countSummary(output: string): Tally {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  const plain = output.replace(/\x1b\[[0-9;]*m/g, "");
  if (!/^Ran \d+ tests? across \d+ files?\./m.test(plain)) return { passed: 0, failed: 1, skipped: 0 };
  const count = (word: string): number => {
    const lines = [...plain.matchAll(new RegExp(`^ *(\\d+) ${word}s?$`, "gm"))];
    return Number(lines.at(-1)?.[1] ?? 0);
  };
  return {
    passed: count("pass"),
    // A file that fails to load is both a fail and an error here; an error after the last test is only the latter.
    failed: Math.max(count("fail"), count("error")),
    skipped: count("skip") + count("todo"),
  };
}

/** Skipped tests of each file, from Bun's JUnit report. */
export function skippedByFile(junit: string): Map<string, number> {
  const skipped = new Map<string, number>();
  for (const [, file = "", body = ""] of junit.matchAll(
    /<testcase [^>]*?file="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    if (body.includes("<skipped")) skipped.set(file, (skipped.get(file) ?? 0) + 1);
  }
  return skipped;
}

/** What `tool` and its kin recorded during a run, each thing once a file. */
export function readMissing(path: string): Missing[] {
  if (!existsSync(path)) return [];
  const lines = new Set(readFileSync(path, "utf8").split("\n").filter(Boolean));
  return [...lines].map((line) => JSON.parse(line) as Missing);
}

/** Says loudly what was missing and how many tests of the files that asked for it were skipped. */
export function tellMissing(missing: readonly Missing[], skipped: ReadonlyMap<string, number>): void {
  if (missing.length === 0) return;
  const bar = "!".repeat(78);
  console.error(`\n${bar}\n!! NOT EVERYTHING WAS TESTED: this machine lacks`);
  for (const [what, records] of Map.groupBy(missing, ({ what }) => what)) {
    const tests = records.reduce((sum, { file }) => sum + (skipped.get(file) ?? 0), 0);
    console.error(`!!   ${what}: ${tests} skipped in ${records.map(({ file }) => file).join(", ")}`);
  }
  console.error(`!! As root on Debian or Ubuntu, npm test installs all of it.\n${bar}`);
}
