import { describe, expect, test } from "bun:test";
import { parseOptions, UsageError } from "./options.ts";

describe("the command line", () => {
  test("without options runs eight rounds within four minutes and writes dist/bench.json", () => {
    expect(parseOptions([])).toMatchObject({ rounds: 8, budgetMs: 240_000, threads: 1, assert: false });
    expect(parseOptions([])?.jsonPath).toEndWith("/dist/bench.json");
    expect(parseOptions([])?.binary).toEndWith("/dist/haproxy-lite");
  });
  test("--quick stays within a minute", () =>
    expect(parseOptions(["--quick"])).toMatchObject({ rounds: 2, budgetMs: 60_000 }));
  test("--rounds is kept whatever time it takes", () => {
    expect(parseOptions(["--quick", "--rounds", "7"])).toMatchObject({ rounds: 7, budgetMs: null });
  });
  test("--help asks for the help text", () => expect(parseOptions(["--help"])).toBeNull());
  for (const argv of [
    ["--rounds", "0"],
    ["--rounds", "1.5"],
    ["--rounds", ""],
    ["--threads", "65"],
    ["--thread", "2"],
    ["stray"],
  ]) {
    test(`refuses ${argv.map((word) => JSON.stringify(word)).join(" ")}`, () =>
      expect(() => parseOptions(argv)).toThrow(UsageError));
  }
});
