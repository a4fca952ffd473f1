import { describe, expect, test } from "bun:test";
import { cpSync, existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exchange } from "../e2e/process/load.ts";
import { childrenOf, filesIn, isRunning, proxyPid, toml } from "../e2e/process/stand.ts";
import { serve } from "../support/echo.ts";
import { freePort, freePorts } from "../support/ports.ts";
import { binary, type Running, run, start } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { until } from "../support/until.ts";

const ROOT = join(import.meta.dir, "../..");

interface Demo {
  program: Running;
  dir: string;
  port: number;
  file: string;
}

/** `serve --demo` with two servers on free ports. */
async function startDemo(): Promise<Demo> {
  const [port = 0, a = 0, b = 0] = freePorts(3);
  const dir = tmpDir();
  const file = join(dir, "lite.toml");
  const servers = [`127.0.0.1:${a}`, `127.0.0.1:${b}`];
  const more = `[admin]\nsocket = "${dir}/admin.sock"`;
  writeFileSync(file, toml({ port, servers, check: 'interval = "100ms"\nfall = 2\nrise = 1', more }));
  const program = start([binary(), "serve", "--demo", "-c", file], { cwd: dir });
  await program.waitFor("and it is back");
  return { program, dir, port, file };
}

/** Pids and addresses of the echo servers, as the demo names them. */
function echoServers(program: Running): { pid: number; address: string }[] {
  const named = [...program.output().matchAll(/^ {2}\S+ on (\S+), pid (\d+)$/gm)];
  return named.map(([, address = "", pid]) => ({ address, pid: Number(pid) }));
}

/** The commands that the demo suggests, as they stand in its output. */
function suggested(program: Running, containing: string): string {
  const line =
    program
      .output()
      .split("\n")
      .find((each) => each.startsWith("  ") && each.includes(containing)) ?? "";
  return line.trim().split(/ {3,}/)[0] ?? "";
}

describe("serve --demo", () => {
  test("plays every server of the file, and what it suggests works as printed", async () => {
    const { program, dir, port } = await startDemo();
    const shell = (command: string) => run(["sh", "-c", command], { cwd: dir });
    expect(echoServers(program)).toHaveLength(2);
    for (let i = 0; i < 4; i++) expect(await exchange(port, "hello")).toBe("served");
    expect(suggested(program, "nc -N")).toBe(`echo hello | nc -N 127.0.0.1 ${port}`);
    const status = suggested(program, " status ");
    expect(await shell(status)).toMatchObject({ code: 0 });

    await shell(suggested(program, "kill "));
    await until("status to notice the death", async () => (await shell(status)).code === 1);
    expect((await shell(status)).stdout).toContain("1 server down: web/s1");
    for (let i = 0; i < 4; i++) expect(await exchange(port, "hello")).toBe("served");
    const again = start(["sh", "-c", `exec ${suggested(program, " echo 127")}`], { cwd: dir });
    await again.waitFor("echo server");
    await until("status to notice the return", async () => (await shell(status)).code === 0);

    expect(await program.stop({ signal: "SIGINT" })).toEqual({ code: 0, signal: null });
    expect(echoServers(program).some(({ pid }) => isRunning(pid))).toBeFalse();
    expect(filesIn(dir)).toEqual(["lite.toml"]);
  });

  test("leaves no echo server behind, however it ends, frozen ones included", async () => {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const { program } = await startDemo();
      const [first, second] = echoServers(program);
      if (signal === "SIGTERM") process.kill(first?.pid ?? 0, "SIGSTOP");
      const proxy = proxyPid(program);
      program.signal(signal);
      await until("all of it to be gone", () => ![first?.pid, second?.pid, proxy].some((pid) => isRunning(pid ?? 0)));
    }
  });

  test("stopped while its servers start leaves none of them", async () => {
    const { file, program: first } = await startDemo();
    await first.stop();
    for (let delayMs = 10; delayMs <= 150; delayMs += 20) {
      const early = start([binary(), "serve", "--demo", "-c", file]);
      await Bun.sleep(delayMs);
      const children = early.alive() ? childrenOf(early.pid) : [];
      await early.stop();
      await until("its children to end", () => !children.some(isRunning));
    }
  });

  test("does not start when one of its servers cannot, and says why", async () => {
    const taken = await serve({ kind: "echo" });
    const [port = 0, free = 0] = freePorts(2);
    const dir = tmpDir();
    const file = join(dir, "lite.toml");
    writeFileSync(
      file,
      toml({ port, servers: [`127.0.0.1:${free}`, taken], more: `[admin]\nsocket = "${dir}/a.sock"` }),
    );
    const { code, stderr } = await run([binary(), "serve", "--demo", "-c", file]);
    expect(stderr).toContain(`cannot listen on ${taken.address}: bind: Address already in use`);
    expect(stderr).toContain(`the demo's server s2 does not run on ${taken.address}`);
    expect(code).toBe(1);
    expect(await exchange(free, "x")).toBe("ECONNREFUSED");
  });

  test("hints at nothing when the balancer itself cannot start", async () => {
    const taken = await serve({ kind: "echo" });
    const dir = tmpDir();
    const file = join(dir, "lite.toml");
    const free = freePort();
    writeFileSync(
      file,
      toml({ port: taken.port, servers: [`127.0.0.1:${free}`], more: `[admin]\nsocket = "${dir}/a.sock"` }),
    );
    const { code, stderr } = await run([binary(), "serve", "--demo", "-c", file]);
    expect(stderr).toContain("cannot bind listen web");
    expect(stderr).not.toContain("try, in another shell");
    expect(code).toBe(1);
    expect(await exchange(free, "x")).toBe("ECONNREFUSED");
  });

  test("refuses to play servers that are on other machines", async () => {
    const file = join(tmpDir(), "lite.toml");
    writeFileSync(file, toml({ port: freePort(), servers: ["192.0.2.11:4900"] }));
    const { code, stderr } = await run([binary(), "serve", "--demo", "-c", file]);
    expect(stderr).toContain("--demo plays all servers itself, but s1 is at 192.0.2.11:4900");
    expect(code).toBe(2);
  });
});

describe.skipIf(Bun.which("npm") === null)("npm start in a copy of the repository", () => {
  test("builds, runs the sample, and stops whole on Ctrl-C", async () => {
    const copy = join(tmpDir(), "haproxy-lite");
    const [port = 0, a = 0, b = 0] = freePorts(3);
    const wanted = (path: string): boolean => !/^\/(node_modules|\.git|dist)$/.test(path.slice(ROOT.length));
    cpSync(ROOT, copy, { recursive: true, preserveTimestamps: true, filter: wanted });
    // Never a link to ours, which npm would follow and empty, should it want to install. Their times tell it that it need not.
    const modules = { recursive: true, preserveTimestamps: true, verbatimSymlinks: true };
    cpSync(realpathSync(join(ROOT, "node_modules")), join(copy, "node_modules"), modules);
    const sample = join(copy, "haproxy-lite.toml");
    const socket = `${copy}/admin.sock`;
    const text = readFileSync(sample, "utf8")
      .replaceAll("14900", `${port}`)
      .replaceAll("14901", `${a}`)
      .replaceAll("14902", `${b}`);
    writeFileSync(sample, `${text}\n[admin]\nsocket = "${socket}"\n`);

    const npm = start(["npm", "start"], { cwd: copy, env: { npm_config_offline: "true" } });
    await npm.waitFor("and it is back", { timeoutMs: 60_000 });
    const shell = (command: string) => run(["sh", "-c", command], { cwd: copy });
    for (let i = 0; i < 4; i++) expect(await exchange(port, "hello")).toBe("served");
    const status = suggested(npm, " status ");
    expect(status).toBe("dist/haproxy-lite status -c haproxy-lite.toml");
    expect(await shell(status)).toMatchObject({ code: 0 });
    await shell(suggested(npm, "kill "));
    await until("status to notice the death", async () => (await shell(status)).code === 1, {
      timeoutMs: 15_000,
      everyMs: 200,
    });
    const again = start(["sh", "-c", `exec ${suggested(npm, " echo 127")}`], { cwd: copy });
    await until("status to notice the return", async () => (await shell(status)).code === 0, {
      timeoutMs: 15_000,
      everyMs: 200,
    });

    const pids = [...echoServers(npm).map(({ pid }) => pid), proxyPid(npm)];
    process.kill(-npm.pid, "SIGINT"); // a terminal's Ctrl-C: npm, its shell and all of ours get it
    await npm.exited;
    await until("all of it to be gone", () => !pids.some(isRunning));
    expect(existsSync(socket)).toBeFalse();
    await again.stop();
  }, 90_000);
});
