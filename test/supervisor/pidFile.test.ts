import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writePidFile } from "../../src/supervisor/pidFile.ts";
import { tmpDir } from "../support/tmp.ts";

describe("a pid file", () => {
  test("holds the pid and a newline, is readable for everybody, and goes again", () => {
    const dir = tmpDir();
    const remove = writePidFile(join(dir, "lite.pid"), 4711);
    expect(readFileSync(join(dir, "lite.pid"), "utf8")).toBe("4711\n");
    expect(statSync(join(dir, "lite.pid")).mode & 0o444).toBe(0o444);
    expect(readdirSync(dir)).toEqual(["lite.pid"]);
    remove();
    expect(readdirSync(dir)).toEqual([]);
  });

  test("takes the place of one that a crash left", () => {
    const path = join(tmpDir(), "lite.pid");
    writeFileSync(path, "999999\n");
    writePidFile(path, 4711);
    expect(readFileSync(path, "utf8")).toBe("4711\n");
  });

  test("of another process is not removed, and one that is gone already is no error", () => {
    const path = join(tmpDir(), "lite.pid");
    const removeFirst = writePidFile(path, 1111);
    const removeSecond = writePidFile(path, 2222);
    removeFirst();
    expect(readFileSync(path, "utf8")).toBe("2222\n");
    rmSync(path);
    removeSecond();
  });

  test("that cannot be put into place leaves no other file behind", () => {
    const dir = tmpDir();
    expect(() => writePidFile(join(dir, "none", "lite.pid"), 1)).toThrow("ENOENT");
    expect(() => writePidFile(dir, 1)).toThrow();
    expect(readdirSync(join(dir, "..")).filter((name) => name.startsWith(`${dir.split("/").at(-1)}.`))).toEqual([]);
  });
});
