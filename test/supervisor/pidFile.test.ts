import { describe, expect, test } from "bun:test";
import { chmodSync, chownSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { claimPidFile, PidFileHeld } from "../../src/supervisor/pidFile.ts";
import { run, start } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { root } from "../support/tools.ts";

const MODULE = join(import.meta.dir, "../../src/supervisor/pidFile.ts");

/** The error of a claim; null when it succeeds. */
function held(path: string, pid: number): PidFileHeld | null {
  try {
    claimPidFile(path, pid);
    return null;
  } catch (error) {
    if (error instanceof PidFileHeld) return error;
    throw error;
  }
}

describe("a pid file", () => {
  test("holds the pid and a newline, is readable for everybody whatever the umask, and goes again", () => {
    const dir = tmpDir();
    const umask = process.umask(0o077);
    const release = claimPidFile(join(dir, "lite.pid"), 4711);
    process.umask(umask);
    expect(readFileSync(join(dir, "lite.pid"), "utf8")).toBe("4711\n");
    expect(statSync(join(dir, "lite.pid")).mode & 0o777).toBe(0o644);
    expect(readdirSync(dir)).toEqual(["lite.pid"]);
    release();
    expect(readdirSync(dir)).toEqual([]);
  });

  test("takes the place of one that a crash left, its half-written copy included", () => {
    const dir = tmpDir();
    const path = join(dir, "lite.pid");
    writeFileSync(path, "999999\n");
    writeFileSync(`${path}.4711`, "47");
    claimPidFile(path, 4711);
    expect(readFileSync(path, "utf8")).toBe("4711\n");
    expect(readdirSync(dir)).toEqual(["lite.pid"]);
  });

  test("that another one holds is left as it is, and its pid is told", () => {
    const dir = tmpDir();
    const path = join(dir, "lite.pid");
    const release = claimPidFile(path, 1111);
    expect(held(path, 2222)?.pid).toBe(1111);
    expect(readFileSync(path, "utf8")).toBe("1111\n");
    expect(readdirSync(dir)).toEqual(["lite.pid"]);
    release();
    expect(held(path, 2222)).toBeNull();
    expect(readFileSync(path, "utf8")).toBe("2222\n");
  });

  test("is free again when its holder was killed, although a child of the holder lives on", async () => {
    const path = join(tmpDir(), "lite.pid");
    const script = `import { claimPidFile } from ${JSON.stringify(MODULE)};
      claimPidFile(${JSON.stringify(path)}, process.pid);
      Bun.spawn(["sleep", "30"], { stdio: ["ignore", "ignore", "ignore"] });
      console.log("claimed"); setInterval(() => {}, 1000);`;
    const holder = start([process.execPath, "-e", script]);
    await holder.waitFor("claimed");
    expect(held(path, 1)?.pid).toBe(holder.pid);
    process.kill(holder.pid, "SIGKILL");
    await holder.exited;
    expect(held(path, 1)).toBeNull();
  });

  test("of many who claim it in the same instant one gets it, every time", async () => {
    const path = join(tmpDir(), "lite.pid");
    for (const stale of [false, true]) {
      if (stale) writeFileSync(path, "999999\n");
      const goAt = Date.now() + 600;
      const script = `import { claimPidFile } from ${JSON.stringify(MODULE)};
        Bun.sleepSync(Math.max(0, ${goAt} - Date.now()));
        try { claimPidFile(${JSON.stringify(path)}, process.pid); console.log("mine"); await Bun.sleep(1500); }
        catch (error) { console.log(error.constructor.name); }`;
      const claims = await Promise.all(Array.from({ length: 6 }, () => run([process.execPath, "-e", script])));
      const said = claims.map(({ stdout }) => stdout.trim()).sort();
      expect(said).toEqual([...Array(5).fill("PidFileHeld"), "mine"]);
    }
  });

  test("of another process is not removed, and one that is gone already is no error", () => {
    const path = join(tmpDir(), "lite.pid");
    const releaseFirst = claimPidFile(path, 1111);
    rmSync(path);
    const releaseSecond = claimPidFile(path, 2222);
    releaseFirst();
    expect(readFileSync(path, "utf8")).toBe("2222\n");
    rmSync(path);
    releaseSecond();
  });

  test("that cannot be put into place leaves no other file behind", () => {
    const dir = tmpDir();
    expect(() => claimPidFile(join(dir, "none", "lite.pid"), 1)).toThrow("ENOENT");
    expect(() => claimPidFile(dir, 1)).toThrow();
    expect(readdirSync(join(dir, "..")).filter((name) => name.startsWith(`${dir.split("/").at(-1)}.`))).toEqual([]);
  });

  test.skipIf(!root())(
    "in a directory that is somebody else's alone is removed by root without CAP_DAC_OVERRIDE",
    async () => {
      const dir = tmpDir();
      chownSync(dir, 1, 1);
      chmodSync(dir, 0o700);
      const path = join(dir, "lite.pid");
      const script = `import { claimPidFile } from ${JSON.stringify(MODULE)};
      import { keepCapabilities } from ${JSON.stringify(join(import.meta.dir, "../../src/net/capabilities.ts"))};
      import { existsSync } from "node:fs";
      const release = claimPidFile(${JSON.stringify(path)}, process.pid);
      keepCapabilities([6, 7]);
      console.log("seen", existsSync(${JSON.stringify(path)}));
      release();
      // Still to be found in /proc by what we start.
      console.log("exe", Bun.spawnSync(["/proc/" + process.pid + "/exe", "--version"]).exitCode);`;
      const { stdout } = await run([process.execPath, "-e", script]);
      expect(stdout).toBe("seen false\nexe 0\n");
      expect(readdirSync(dir)).toEqual([]);
    },
  );
});
