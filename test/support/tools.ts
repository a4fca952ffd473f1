import { appendFileSync } from "node:fs";
import { relative } from "node:path";
import { findTool, PACKAGES, type ToolName } from "./packages.ts";

/** Where the runner collects what was missing, one JSON line each; unset outside `npm test`. */
export const MISSING_FILE_VARIABLE = "HAPROXY_LITE_TEST_MISSING";

/** A thing that the machine lacks, and the test file that had to do without it. */
export interface Missing {
  what: string;
  file: string;
}

/**
 * Absolute path of a real program, or null after a loud record that the runner counts:
 * `test.skipIf(tool("haproxy") === null)(…)`. In CI nothing may be skipped, so there a missing program throws.
 */
export function tool(name: ToolName): string | null {
  const path = findTool(name);
  if (path === null) reportMissing(`${name} (Debian package ${PACKAGES[name]})`);
  return path;
}

/** True as root; otherwise false after the same record as `tool`, for tests that need namespaces or privileged ports. */
export function root(): boolean {
  if (process.geteuid?.() === 0) return true;
  reportMissing("root");
  return false;
}

/** Records something that this machine lacks, and throws where nothing may be skipped. */
export function reportMissing(what: string): void {
  const file = testFile();
  if (process.env.CI === "true") throw new Error(`${file} needs ${what}, and CI=true allows no skipped test`);
  const record: Missing = { what, file };
  const path = process.env[MISSING_FILE_VARIABLE];
  if (path === undefined) console.error(`SKIPPING tests of ${file}: no ${what} on this machine`);
  else appendFileSync(path, `${JSON.stringify(record)}\n`);
}

/** The test file on the call stack, relative to the working directory as Bun's reports name it. */
function testFile(): string {
  const frame = /[( ](?:file:\/\/)?(\/[^():]+\.test\.ts):\d+/.exec(new Error().stack ?? "");
  return frame?.[1] === undefined ? "unknown" : relative(process.cwd(), frame[1]);
}
