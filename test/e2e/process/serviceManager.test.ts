import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { binary, run } from "../../support/process.ts";
import { serviceManager } from "../../support/serviceManager.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { childrenOf, isRunning, liveClient, proxyPid, toml } from "./stand.ts";

/** Names of the variables that a process was given. */
function environmentOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/environ`, "latin1")
    .split("\0")
    .map((line) => line.split("=")[0] ?? "");
}

describe("a service manager", () => {
  test("hears of start, health, reload and stop, in this order, from the supervisor alone", async () => {
    const manager = serviceManager(join(tmpDir(), "notify"));
    const [echo, port] = [await serve({ kind: "echo" }), freePort()];
    const check = 'interval = "100ms"\nrise = 1\nfall = 1';
    const env = { NOTIFY_SOCKET: manager.address, WATCHDOG_USEC: "60000000", WATCHDOG_PID: "1" };
    const proxy = await startProxy(toml({ port, servers: [echo], check }), { env });
    const ready = await manager.waitFor("READY=1");
    expect(manager.heard()[ready]?.text).toMatch(
      new RegExp(`^READY=1\nMAINPID=${proxy.pid}\nSTATUS=[01]/1 listens up, [01]/1 servers up`),
    );
    expect(ready).toBe(0);
    await manager.waitFor(/^STATUS=1\/1 listens up, 1\/1 servers up; 0 connections$/);
    expect(environmentOf(proxyPid(proxy)).filter((name) => /^(NOTIFY|WATCHDOG)_/.test(name))).toEqual([]);

    await echo.stop();
    const down = await manager.waitFor(/^STATUS=0\/1 listens up, 0\/1 servers up; /);

    proxy.process.signal("SIGHUP");
    const reloading = await manager.waitFor("RELOADING=1", { from: down });
    const again = await manager.waitFor("READY=1", { from: reloading });

    writeFileSync(proxy.configFile, "nonsense");
    proxy.process.signal("SIGHUP");
    const refused = await manager.waitFor("RELOADING=1", { from: again });
    await manager.waitFor("READY=1", { from: refused });

    await proxy.stop();
    const stopping = await manager.waitFor("STOPPING=1", { from: refused });
    expect(manager.heard()[stopping]?.text).toMatch(
      /^STOPPING=1\nEXTEND_TIMEOUT_USEC=34000000\nSTATUS=stopping: 0\/1 listens up/,
    );
    expect(manager.heard().some(({ text }) => text.includes("WATCHDOG"))).toBeFalse();
  });

  test("hears nothing of a start that fails", async () => {
    const manager = serviceManager(join(tmpDir(), "notify"));
    const taken = await serve({ kind: "echo" });
    const [dir, file] = [tmpDir(), join(tmpDir(), "haproxy-lite.toml")];
    writeFileSync(file, toml({ port: taken.port, servers: [], more: `[admin]\nsocket = "${dir}/a"` }));
    const { code } = await run([binary(), "serve", "-c", file], { env: { NOTIFY_SOCKET: manager.address } });
    expect(code).toBe(1);
    expect(manager.heard()).toEqual([]);
  });

  test("hears of a daemon by the pid that stays", async () => {
    const manager = serviceManager(`@haproxy-lite-test/daemon-${process.pid}`);
    const dir = tmpDir();
    const file = join(dir, "haproxy-lite.toml");
    const global = `pidfile = "${dir}/pid"`;
    writeFileSync(file, toml({ port: freePort(), servers: [], global, more: `[admin]\nsocket = "${dir}/a"` }));
    const { code } = await run([binary(), "serve", "--daemon", "-c", file], {
      env: { NOTIFY_SOCKET: manager.address },
    });
    expect(code).toBe(0);
    const pid = Number(readFileSync(join(dir, "pid"), "utf8"));
    await manager.waitFor(`MAINPID=${pid}`);
    process.kill(pid, "SIGTERM");
    await until("the daemon to end", () => !isRunning(pid));
    await manager.waitFor("STOPPING=1");
  });
});

describe("a service manager that waits for READY", () => {
  test("keeps the process that it started: daemon = true of an old file takes nothing away", async () => {
    const manager = serviceManager(`@haproxy-lite-test/foreground-${process.pid}`);
    const global = "daemon = true";
    const proxy = await startProxy(toml({ port: freePort(), servers: [], global }), {
      env: { NOTIFY_SOCKET: manager.address },
    });
    await manager.waitFor(`MAINPID=${proxy.pid}`);
    await proxy.stop();
  });
});

describe("a service manager's watchdog", () => {
  const env = { WATCHDOG_USEC: "1000000", WATCHDOG_PID: undefined };

  test("is fed twice in its time while all is well, and not while the proxy process hangs", async () => {
    const manager = serviceManager(join(tmpDir(), "notify"));
    const fed = (): number[] => manager.heard().flatMap(({ text, atMs }) => (text === "WATCHDOG=1" ? [atMs] : []));
    const proxy = await startProxy(toml({ port: freePort(), servers: [] }), {
      env: { ...env, NOTIFY_SOCKET: manager.address },
    });
    await until("six meals", () => fed().length >= 6);
    const times = fed();
    const span = (times.at(-1) as number) - (times[0] as number);
    expect(span / (times.length - 1)).toBeGreaterThan(480); // never oftener; later on a busy machine

    const child = proxyPid(proxy);
    process.kill(child, "SIGSTOP");
    await manager.waitFor(/^STATUS=proxy no sign of life/);
    const before = fed().length;
    await Bun.sleep(1200);
    expect(fed().length).toBe(before);
    process.kill(child, "SIGCONT");
    await until("a meal", () => fed().length > before);
  });

  test("is fed in the pauses of a crash loop, which the status tells of: the next start is on its way", async () => {
    const manager = serviceManager(join(tmpDir(), "notify"));
    const proxy = await startProxy(toml({ port: freePort(), servers: [] }), {
      env: { ...env, NOTIFY_SOCKET: manager.address },
    });
    let from = 0;
    for (const pause of ["starts now", "in 100 ms", "in 200 ms", "in 400 ms", "in 800 ms", "in 1600 ms"]) {
      process.kill(proxyPid(proxy), "SIGKILL");
      await proxy.process.waitFor(pause);
      from = manager.heard().length;
      if (pause !== "in 1600 ms") await proxy.process.waitFor("is serving again", { from: proxy.output().length });
    }
    // Said just before or after the line.
    await manager.waitFor(/^STATUS=proxy ended \(killed by signal SIGKILL, 6 times in a row\), /);
    const first = await manager.waitFor("WATCHDOG=1", { from });
    await manager.waitFor("WATCHDOG=1", { from: first + 1 });
    expect(childrenOf(proxy.pid)).toEqual([]);
    await proxy.process.waitFor("is serving again", { from: proxy.output().length });
  });

  test("is fed while connections finish, to the end", async () => {
    const manager = serviceManager(join(tmpDir(), "notify"));
    const [echo, port] = [await serve({ kind: "echo" }), freePort()];
    const proxy = await startProxy(toml({ port, servers: [echo] }), {
      env: { ...env, NOTIFY_SOCKET: manager.address },
    });
    const live = await liveClient(port);
    proxy.process.signal("SIGTERM");
    const stopping = await manager.waitFor("STOPPING=1");
    const meal = await manager.waitFor("WATCHDOG=1", { from: stopping });
    await manager.waitFor("WATCHDOG=1", { from: meal + 1 });
    expect(childrenOf(proxy.pid)).toHaveLength(1);
    live.fin();
    expect(await proxy.process.exited).toEqual({ code: 0, signal: null });
  });

  test("starves when the supervisor hangs", async () => {
    const manager = serviceManager(join(tmpDir(), "notify"));
    const proxy = await startProxy(toml({ port: freePort(), servers: [] }), {
      env: { ...env, NOTIFY_SOCKET: manager.address },
    });
    await manager.waitFor("WATCHDOG=1");
    process.kill(proxy.pid, "SIGSTOP");
    const before = manager.heard().length;
    await Bun.sleep(1200);
    expect(manager.heard().length).toBe(before);
    process.kill(proxy.pid, "SIGCONT");
  });
});
