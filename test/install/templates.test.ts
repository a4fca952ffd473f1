import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { COMMANDS } from "../../src/cli/cli.ts";
import { surfaceOf } from "../../src/cli/surface.ts";
import { jsonSchema } from "../../src/config/jsonSchema.ts";
import type { CommandSurface } from "../../src/install/surface.ts";
import { completion } from "../../src/install/templates/completion.ts";
import { configFile } from "../../src/install/templates/configFile.ts";
import { initScript } from "../../src/install/templates/initScript.ts";
import { manConfig } from "../../src/install/templates/manConfig.ts";
import { manProgram } from "../../src/install/templates/manProgram.ts";
import { sudoers } from "../../src/install/templates/sudoers.ts";
import { sysctl } from "../../src/install/templates/sysctl.ts";
import { unit } from "../../src/install/templates/unit.ts";
import { binary, run, runOk } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { tool } from "../support/tools.ts";

/** systemd of RHEL 7, 8, 9 and 10. */
const SYSTEMDS = [219, 239, 252, 257] as const;

/** How bold and underlined letters are shown on paper: a letter, a backspace, and the letter again. */
const OVERSTRIKE = new RegExp(`.${String.fromCharCode(8)}`, "g");

let commands: CommandSurface[] = [];
beforeAll(async () => {
  commands = await surfaceOf(COMMANDS);
});

/** A file with that text in a directory of its own. */
function written(name: string, text: string, mode = 0o644): string {
  const path = join(tmpDir(), name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe.skipIf(tool("systemd-analyze") === null)("the unit", () => {
  /** A unit as systemd-analyze takes it: its program and its manual pages are there. */
  const checkable = (systemdVersion: number): string => {
    const text = unit({ systemdVersion, optionsFile: "/etc/sysconfig/haproxy-lite" });
    return written("haproxy-lite.service", text.replaceAll("/usr/sbin/haproxy-lite", "/bin/true"));
  };

  test.each(SYSTEMDS)("for systemd %i is what systemd-analyze verify wants, without a word", async (version) => {
    const verify = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", checkable(version)];
    expect(await run(verify)).toMatchObject({ code: 0, stderr: "" });
  });

  test("with an unknown key is not: the check above can fail", async () => {
    const path = written("haproxy-lite.service", "[Service]\nExecStart=/bin/true\nNoSuchKey=1\n");
    const said = await run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", path]);
    expect(said.code).not.toBe(0);
  });

  test.each([239, 252, 257])("for systemd %i exposes at most 2.5 of 10", async (version) => {
    const security = ["systemd-analyze", "security", "--offline=true", "--threshold=25", checkable(version)];
    const said = await run(security);
    expect(said.stdout).toContain("Overall exposure level");
    expect(said.code).toBe(0);
  });

  test("never takes the JIT compiler away", () => {
    for (const systemdVersion of SYSTEMDS) {
      const lines = unit({ systemdVersion, optionsFile: "/x" }).split("\n");
      expect(lines.filter((line) => /^(MemoryDenyWriteExecute|LimitAS)=/.test(line))).toEqual([]);
    }
  });

  test("for systemd 219 has no filter, which it would take for an empty one, and no ambient capabilities", () => {
    const old = unit({ systemdVersion: 219, optionsFile: "/x" });
    for (const key of ["SystemCallFilter=", "AmbientCapabilities=", "User=", "ProtectSystem=strict"])
      expect(old.split("\n").filter((line) => line.startsWith(key))).toEqual([]);
    expect(old).toContain("CAP_SETUID");
  });

  test("validates before it reloads, and does not restart what a bad file ended", () => {
    const lines = unit({ systemdVersion: 252, optionsFile: "/x" }).split("\n");
    const reload = lines.filter((line) => line.startsWith("ExecReload="));
    expect(reload).toEqual([
      "ExecReload=/usr/sbin/haproxy-lite check --quiet --config /etc/haproxy-lite/haproxy-lite.toml",
      "ExecReload=/bin/kill -HUP $MAINPID",
    ]);
    expect(lines).toContain("RestartPreventExitStatus=78");
  });
});

describe("the init script", () => {
  const path = (): string => written("haproxy-lite", initScript("/etc/sysconfig/haproxy-lite"));

  test.skipIf(tool("shellcheck") === null)("has nothing that shellcheck would say something about", async () => {
    expect(await run(["shellcheck", path()])).toMatchObject({ code: 0, stdout: "" });
  });

  test.skipIf(tool("dash") === null)("is read by dash", async () => {
    await runOk(["dash", "-n", path()]);
  });

  test("has chkconfig's block at the top, and LSB's right after it", () => {
    const lines = initScript("/x").split("\n");
    const head = lines.slice(0, lines.indexOf(""));
    expect(head.every((line) => line.startsWith("#"))).toBe(true);
    expect(head).toContain("# chkconfig: 2345 86 14");
    expect(head.some((line) => line.startsWith("# description: "))).toBe(true);
    expect(head).toContain("### BEGIN INIT INFO");
    expect(head.at(-1)).toBe("### END INIT INFO");
  });
});

describe.skipIf(tool("visudo") === null)("the sudoers file", () => {
  const inits = [{ kind: "systemd" }, { kind: "sysv", script: "/etc/rc.d/init.d/haproxy-lite" }] as const;

  test.each(inits)("for %j is what visudo wants", async (init) => {
    expect((await run([tool("visudo") ?? "", "-cf", written("haproxy-lite", sudoers(init), 0o440)])).code).toBe(0);
  });

  test("has neither a wildcard nor systemctl's pager", () => {
    for (const init of inits) {
      expect(sudoers(init)).not.toMatch(/[*?]/);
      expect(sudoers(init)).not.toMatch(/systemctl status/);
    }
  });
});

describe.skipIf(tool("mandoc") === null)("a manual page", () => {
  test("has nothing that mandoc would warn of", async () => {
    for (const [name, text] of [
      ["haproxy-lite.8", manProgram(commands)],
      ["haproxy-lite.toml.5", manConfig()],
    ] as const)
      expect(await run(["mandoc", "-T", "lint", "-W", "warning", written(name, text)])).toMatchObject({
        code: 0,
        stdout: "",
        stderr: "",
      });
  });

  test("of the program names every command with every flag", async () => {
    const page = await read(written("haproxy-lite.8", manProgram(commands)));
    expect(commands.map(({ name }) => name)).toEqual(Object.keys(COMMANDS));
    for (const { name, flags } of commands) {
      expect(page).toContain(`haproxy-lite ${name}`);
      for (const spelling of flags.flatMap(({ spellings }) => spellings)) expect(page).toContain(spelling);
    }
  });

  test("of the file names every key", async () => {
    const page = await read(written("haproxy-lite.toml.5", manConfig()));
    for (const [table, node] of Object.entries(jsonSchema().properties ?? {})) {
      expect(page).toContain(`[${table}`);
      for (const key of Object.keys(node.properties ?? {})) expect(page).toContain(key);
    }
  });

  /** As a reader sees it: no overstriking, no line breaks. */
  async function read(path: string): Promise<string> {
    const shown = await runOk(["mandoc", "-T", "ascii", path]);
    return shown.replace(OVERSTRIKE, "").replace(/\s+/g, " ");
  }
});

describe("the completion", () => {
  const complete = async (...words: string[]): Promise<string[]> => {
    const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _haproxy_lite; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const cwd = tmpDir();
    mkdirSync(join(cwd, "tree"));
    writeFileSync(join(cwd, "a file.toml"), "");
    const path = written("haproxy-lite", completion(commands));
    const said = await runOk(["bash", "-uc", script, "bash", path, "haproxy-lite", ...words], { cwd });
    return said.split("\n").filter((line) => line !== "");
  };

  test("knows the commands", async () => {
    expect(await complete("")).toEqual([...Object.keys(COMMANDS), "--help", "--version"]);
    expect(await complete("inst")).toEqual(["install"]);
  });

  test("knows the flags of a command", async () => {
    expect(await complete("install", "--")).toEqual(["--dry-run", "--root", "--sysv", "--firewall", "--help"]);
    expect(await complete("uninstall", "--p")).toEqual(["--purge"]);
    expect(await complete("nonsense", "--")).toEqual([]);
  });

  test("gives files and directories where a flag takes one, with blanks in one piece", async () => {
    expect((await complete("serve", "-c", "")).sort()).toEqual(["a file.toml", "tree"]);
    expect((await complete("check", "--peer", "")).sort()).toEqual(["a file.toml", "tree"]);
    expect(await complete("install", "--root", "")).toEqual(["tree"]);
  });

  test("gives files to a command that takes them by themselves, and its flags after a dash", async () => {
    expect((await complete("import", "")).sort()).toEqual(["a file.toml", "tree"]);
    expect((await complete("import", "haproxy.cfg", "")).sort()).toEqual(["a file.toml", "tree"]);
    expect(await complete("import", "--o")).toEqual(["--output"]);
  });

  test.skipIf(tool("shellcheck") === null)("has nothing that shellcheck would say something about", async () => {
    const path = written("haproxy-lite", completion(commands));
    expect(await run(["shellcheck", "-s", "bash", path])).toMatchObject({ code: 0, stdout: "" });
  });
});

describe("the configuration of a new service", () => {
  test("is valid, and so is all that it has as comments", async () => {
    const asInstalled = configFile();
    const everything = asInstalled.replace(/^#(?=[a-z[])/gm, "");
    expect(everything).toContain("\n[vrrp.instance.VI_1]");
    for (const text of [asInstalled, everything]) {
      const said = await run([binary(), "check", "-c", written("c.toml", text)]);
      expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining("is valid") as unknown as string });
    }
  });
});

describe("the sysctl file", () => {
  test("does not make a larger backlog smaller", () => {
    expect(sysctl(128)).toContain("net.core.somaxconn = 4096");
    expect(sysctl(4096)).toContain("net.core.somaxconn = 4096");
    expect(sysctl(null)).toContain("net.core.somaxconn = 4096");
    expect(sysctl(65535)).not.toContain("somaxconn");
  });
});
