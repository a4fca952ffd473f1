import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, type Result, run } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";

const lite = (...args: string[]): Promise<Result> => run([binary(), ...args]);

const COMMANDS = ["serve", "check", "status", "echo"];
const ESCAPE = "\u001b[";

describe("the program", () => {
  test("says its version and commit", async () => {
    for (const flag of ["--version", "-V"]) {
      const { code, stdout, stderr } = await lite(flag);
      expect(stdout).toMatch(/^haproxy-lite \d+\.\d+\.\d+\S* \(\S+\)\n$/);
      expect([code, stderr]).toEqual([0, ""]);
    }
  });

  test("lists its commands when asked for help, on stdout", async () => {
    for (const flag of ["--help", "-h", "help"]) {
      const { code, stdout, stderr } = await lite(flag);
      for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} +\\S`, "m"));
      expect([code, stderr]).toEqual([0, ""]);
    }
  });

  test.each(COMMANDS)("%s --help tells its flags, and --version works there as well", async (command) => {
    for (const flag of ["--help", "-h"]) {
      const { code, stdout } = await lite(command, flag);
      expect(stdout).toContain(`USAGE haproxy-lite ${command}`);
      expect(code).toBe(0);
    }
    expect((await lite(command, "--version")).stdout).toMatch(/^haproxy-lite \d/);
  });

  test.each([
    [[], "a command is needed"],
    [["serv"], 'unknown command "serv"; did you mean "serve"?'],
    [["chekc"], 'unknown command "chekc"; did you mean "check"?'],
    [["frobnicate"], 'unknown command "frobnicate"'],
    [["constructor"], 'unknown command "constructor"'],
    [["--serve"], 'unknown command "--serve"'],
    [["serve"], "-c FILE is needed"],
    [["serve", "-c"], "-c needs a value"],
    [["serve", "--confg", "x"], "unknown option --confg; did you mean --config?"],
    [["serve", "-c", "x", "y"], 'unexpected argument "y"'],
    [["status", "--josn"], "unknown option --josn; did you mean --json?"],
    [["import"], "FILE … is needed"],
    [["echo"], "ADDRESS is needed"],
    [["echo", "nonsense"], '"nonsense" has no port'],
  ] as [string[], string][])("refuses %p with exit status 2 and a sentence on stderr", async (args, sentence) => {
    const { code, stdout, stderr } = await lite(...args);
    expect(stderr.split("\n")[0]).toContain(sentence);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  test("shows the usage of the command that was used wrongly", async () => {
    expect((await lite("serve")).stderr).toContain("USAGE haproxy-lite serve");
    expect((await lite("nonsense")).stderr).toContain("usage: haproxy-lite COMMAND");
  });

  test("colours nothing that goes into a pipe, with or without NO_COLOR", async () => {
    const bad = join(tmpDir(), "bad.toml");
    writeFileSync(bad, "[global]\nmaxcon = 1\n");
    for (const NO_COLOR of [undefined, "1"]) {
      for (const args of [["--help"], ["serve", "--help"], ["serve"], ["check", "-c", bad], ["serve", "-c", bad]]) {
        const { stdout, stderr } = await run([binary(), ...args], { env: { NO_COLOR } });
        expect(stdout + stderr).not.toContain(ESCAPE);
      }
    }
  });

  test("colours a terminal, and not for those who set NO_COLOR", async () => {
    const bad = join(tmpDir(), "bad.toml");
    writeFileSync(bad, "[global]\nmaxcon = 1\n");
    const onTerminal = async (env: Record<string, string | undefined>): Promise<string> =>
      (await run(["script", "-qec", `${binary()} check -c ${bad}`, "/dev/null"], { env: { TERM: "xterm", ...env } }))
        .stdout;
    expect(await onTerminal({ NO_COLOR: undefined })).toContain(ESCAPE);
    expect(await onTerminal({ NO_COLOR: "1" })).not.toContain(ESCAPE);
  });
});
