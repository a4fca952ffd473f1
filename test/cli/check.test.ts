import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CheckIo, check } from "../../src/cli/check.ts";
import { run } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";

const ROOT = join(import.meta.dir, "../..");

/** Runs `check` on a text; what it said, and its exit status. */
async function checked(text: string, options: Partial<CheckIo> = {}) {
  const path = join(tmpDir(), "c.toml");
  writeFileSync(path, text);
  const [out, err]: [string[], string[]] = [[], []];
  const status = await check(path, {
    out: (part) => out.push(part),
    err: (part) => err.push(part),
    colour: false,
    quiet: false,
    environment: { cpus: 2, ephemeralPorts: null },
    resolver: () => Promise.reject(new Error("no name is asked for here")),
    ...options,
  });
  return { status, out: out.join(""), err: err.join("").replaceAll(path, "c.toml") };
}

const GOOD = `[[log]]
address = "stdout"
[listen.a]
bind = ":8080"
timeout = { connect = "5s", client = "1m", server = "1m" }
check = true
[[listen.a.server]]
name = "s"
address = "192.0.2.11:4900"
`;
const WARNED = GOOD.replace("check = true\n", "");
const BAD = WARNED.replace('"s"', '"s"\nweight = -1');

describe("check", () => {
  test("says that a valid file is valid, and exits 0", async () => {
    expect(await checked(GOOD)).toEqual({ status: 0, out: "Configuration file is valid\n", err: "" });
  });

  test("counts warnings, says them on stderr, and exits 0", async () => {
    const { status, out, err } = await checked(WARNED);
    expect([status, out]).toEqual([0, "Configuration file is valid (1 warning)\n"]);
    expect(err).toStartWith("c.toml:6:12: warning: listen.a.server: no server is checked");
  });

  test("warns of what limits the process, with both numbers, though not where there is enough", async () => {
    const environment = { cpus: 2, ephemeralPorts: null, openFiles: 1024, runtimeProblem: "the runtime is cramped" };
    const { status, err } = await checked(`[global]\nthreads = 1\nmaxconn = 1000\n${GOOD}`, { environment });
    expect(status).toBe(0);
    expect(err).toContain(
      "c.toml:3:11: warning: global.maxconn: 1000 connections need 2147 open files and the limit here is 1024: maxconn would be lowered to 438; raise it where the service starts (ulimit -n, LimitNOFILE=), or lower maxconn\n",
    );
    expect(err).toContain("c.toml: warning: the runtime is cramped\n");
    const roomy = { ...environment, openFiles: 2147, runtimeProblem: null };
    expect((await checked(`[global]\nthreads = 1\nmaxconn = 1000\n${GOOD}`, { environment: roomy })).err).toBe("");
    expect((await checked(GOOD, { environment: { ...roomy, openFiles: 100 } })).err).toContain(
      "nobody could be served",
    );
  });

  test("says everything that is wrong on stderr, and exits 78", async () => {
    const { status, out, err } = await checked(BAD);
    expect([status, out]).toEqual([78, ""]);
    expect(err).toContain(
      "c.toml:8:10: error: listen.a.server[0].weight: -1 is negative; write a whole number, 0..256\n",
    );
    expect(err).toContain("warning: ");
    expect(err).toEndWith("Configuration file is not valid: 1 error, 1 warning\n");
  });

  test("when quiet says errors only", async () => {
    expect(await checked(GOOD, { quiet: true })).toEqual({ status: 0, out: "", err: "" });
    expect(await checked(WARNED, { quiet: true })).toEqual({ status: 0, out: "", err: "" });
    const { status, err } = await checked(BAD, { quiet: true });
    expect(status).toBe(78);
    expect(err).not.toContain("warning");
    expect(err).toContain("is negative");
  });

  test("colours what it says where that was asked for", async () => {
    expect((await checked(BAD, { colour: true })).err).toContain("\u001b[31merror\u001b[0m");
  });
});

describe("the command line", () => {
  const haproxyLite = (...args: string[]) => run([process.execPath, join(ROOT, "src/main.ts"), ...args], { cwd: ROOT });

  test("checks the sample", async () => {
    expect(await haproxyLite("check", "-c", "haproxy-lite.toml")).toMatchObject({
      code: 0,
      stdout: "Configuration file is valid\n",
      stderr: "",
    });
  });

  test("looks at this machine: interfaces and programs", async () => {
    const path = join(tmpDir(), "c.toml");
    const vrrp = `[[vrrp.script]]
name = "chk"
command = "/nonexistent/chk"
[vrrp.instance.V]
interface = "nosuch0"
virtual_router_id = 51
virtual_ipaddress = "192.0.2.100/24"
track_script = ["chk"]
`;
    writeFileSync(path, `${GOOD}${vrrp}`);
    const { code, stderr } = await haproxyLite("check", "-c", path);
    expect(code).toBe(78);
    expect(stderr).toContain(
      ':14:13: error: vrrp.instance.V.interface: there is no interface "nosuch0": V stays in FAULT',
    );
    expect(stderr).toContain(":12:11: warning: vrrp.script[0].command: /nonexistent/chk does not exist: chk counts as");
  });

  test("exits 78 for a file that is not there", async () => {
    const { code, stdout, stderr } = await haproxyLite("check", "-c", "none.toml");
    expect([code, stdout]).toEqual([78, ""]);
    expect(stderr).toStartWith("none.toml: error: there is no such file; ");
  });

  test("prints the JSON Schema, which needs no file", async () => {
    const { code, stdout } = await haproxyLite("check", "--schema");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ title: "haproxy-lite", properties: { listen: {} } });
  });

  test("loses nothing of it in a pipe whose reader is slow", async () => {
    const command = `"${process.execPath}" "${join(ROOT, "src/main.ts")}" check --schema | (sleep 1; cat)`;
    const { stdout } = await run(["sh", "-c", command], { cwd: ROOT });
    expect(JSON.parse(stdout)).toMatchObject({ title: "haproxy-lite" });
  });

  test("needs a file otherwise", async () => {
    const { code, stderr } = await haproxyLite("check");
    expect(code).toBe(2);
    expect(stderr).toContain("-c FILE");
  });
});
