import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { atEnd } from "../support/cleanup.ts";
import { tmpDir } from "../support/tmp.ts";

/** Writes an executable shell script into a directory that everybody may enter, and returns its path. */
export function script(body: string, mode = 0o755): string {
  const dir = tmpDir();
  chmodSync(dir, 0o755);
  const path = join(dir, "script");
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, mode);
  return path;
}

/** Whether a process is there and not just waiting to be collected by its parent. */
export function alive(pid: number): boolean {
  try {
    return !/\) [ZX] [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

/** The process id in a file that a script wrote; null when it has not yet. The process is killed when the test ends. */
export function pidIn(file: string): number | null {
  const pid = Number(readIfThere(file));
  if (!(pid > 0)) return null;
  atEnd(() => {
    if (alive(pid)) process.kill(pid, "SIGKILL");
  });
  return pid;
}

/** A file's text, or "" when there is none. */
export function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
