import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/config.ts";
import { explain } from "../../src/config/explain.ts";

/**
 * fixtures/NAME.toml is a file as somebody might write it. NAME.expected.txt holds, to the letter, what `check` says of
 * it (no such file: nothing), NAME.expected.json what a valid one comes to.
 */
const DIRECTORY = join(import.meta.dir, "fixtures");

const machine = { cpus: 4, ephemeralPorts: { low: 32768, high: 60999 } };

function expected(name: string, kind: "txt" | "json"): string | null {
  const path = join(DIRECTORY, `${name}.expected.${kind}`);
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

describe("corpus", () => {
  const names = readdirSync(DIRECTORY)
    .filter((file) => file.endsWith(".toml"))
    .map((file) => file.slice(0, -".toml".length));

  test.each(names)("%s", (name) => {
    const bytes = readFileSync(join(DIRECTORY, `${name}.toml`));
    const { config, issues } = loadConfig({ path: `${name}.toml`, bytes }, machine);
    const text = new TextDecoder().decode(bytes);
    const said = explain(issues, { path: `${name}.toml`, text }, { colour: false });

    expect(said).toBe(expected(name, "txt") ?? "");
    expect(config === null).toBe(issues.some(({ severity }) => severity === "error"));
    const json = expected(name, "json");
    if (json !== null) expect(config).toEqual(JSON.parse(json));
  });

  test("has at least 25 files that are refused, and some that are not", () => {
    const refused = names.filter((name) => expected(name, "txt")?.includes(": error: "));
    expect(refused.length).toBeGreaterThanOrEqual(25);
    expect(names.filter((name) => expected(name, "json") !== null).length).toBeGreaterThanOrEqual(3);
  });

  test("leaves no expectation without its file", () => {
    const kept = readdirSync(DIRECTORY).filter((file) => file.includes(".expected."));
    expect(kept.filter((file) => !names.includes(file.split(".expected.")[0] ?? ""))).toEqual([]);
  });
});
