import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { request } from "../../src/admin/client.ts";
import { loadConfig } from "../../src/config/config.ts";
import { systemClock } from "../../src/core/clock.ts";
import { PROXY_PROCESS } from "../../src/core/self.ts";
import type { HealthReport } from "../../src/proxy/protocol.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { BoundListeners } from "../../src/supervisor/listeners.ts";
import { ProxyHost } from "../../src/supervisor/proxyHost.ts";
import { PROXY_LATE_MS, ProxyWatch } from "../../src/supervisor/proxyWatch.ts";
import { instanceWith, vrrpWith } from "../stats/vrrpCases.ts";
import { atEnd } from "../support/cleanup.ts";
import { serve } from "../support/echo.ts";
import { freePort } from "../support/ports.ts";
import { tmpDir } from "../support/tmp.ts";
import { until } from "../support/until.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const SABOTEUR = join(import.meta.dir, "../e2e/process/saboteur.ts");

/** A supervisor's view of a real proxy process with one relay thread and one checked server. */
async function stand() {
  const server = await serve({ kind: "echo" });
  const [socket, order] = [join(tmpDir(), "admin.sock"), join(tmpDir(), "order")];
  const toml = `
[global]
threads = 1
[defaults.timeout]
connect = "1s"
client = "10s"
server = "10s"
[listen.web]
bind = "127.0.0.1:${freePort()}"
log = "off"
[listen.web.check]
interval = "100ms"
fall = 1
rise = 1
[[listen.web.server]]
name = "s"
address = "${server.address}"
`;
  const source = { path: "test.toml", bytes: new TextEncoder().encode(toml) };
  const { config, issues } = loadConfig(source, { cpus: 1, ephemeralPorts: null });
  if (config === null) throw new Error(JSON.stringify(issues));
  const listeners = BoundListeners.bind(config, socket);
  const reports: { atMs: number; report: HealthReport }[] = [];
  const ends: string[] = [];
  let pid = 0;
  const watch = new ProxyWatch(systemClock, PROXY_LATE_MS, () => {});
  const sabotage = ["env", `BUN_OPTIONS=--preload=${SABOTEUR}`, `SABOTAGE=${order}`];
  const host = new ProxyHost(
    { command: [...sabotage, process.execPath, MAIN, PROXY_PROCESS], name: "env" },
    { config, maxconn: 100, account: null, chroot: null, startedWallMs: Date.now() },
    listeners,
    systemClock,
    {
      onStart: () => watch.started(),
      onReady(ready) {
        pid = ready;
      },
      onHealth(report) {
        reports.push({ atMs: systemClock.nowMs(), report });
        watch.reported(report);
      },
      events: () => [],
      onEvent: ({ because: _, ...event }) => ({ ...event, id: 1, because: null }),
      onBindClosed() {},
      onOrder() {},
      onCrash(reason) {
        ends.push(reason);
        watch.ended(reason);
      },
      onAdoptedCrash() {},
      onSuccessorFailed() {},
      onStopped(failure) {
        ends.push(failure ?? "stopped");
        watch.ended(failure ?? "stopped");
      },
    },
  );
  atEnd(async () => {
    host.kill();
    await until("the proxy process to end", () => ends.length > 0);
    listeners.close();
  });
  host.start();
  await until("it to serve, and to have reported", () => pid > 0 && reports.length > 0);
  return { host, watch, reports, ends, socket, server, pid, hang: () => writeFileSync(order, "hang") };
}

describe("a proxy process tells its supervisor", () => {
  test("that it lives, five times a second, once it serves", async () => {
    const { reports, watch, pid } = await stand();
    expect(pid).toBeGreaterThan(0);
    await until("ten reports", () => reports.length >= 10);
    const [first, tenth] = [reports[0], reports[9]];
    // Timers are late now and then, never early.
    expect((tenth?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThan(1500);
    expect(tenth?.report).toEqual({
      kind: "health",
      lateThread: null,
      connections: 0,
      listens: [{ name: "web", usable: 1, servers: 1 }],
    });
    expect(watch.state()).toEqual({ ok: true, detail: "" });
  });

  test("that a listen has lost its last server", async () => {
    const { watch, server } = await stand();
    await server.stop();
    await until("the listen to fail", () => watch.listen("web").state === "failed");
    expect(watch.listen("web").detail).toBe("0 of 1 servers usable");
    expect(watch.state().ok).toBe(true);
  });

  test("by its silence that it is frozen, and by a report that it goes on", async () => {
    const { watch, pid } = await stand();
    process.kill(pid, "SIGSTOP");
    await until("the silence to be noticed", () => !watch.state().ok);
    expect(watch.state().detail).toMatch(/^no sign of life for \d+\.\d s$/);
    process.kill(pid, "SIGCONT");
    await until("it to be well again", () => watch.state().ok);
  });

  test("that a relay thread hangs, long before it gives up for that", async () => {
    const { watch, hang, ends } = await stand();
    hang();
    await until("the thread to be late", () => !watch.state().ok);
    expect(watch.state().detail).toBe("relay thread 0 hangs");
    expect(ends).toEqual([]);
  });

  test("by its death that nobody serves", async () => {
    const { watch, pid, ends } = await stand();
    process.kill(pid, "SIGKILL");
    await until("the end", () => ends.length > 0);
    expect(ends).toEqual(["killed by signal SIGKILL"]);
    expect(watch.state().ok).toBe(false);
  });
});

test("a supervisor's virtual routers are in the statistics of its proxy process, their ages going on", async () => {
  const { host, socket } = await stand();
  const status = async () => (JSON.parse(await request(socket, "show status", 5000)) as Snapshot).vrrp;
  expect(await status()).toBeNull();
  const peer = { address: "192.0.2.2", priority: 100, intervalMs: 1000, agoMs: 400 };
  const told = vrrpWith(instanceWith({ inStateMs: 1000, peer }));
  host.showVrrp(told);
  const seen = await until("the routers to be shown", status);
  const { ageMs, ...rest } = seen;
  expect(rest).toEqual(vrrpWith(instanceWith({ inStateMs: 1000 + ageMs, peer: { ...peer, agoMs: 400 + ageMs } })));
  const older = await until("time to pass", async () =>
    (await status())?.instances.find(({ inStateMs }) => inStateMs > 1000 + ageMs),
  );
  expect(older.peer?.agoMs).toBe(older.inStateMs - 600);
});
