import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, run } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";

const sh = async (script: string): Promise<number | null> => (await run(["sh", "-c", script])).code;

describe("output that is appended to a file", () => {
  test("never harms what stands there, whether it is empty, short or long", async () => {
    const file = join(tmpDir(), "log");
    for (const command of ["check -q -c haproxy-lite.toml", "--version", "check --schema", "check -c missing.toml"]) {
      writeFileSync(file, "precious old log\n");
      await sh(`${binary()} ${command} >> ${file} 2>&1; echo LAST >> ${file}`);
      const text = readFileSync(file, "utf8");
      expect(text).toStartWith("precious old log\n");
      expect(text).toEndWith("LAST\n");
      expect(text).not.toContain("\0");
    }
  });

  test("comes whole and in order when stdout and stderr share a file", async () => {
    const file = join(tmpDir(), "log");
    await sh(`(echo FIRST; ${binary()} check -c missing.toml; ${binary()} --version; echo LAST) > ${file} 2>&1`);
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(/^FIRST\n.*missing\.toml: error: .*not valid: 1 error\nhaproxy-lite .*\nLAST\n$/s);
  });
});

test("a slow reader gets all of a long output", async () => {
  const { stdout } = await run(["sh", "-c", `${binary()} check --schema | (sleep 0.3; wc -c)`]);
  const { stdout: whole } = await run([binary(), "check", "--schema"]);
  expect(Number(stdout)).toBe(Buffer.byteLength(whole));
  expect(whole.length).toBeGreaterThan(70_000);
});

test("a full disk is an error in one line, without a trace", async () => {
  const { code, stderr } = await run(["sh", "-c", `${binary()} --version > /dev/full`]);
  expect(code).toBe(1);
  expect(stderr).toContain("cannot write to stdout");
  expect(stderr.trim().split("\n")).toHaveLength(1);
});
