import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { serve } from "../support/echo.ts";
import { freePort } from "../support/ports.ts";
import { binary, run } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { until } from "../support/until.ts";

const started: number[] = [];

afterEach(() => {
  for (const pid of started.splice(0)) if (existsSync(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
});

async function stand(extra: string): Promise<{ file: string; pidFile: string; socket: string; port: number }> {
  const dir = tmpDir();
  const [pidFile, socket, file] = ["pid", "admin.sock", "daemon.toml"].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  const [port, server] = [await freePort(), await serve({ kind: "echo" })];
  writeFileSync(
    file,
    `[global]\n${extra}\npidfile = "${pidFile}"\n[admin]\nsocket = "${socket}"\n[defaults.timeout]\nconnect = "1s"\nclient = "1m"\nserver = "1m"\n` +
      `[listen.web]\nbind = "127.0.0.1:${port}"\n[[listen.web.server]]\nname = "s1"\ncheck = false\naddress = "127.0.0.1:${server.port}"\n`,
  );
  return { file, pidFile, socket, port };
}

function pidIn(file: string): number {
  const pid = Number(readFileSync(file, "utf8"));
  started.push(pid);
  return pid;
}

describe("a daemon", () => {
  test.each([
    ["daemon = true", []],
    ["", ["--daemon"]],
  ])("(%s %p) serves when its start returns 0, in a session of its own, and stops cleanly", async (extra, flags) => {
    const { file, pidFile, socket } = await stand(extra);
    const start = await run([binary(), "serve", "-c", file, ...flags]);
    expect(start.code).toBe(0);
    const pid = pidIn(pidFile);
    expect((await run([binary(), "status", "--socket", socket])).code).toBe(0);
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    expect(Number(fields[3])).toBe(pid); // its session is its own
    process.kill(pid, "SIGTERM");
    await until("the daemon has gone", () => !existsSync(`/proc/${pid}`));
    expect([existsSync(pidFile), existsSync(socket)]).toEqual([false, false]);
  });

  test("that cannot start says why on stderr and returns its status", async () => {
    const first = await stand("daemon = true");
    expect((await run([binary(), "serve", "-c", first.file])).code).toBe(0);
    const pid = pidIn(first.pidFile);
    const second = await run([binary(), "serve", "-c", first.file]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`another instance is running with pid ${pid}: it holds ${first.pidFile}\n`);
    expect((await run([binary(), "status", "--socket", first.socket])).code).toBe(0);
    process.kill(pid, "SIGTERM");
    await until("the daemon has gone", () => !existsSync(`/proc/${pid}`));
  });

  test("holds no directory but the root, and finds its file again wherever it was started", async () => {
    const { file, pidFile } = await stand("daemon = true");
    const cwd = dirname(file);
    expect((await run([binary(), "serve", "-c", basename(file)], { cwd })).code).toBe(0);
    const pid = pidIn(pidFile);
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")).toContain(file);
    expect(readlinkSync(`/proc/${pid}/fd/0`)).toBe("/dev/null");
    // Its own mark is no business of those whom it starts.
    const child = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    expect(readFileSync(`/proc/${child}/environ`, "utf8")).not.toContain("HAPROXY_LITE_DETACHED");
    process.kill(pid, "SIGTERM");
    await until("the daemon has gone", () => !existsSync(`/proc/${pid}`));
  });

  test("writes the pid file of --pidfile, in place of the configuration's, and keeps to it over a reload", async () => {
    const { file, pidFile } = await stand("");
    const [cwd, other] = [dirname(file), join(dirname(file), "other.pid")];
    expect((await run([binary(), "serve", "-c", file, "--daemon", "--pidfile", "other.pid"], { cwd })).code).toBe(0);
    const pid = pidIn(other);
    const socket = join(cwd, "admin.sock");
    writeFileSync(file, readFileSync(file, "utf8").replace(pidFile, `${pidFile}.moved`));
    const reload = await run([binary(), "ctl", "--socket", socket, "reload"]);
    expect(reload).toMatchObject({ code: 0, stderr: "" });
    expect(reload.stdout).not.toContain("pidfile");
    expect(existsSync(pidFile)).toBeFalse();
    const second = await run([binary(), "serve", "-c", file, "--pidfile", other]);
    expect(second).toMatchObject({ code: 1 });
    expect(second.stderr).toContain(`another instance is running with pid ${pid}: it holds ${other}\n`);
    process.kill(pid, "SIGTERM");
    await until("the daemon has gone", () => !existsSync(`/proc/${pid}`));
    expect(existsSync(other)).toBeFalse();
  });

  test("without a terminal takes SIGHUP for a reload that it cannot do, and goes on", async () => {
    const { file, pidFile, socket } = await stand("daemon = true");
    await run([binary(), "serve", "-c", file]);
    const pid = pidIn(pidFile);
    process.kill(pid, "SIGHUP");
    expect((await run([binary(), "status", "--socket", socket])).code).toBe(0);
    process.kill(pid, "SIGTERM");
    await until("the daemon has gone", () => !existsSync(`/proc/${pid}`));
  });
});
