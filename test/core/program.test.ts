import { describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { insecurePath, programProblem } from "../../src/core/program.ts";
import { tmpDir } from "../support/tmp.ts";

function file(text: string | Uint8Array, mode = 0o755): string {
  const path = join(tmpDir(), "program");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** Whether the kernel runs it. */
function runs(path: string): boolean {
  try {
    return Bun.spawnSync({ cmd: [path] }).exitCode === 0;
  } catch {
    return false;
  }
}

/** Scripts are expected to exit with 0; `problem` null: it runs. */
const CASES: readonly [what: string, path: () => string, problem: string | null][] = [
  ["a binary", () => "/bin/true", null],
  ["a script", () => file("#!/bin/sh\nexit 0\n"), null],
  ["a script with blanks and an argument", () => file("#! /bin/sh -e\nexit 0\n"), null],
  ["a script that nobody may read but root", () => file("#!/bin/sh\nexit 0\n", 0o711), null],
  ["nothing", () => "/nonexistent/program", "does not exist"],
  ["what is below a file", () => `${file("")}/program`, "does not exist"],
  ["a directory", () => tmpDir(), "is a directory"],
  ["a device", () => "/dev/null", "is no regular file"],
  ["a file without the right", () => file("#!/bin/sh\nexit 0\n", 0o644), "is not executable (chmod +x)"],
  ["a text that no interpreter is named for", () => file("exit 0\n"), 'has no "#!" line to say what runs it'],
  ["an empty file", () => file(""), 'has no "#!" line to say what runs it'],
  [
    "a script of an interpreter that is missing",
    () => file("#!/usr/local/bin/nosuch -x\n"),
    "is to be run by /usr/local/bin/nosuch, which does not exist",
  ],
  ["a script of nobody", () => file("#!\n"), "is to be run by nothing, which does not exist"],
  [
    "a script from Windows",
    () => file("#!/bin/sh\r\nexit 0\r\n"),
    'has Windows line endings: its "#!" line names no program',
  ],
];

describe("a program", () => {
  test.each(CASES)("that is %s is judged as the kernel does", (_, path, problem) => {
    const program = path();
    expect(programProblem(program)).toBe(problem);
    expect(runs(program)).toBe(problem === null);
  });

  test("behind a symbolic link is the one it points at", () => {
    const link = join(tmpDir(), "link");
    symlinkSync("/bin/true", link);
    expect(programProblem(link)).toBeNull();
    const broken = join(tmpDir(), "broken");
    symlinkSync("/nonexistent", broken);
    expect(programProblem(broken)).toBe("does not exist");
    const circle = join(tmpDir(), "circle");
    symlinkSync(circle, circle);
    expect(programProblem(circle)).toBe("does not exist");
  });

  test("of a kind that we do not know is not judged", () => {
    expect(programProblem(file(Uint8Array.of(0xca, 0xfe, 0xba, 0xbe, 0, 0)))).toBeNull();
  });

  test.skipIf(process.getuid?.() !== 0)("in a directory that is closed to us is not judged", () => {
    const closed = join(tmpDir(), "closed");
    mkdirSync(closed, { mode: 0o700 });
    const code = `process.setgid(65534); process.setuid(65534);
      console.log(JSON.stringify(programProblem(${JSON.stringify(join(closed, "program"))})))`;
    const module = JSON.stringify(join(import.meta.dir, "../../src/core/program.ts"));
    const script = `const { programProblem } = await import(${module});\n${code}`;
    const { stdout } = Bun.spawnSync({ cmd: [process.execPath, "-e", script] });
    expect(String(stdout).trim()).toBe("null");
  });
});

describe("what root runs must not be others' to change", () => {
  test("a program of the system is safe, and what is not there is another's business", () => {
    expect(insecurePath("/usr/bin/true")).toBeNull();
  });

  test.skipIf(process.geteuid?.() !== 0)("a file or a directory on the way that others may write is named", () => {
    const dir = tmpDir();
    const program = join(dir, "chk");
    writeFileSync(program, "#!/bin/sh\n", { mode: 0o755 });
    chmodSync(dir, 0o755);
    expect(insecurePath(program)).toBeNull();
    chmodSync(program, 0o757);
    expect(insecurePath(program)).toBe(`can be changed by others than root (${program})`);
    chmodSync(program, 0o755);
    chmodSync(dir, 0o777);
    expect(insecurePath(program)).toBe(`can be changed by others than root (${dir})`);
    // As /tmp: nobody may replace what is another's.
    chmodSync(dir, 0o1777);
    expect(insecurePath(program)).toBeNull();
    chownSync(program, 65534, 65534);
    expect(insecurePath(program)).toBe(`can be changed by others than root (${program})`);
  });
});
