import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/config.ts";
import { explain } from "../../src/config/explain.ts";
import { MAX_ISSUES } from "../../src/config/issue.ts";
import { Random } from "../../src/vrrp/lan/random.ts";

const machine = { cpus: 2, ephemeralPorts: { low: 32768, high: 60999 } };

/** Loads a text and holds what must be true of any answer; returns how long it took, in milliseconds. */
function judge(bytes: Uint8Array): number {
  const startMs = performance.now();
  const { config, issues } = loadConfig({ path: "f.toml", bytes }, machine);
  const text = new TextDecoder().decode(bytes);
  const said = explain(issues, { path: "f.toml", text }, { colour: false });
  const tookMs = performance.now() - startMs;

  const lines = text.split("\n");
  expect(issues.length).toBeLessThanOrEqual(MAX_ISSUES + 1);
  expect(config === null).toBe(issues.some(({ severity }) => severity === "error"));
  expect(said.split("\n").filter((line) => line.startsWith("f.toml:")).length).toBe(issues.length);
  let before = 0;
  for (const { line, column, length, message } of issues) {
    expect(message).not.toBe("");
    expect(message).not.toContain("\n");
    if (line === 0) continue;
    expect(line).toBeGreaterThanOrEqual(before);
    before = line;
    const characters = [...(lines[line - 1] ?? "").replace(/\r$/, "")].length;
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
    // An error at the end of a line stands one behind its last character.
    expect(column).toBeLessThanOrEqual(characters + 1);
    expect(column + length - 1).toBeLessThanOrEqual(characters + 1);
  }
  return tookMs;
}

/** The same seed gives the same numbers, 0 to below 1. */
function seeded(seed: number): () => number {
  const random = new Random(seed);
  return () => random.fraction();
}

const SPLINTERS = [
  '"',
  "'",
  '"""',
  "[",
  "]",
  "[[",
  "]]",
  "{",
  "}",
  "=",
  ".",
  ",",
  "#",
  "\n",
  "\r\n",
  "\\",
  "\0",
  "-1",
  "1e999",
  "é",
  "\u{1f600}",
  "\u202e",
  "2026-11-22",
  "true",
  "__proto__",
  "999999999999999999999",
  " = [",
  "\n[listen.tcp_service_a]\n",
  '"0s"',
  "nan",
];

/** Some places of a text cut out, doubled, swapped or filled with splinters of TOML. */
function mutate(text: string, next: () => number): string {
  let mutant = text;
  const below = (limit: number) => Math.floor(next() * limit);
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const at = below(mutant.length + 1);
    const length = below(12);
    const splinter = SPLINTERS[below(SPLINTERS.length)] ?? "";
    const [head, middle, tail] = [mutant.slice(0, at), mutant.slice(at, at + length), mutant.slice(at + length)];
    mutant =
      [head + tail, head + splinter + middle + tail, head + middle + middle + tail, head + splinter + tail][below(4)] ??
      "";
  }
  return mutant;
}

describe("no text makes it throw, and every place it names is in the text", () => {
  const sample = readFileSync(join(import.meta.dir, "../../haproxy-lite.toml"), "utf8");
  const fixtures = join(import.meta.dir, "fixtures");
  const contract = readFileSync(join(fixtures, "valid-contract.toml"), "utf8");
  const inheritance = readFileSync(join(fixtures, "valid-inheritance.toml"), "utf8");
  const encoder = new TextEncoder();

  test.each([
    ["sample", sample, 600],
    ["contract", contract, 300],
    ["inheritance", inheritance, 300],
  ])("mutants of the %s", (_name, text, count) => {
    for (let seed = 1; seed <= count; seed++) {
      const mutant = mutate(text, seeded(seed));
      try {
        judge(encoder.encode(mutant));
      } catch (error) {
        throw new Error(`seed ${seed}: ${JSON.stringify(mutant)}`, { cause: error });
      }
    }
  });

  test("values of the wrong type in every place of a valid file", () => {
    const values = [
      "5",
      "-1",
      '"x"',
      "true",
      "[]",
      "{}",
      "[[]]",
      "[{}]",
      "1.5",
      "nan",
      "2026-11-22",
      '""',
      "[5]",
      '{ x = "y" }',
    ];
    for (const [index, line] of contract.split("\n").entries()) {
      const key = /^([a-z_]+) = /.exec(line)?.[1];
      if (key === undefined) continue;
      for (const value of values) {
        const lines = contract.split("\n");
        lines[index] = `${key} = ${value}`;
        judge(encoder.encode(lines.join("\n")));
      }
    }
  });

  test("the corpus cut off at any place", () => {
    for (const file of readdirSync(fixtures).filter((name) => name.endsWith(".toml"))) {
      const bytes = readFileSync(join(fixtures, file));
      for (let end = 0; end < bytes.length; end += 37) judge(bytes.subarray(0, end));
    }
  });

  test("bytes that are no text", () => {
    const next = seeded(7);
    for (let round = 0; round < 300; round++) {
      judge(Uint8Array.from({ length: Math.floor(next() * 200) }, () => Math.floor(next() * 256)));
    }
  });
});

describe("a hostile megabyte is answered soon", () => {
  const SIZE = 1_040_000;
  const repeat = (make: (index: number) => string): string => {
    const parts: string[] = [];
    for (let [index, length] = [0, 0]; length < SIZE - 100; index++) {
      const part = make(index);
      parts.push(part);
      length += part.length;
    }
    return parts.join("");
  };

  test.each<[string, () => string]>([
    ["lists in lists", () => `a = ${"[".repeat(SIZE)}`],
    ["tables in tables", () => `a = ${"{a=".repeat(SIZE / 3)}`],
    ["a key of half a million dots", () => `a${".a".repeat(SIZE / 2 - 10)} = 1`],
    ["a header of half a million dots", () => `[a${".a".repeat(SIZE / 2 - 10)}]`],
    ["one long line of text", () => `a = "${"x".repeat(SIZE)}"`],
    ["one long key", () => `${"x".repeat(SIZE)} = 1`],
    ["unknown keys", () => repeat((index) => `k${index} = 1\n`)],
    ["mistakes in one line", () => `listen = {${repeat((index) => `l${index}={bind=5},`)}}`],
    ["listens", () => repeat((index) => `[listen.l${index}]\nbind=":${1 + (index % 60000)}"\n`)],
    [
      "servers of one address",
      () =>
        `[listen.a]\nbind=":80"\n${repeat((index) => `[[listen.a.server]]\nname="s${index}"\naddress="192.0.2.1:80"\n`)}`,
    ],
    [
      "binds of one port",
      () => `[listen.a]\nbind=[${repeat((index) => `"127.${index >> 16}.${(index >> 8) & 255}.${index & 255}:80",`)}]`,
    ],
    ["steps", () => `[listen.a]\nbind=":80"\ncheck.step=[${repeat(() => "{},")}]`],
    [
      "virtual routers of one identity",
      () =>
        repeat((index) => `[vrrp.instance.a${index}]\ninterface="e"\nvirtual_router_id=1\nsync_group="g${index}"\n`),
    ],
    [
      "names that are tracked",
      () =>
        `[vrrp.instance.a]\ninterface="e"\nvirtual_router_id=1\ntrack_script=[${repeat((index) => `"s${index}",`)}]`,
    ],
    ["a regular expression of brackets", () => `[listen.a]\nbind=":80"\ncheck.expect.regex='${"(".repeat(SIZE)}'`],
    ["quotes", () => '"'.repeat(SIZE)],
    ["newlines", () => "\n".repeat(SIZE)],
  ])("%s", (_name, make) => {
    // Measured: at most 1.4 s on a busy machine; anything quadratic takes minutes.
    expect(judge(new TextEncoder().encode(make()))).toBeLessThan(8000);
  });
});
