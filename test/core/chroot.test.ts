import { describe, expect, test } from "bun:test";
import { chmodSync, chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chrootProblem, isThere } from "../../src/core/chroot.ts";
import { tmpDir } from "../support/tmp.ts";
import { root } from "../support/tools.ts";

describe.skipIf(!root())("a directory for a chroot", () => {
  test("is root's, and nobody else may write to it", () => {
    const dir = tmpDir();
    expect(chrootProblem(dir)).toBeNull();
    chmodSync(dir, 0o755);
    expect(chrootProblem(dir)).toBeNull();
    for (const mode of [0o775, 0o757, 0o1777]) {
      chmodSync(dir, mode);
      expect(chrootProblem(dir)).toBe("can be written to by others than root");
    }
    chmodSync(dir, 0o755);
    chownSync(dir, 7, 0);
    expect(chrootProblem(dir)).toBe("belongs to uid 7 instead of root");
  });

  test("exists and is a directory", () => {
    const dir = tmpDir();
    writeFileSync(join(dir, "file"), "");
    expect(chrootProblem(join(dir, "none"))).toBe("does not exist");
    expect(chrootProblem(join(dir, "file"))).toBe("is not a directory");
    expect(chrootProblem(join(dir, "file/below"))).toBe("does not exist");
    expect([isThere(dir), isThere(join(dir, "file")), isThere(join(dir, "none"))]).toEqual([true, true, false]);
  });
});
