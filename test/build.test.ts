import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { binary, run, runOk } from "./support/process.ts";
import { tmpDir } from "./support/tmp.ts";
import { tool } from "./support/tools.ts";

const ROOT = join(import.meta.dir, "..");
/** The one release target whose runtime is here already. */
const HERE = `linux-${process.arch}`;

describe("the compiled program", () => {
  test("names its version and commit", async () => {
    const said = await runOk([binary(), "--version"]);
    expect(said).toContain(manifest.version);
    expect(said).toMatch(/\b(unknown|[0-9a-f]{7,40}(-dirty)?)\b/);
  });

  test("reads neither .env nor bunfig.toml of the directory it is started in", async () => {
    const cwd = tmpDir();
    await Bun.write(join(cwd, ".env"), "NO_COLOR=\nBUN_JSC_noSuchOption=1\n");
    await Bun.write(join(cwd, "bunfig.toml"), 'preload = ["./trap.ts"]\n');
    await Bun.write(join(cwd, "trap.ts"), 'require("node:fs").writeFileSync("trapped", "");');
    const said = await run([binary(), "--version"], { cwd });
    expect({ code: said.code, files: readdirSync(cwd).sort() }).toEqual({
      code: 0,
      files: [".env", "bunfig.toml", "trap.ts"],
    });
  });

  test.skipIf(tool("strace") === null)("opens no file of the directory it is started in", async () => {
    const cwd = tmpDir();
    for (const name of [".env", ".env.local", ".env.production", "bunfig.toml", "package.json", "tsconfig.json"]) {
      await Bun.write(join(cwd, name), "");
    }
    const trace = join(tmpDir(), "trace");
    const strace = [tool("strace") ?? "", "-f", "-o", trace, "-e", "trace=open,openat,openat2"];
    await runOk([...strace, binary(), "--version"], { cwd });
    const opened = readFileSync(trace, "utf8").split("\n");
    expect(opened.length).toBeGreaterThan(3);
    // A path without a leading slash, or with the directory's name, is in the directory.
    expect(opened.filter((line) => /"\.?\w[^"/]*"/.test(line) || line.includes(cwd))).toEqual([]);
  });

  test("refuses code put in by BUN_OPTIONS and a debugger by BUN_INSPECT", async () => {
    const cwd = tmpDir();
    await Bun.write(join(cwd, "trap.ts"), 'require("node:fs").writeFileSync("trapped", "");');
    await run([binary(), "--version"], { cwd, env: { BUN_OPTIONS: "--preload=./trap.ts" } });
    expect(readdirSync(cwd)).toEqual(["trap.ts"]);
    expect((await run([binary(), "--version"], { cwd, env: { BUN_INSPECT: "localhost:0" } })).code).not.toBe(0);
  });
});

describe("a release", () => {
  test("is named after version and target, with its checksum, and the same input gives the same bytes", async () => {
    const [first, second] = [tmpDir(), tmpDir()];
    for (const outdir of [first, second]) {
      await runOk([process.execPath, "build.ts", "--release", HERE, "--outdir", outdir], { timeoutMs: 60_000 });
    }
    const name = `haproxy-lite-${manifest.version}-${HERE}`;
    expect(readdirSync(first).sort()).toEqual(["SHA256SUMS", name]);
    expect(statSync(join(first, name)).mode & 0o111).toBe(0o111);
    const sums = readFileSync(join(first, "SHA256SUMS"), "utf8");
    const digest = new Bun.CryptoHasher("sha256").update(readFileSync(join(first, name))).digest("hex");
    expect(sums).toBe(`${digest}  ${name}\n`);
    expect(readFileSync(join(second, "SHA256SUMS"), "utf8")).toBe(sums);
  });

  test("of an unknown target is refused with the names of the known ones", async () => {
    const said = await run([process.execPath, "build.ts", "--release", "windows"], { cwd: ROOT });
    expect({ code: said.code, stderr: said.stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("linux-arm64-musl") as unknown as string,
    });
  });
});
