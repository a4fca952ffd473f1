import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd } from "./cleanup.ts";

/** Makes an empty directory (mode 0700, a path short enough for a unix socket) that goes away with the test. */
export function tmpDir(): string {
  let path: string | null = null;
  atEnd(() => {
    if (path !== null) rmSync(path, { recursive: true, force: true });
  });
  path = mkdtempSync(join(tmpdir(), "hl-"));
  return path;
}
