import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exchange } from "../e2e/process/load.ts";
import { filesIn, toml } from "../e2e/process/stand.ts";
import { serve } from "../support/echo.ts";
import { freePort } from "../support/ports.ts";
import { binary, run, start } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";

describe("serve", () => {
  test("on a file with mistakes names each of them and exits with 78, without touching anything", async () => {
    const dir = tmpDir();
    const file = join(dir, "bad.toml");
    const port = freePort();
    writeFileSync(
      file,
      toml({ port, servers: ["127.0.0.1:99999"], global: "maxcon = 5", more: `[admin]\nsocket = "${dir}/a.sock"` }),
    );
    const { code, stderr, stdout } = await run([binary(), "serve", "-c", file]);
    expect(code).toBe(78);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/bad\.toml:3:1: error: global\.maxcon: .*did you mean "?maxconn"?/);
    expect(stderr).toContain("99999");
    expect(filesIn(dir)).toEqual(["bad.toml"]);
  });

  test.each([
    ["that is not there", "nowhere.toml", "there is no such file"],
    ["that is a directory", ".", "directory"],
  ])("on a file %s: says so and exits with 78", async (_, name, sentence) => {
    const { code, stderr } = await run([binary(), "serve", "-c", join(tmpDir(), name)]);
    expect(stderr).toContain(sentence);
    expect(code).toBe(78);
  });

  test("reads no .env and no bunfig.toml where it is started, nor what BUN_OPTIONS asks for", async () => {
    const dir = tmpDir();
    const trapped = join(dir, "trapped");
    writeFileSync(join(dir, "trap.ts"), `require("node:fs").writeFileSync(${JSON.stringify(trapped)}, "");`);
    writeFileSync(join(dir, "bunfig.toml"), 'preload = ["./trap.ts"]\n');
    writeFileSync(join(dir, ".env"), "BUN_OPTIONS=--preload=./trap.ts\nXDG_RUNTIME_DIR=/nonexistent\n");
    mkdirSync(join(dir, "src/relay"), { recursive: true });
    writeFileSync(
      join(dir, "src/relay/thread.ts"),
      `require("node:fs").writeFileSync(${JSON.stringify(trapped)}, "");`,
    );
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    writeFileSync(join(dir, "lite.toml"), toml({ port, servers: [echo], more: `[admin]\nsocket = "${dir}/a.sock"` }));
    const running = start([binary(), "serve", "-c", "lite.toml"], { cwd: dir });
    await running.waitFor(/\bready\b/);
    expect(await exchange(port, "x")).toBe("served");
    expect(await running.stop()).toEqual({ code: 0, signal: null });
    await run([binary(), "--version"], { cwd: dir, env: { BUN_OPTIONS: "--preload=./trap.ts" } });
    expect(existsSync(trapped)).toBeFalse();
  });

  test("prints warnings of the file and goes on", async () => {
    const dir = tmpDir();
    const file = join(dir, "lite.toml");
    writeFileSync(file, toml({ port: freePort(), servers: [], more: `[admin]\nsocket = "${dir}/a.sock"` }));
    const running = start([binary(), "serve", "-c", file]);
    await running.waitFor(/\bready\b/);
    expect(running.stderr()).toContain("warning: listen.web: no server");
  });
});
