import { describe, expect, test } from "bun:test";
import type { ArgsDef } from "citty";
import { findUsageProblem, joinRest } from "../../src/cli/args.ts";

const ARGS = {
  config: { type: "string", alias: "c", valueHint: "FILE", required: true },
  socket: { type: "string", valueHint: "PATH" },
  json: { type: "boolean", alias: ["j"] },
  address: { type: "positional", required: true },
} as const satisfies ArgsDef;

describe("a command line", () => {
  test.each([
    ["-c a.toml x"],
    ["x -c a.toml"],
    ["-ca.toml x"],
    ["--config a.toml x"],
    ["--config=a.toml x"],
    ["--config=a=b.toml x"],
    ["-c a.toml --json x --socket /run/s"],
    ["-c a.toml -j x"],
    ["-c a.toml -"],
  ])("is fine: %s", (line) => {
    expect(findUsageProblem(line.split(" "), ARGS)).toBeNull();
  });

  test.each([
    ["", "-c FILE is needed"],
    ["x", "-c FILE is needed"],
    ["-c a.toml", "ADDRESS is needed"],
    ["-c", "-c needs a value"],
    ["--config", "--config needs a value"],
    ["--config=", "--config needs a value"],
    ["-c --json x", "-c needs a value"],
    ["-c=a.toml x", 'write "-c a.toml", without "="'],
    ["-c a.toml x y", 'unexpected argument "y"'],
    ["-c a.toml -c b.toml x", "-c is given twice"],
    ["-c a.toml --config b.toml x", "--config is given twice"],
    ["-c a.toml --json=yes x", "--json takes no value"],
    ["-c a.toml --jsom x", "unknown option --jsom; did you mean --json?"],
    ["-c a.toml --confg b x", "unknown option --confg; did you mean --config?"],
    ["-c a.toml --zzz x", "unknown option --zzz"],
    ["-c a.toml --no-json x", "unknown option --no-json"],
    ["-x a.toml", "unknown option -x"],
    ["-jc a.toml", "unknown option -jc"],
    ["-c a.toml -- x", "unknown option --"],
  ])("is refused: %p, for: %s", (line, problem) => {
    expect(findUsageProblem(line.split(" ").filter(Boolean), ARGS)).toStartWith(problem);
  });

  test("of a command without flags may hold nothing but a call for help", () => {
    expect(findUsageProblem([], {})).toBeNull();
    expect(findUsageProblem(["--help"], {})).toBeNull();
    expect(findUsageProblem(["-h"], {})).toBeNull();
    expect(findUsageProblem(["x"], {})).toBe('unexpected argument "x"');
  });

  test("need not give a flag that has a default", () => {
    const args = { config: { type: "string", alias: "c", required: true, default: "/etc/lite.toml" } } as const;
    expect(findUsageProblem([], args)).toBeNull();
  });
});

describe("a command line that ends in a command of the runtime API", () => {
  const CTL = {
    socket: { type: "string", valueHint: "PATH" },
    command: { type: "positional", required: true, valueHint: "COMMAND…" },
  } as const satisfies ArgsDef;

  test.each([
    ["reload", ["reload"]],
    ["--socket /a show stat -1 4 -1", ["--socket", "/a", "show stat -1 4 -1"]],
    ["--socket=/a set server a/b --help", ["--socket=/a", "set server a/b --help"]],
    ["--socket /a", ["--socket", "/a"]],
    ["--sock /a", ["--sock", "/a"]],
  ])("takes it as one word: %s", (line, expected) => {
    expect(joinRest(line.split(" "), CTL)).toEqual(expected);
  });

  test("and no other command line is touched", () => {
    expect(joinRest(["-c", "a.toml", "x", "y"], ARGS)).toEqual(["-c", "a.toml", "x", "y"]);
  });
});
