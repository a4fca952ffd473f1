import { describe, expect, test } from "bun:test";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { type Proxy as RunningProxy, startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { binary, run, start } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { exchange, Load } from "./load.ts";
import {
  childrenOf,
  filesIn,
  isRunning,
  liveClient,
  logLines,
  proxyPid,
  sessionLines,
  snapshot,
  terminationOf,
  toml,
} from "./stand.ts";

/** Ends the proxy process and waits until the next one serves. */
async function crash(proxy: RunningProxy, signal: NodeJS.Signals): Promise<number> {
  const from = proxy.output().length;
  process.kill(proxyPid(proxy), signal);
  await proxy.process.waitFor(/proxy process \d+ is serving again/, { from });
  return proxyPid(proxy);
}

describe("a proxy process that ends", () => {
  test.each(["SIGKILL", "SIGSEGV"] as const)(
    "by %s, under load: nobody is refused, and those who came meanwhile are served",
    async (signal) => {
      const echo = await serve({ kind: "echo" });
      const port = freePort();
      const proxy = await startProxy(
        toml({ port, threads: 2, servers: [echo], log: 'address = "stdout"\nlevel = "notice"' }),
      );
      const load = new Load(port, 20);
      await until("traffic", () => load.outcomes.served > 200);
      const before = proxyPid(proxy);
      const after = await crash(proxy, signal);
      const { served } = load.outcomes;
      await until("traffic again", () => load.outcomes.served > served + 200);
      const { failed } = await load.stop();
      expect(after).not.toBe(before);
      expect(isRunning(before)).toBeFalse();
      // The connections that lived in it die with it; a listener that closed would have refused newcomers.
      expect(failed.get("ECONNREFUSED") ?? 0).toBe(0);
      expect([...failed.values()].reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(20);
      const [line] = logLines(proxy, "alert");
      expect(line).toBe(
        `proxy process ended unexpectedly (killed by signal ${signal}); the next one starts now, clients wait meanwhile`,
      );
    },
  );

  test("is replaced while clients wait: each of them is served, late but whole", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const proxy = await startProxy(toml({ port, threads: 2, servers: [echo] }));
    process.kill(proxyPid(proxy), "SIGKILL");
    const during = await Promise.all(Array.from({ length: 50 }, () => exchange(port, "came in the gap")));
    expect(during).toEqual(Array(50).fill("served"));
  });

  test("is counted, and status says so", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: [await serve({ kind: "echo" })] }));
    expect((await snapshot(proxy)).process.restarts).toBe(0);
    await crash(proxy, "SIGKILL");
    const { process } = await snapshot(proxy);
    expect(process).toMatchObject({ restarts: 1, pid: proxyPid(proxy), supervisorPid: proxy.pid });
    expect(process.uptimeMs).toBeGreaterThan(process.proxyUptimeMs);
    expect((await proxy.status()).stdout).toMatch(/proxy process restarted 1 time; counters begin \S+ ago/);
  });

  test("leaves what is known of servers to the next one: no dead one is up again, nor said to be down once more", async () => {
    const [dead, alive] = [await serve({ kind: "echo" }), await serve({ kind: "echo" })];
    const port = freePort();
    const check = 'interval = "150ms"\nrise = 2\nfall = 2';
    const proxy = await startProxy(toml({ port, servers: [dead, alive], check, listen: "retries = 0" }));
    const servers = async () => (await snapshot(proxy)).listens[0]?.servers ?? [];
    await dead.stop();
    await proxy.process.waitFor("Server web/s1 is DOWN");
    const downMs = performance.now();
    await Bun.sleep(300); // as long as that takes to be told
    let knownForMs = 299;
    for (let round = 1; round <= 2; round++) {
      await crash(proxy, "SIGKILL");
      for (let i = 0; i < 10; i++) expect(await exchange(port, "x")).toBe("served");
      const [s1, s2] = await servers();
      expect([s1?.status, s2?.status]).toEqual(["DOWN", "UP"]);
      expect(s1?.inStateMs).toBeGreaterThan(knownForMs);
      expect(s1?.inStateMs).toBeLessThan(performance.now() - downMs + 1000);
      knownForMs = s1?.inStateMs ?? 0;
    }
    const isAlive = await serve({ kind: "echo" }, { port: dead.port });
    await proxy.process.waitFor("Server web/s1 is UP");
    expect(isAlive.port).toBe(dead.port);
    expect(logLines(proxy, "alert").filter((line) => line.includes("is DOWN"))).toHaveLength(1);
  });

  test("again and again comes back later each time, and a stop in between is at once", async () => {
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: [] }));
    for (let i = 0; i < 4; i++) await crash(proxy, "SIGKILL");
    const delays = logLines(proxy, "alert").map((text) => / starts (now|in \d+ ms),/.exec(text)?.[1]);
    expect(delays).toEqual(["now", "in 100 ms", "in 200 ms", "in 400 ms"]);
    process.kill(proxyPid(proxy), "SIGKILL");
    await proxy.process.waitFor("in 800 ms");
    const startedMs = performance.now();
    expect(await proxy.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedMs).toBeLessThan(700);
    expect(filesIn(proxy.dir)).toEqual(["haproxy-lite.toml"]);
  });

  test("again and again is a crash loop, and status says so, why, and when the next one starts", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: [] }));
    for (let i = 0; i < 5; i++) await crash(proxy, "SIGKILL");
    process.kill(proxyPid(proxy), "SIGSEGV");
    await proxy.process.waitFor("in 1600 ms");
    const startedMs = performance.now();
    const said = await proxy.status();
    expect(performance.now() - startedMs).toBeLessThan(1500); // it did not wait for the next one
    expect(said.code).toBe(1);
    expect(said.stdout.replace(/\s+/g, " ")).toMatch(
      / crash loop: next start in [12] s; the proxy process has ended 6 times in a row \(killed by signal SIGSEGV\), nobody is served meanwhile/,
    );
    expect(said.stdout).toContain(`pid ${proxy.pid}`);
    expect((await snapshot(proxy)).process).toMatchObject({
      supervisorPid: proxy.pid,
      restarts: 6,
      crashLoop: { crashes: 6, reason: "killed by signal SIGSEGV" },
    });
    await until("the next one to answer", async () => (await snapshot(proxy)).process.crashLoop === null);
    expect((await snapshot(proxy)).process).toMatchObject({ restarts: 6, pid: proxyPid(proxy) });
    expect(await proxy.stop()).toEqual({ code: 0, signal: null });
  });

  test("by SIGSEGV under full load is back within half a second, with one line to say that it went", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const log = 'address = "stdout"\nlevel = "notice"';
    const proxy = await startProxy(toml({ port, threads: 2, servers: [echo], log }));
    const load = new Load(port, 30);
    await until("traffic", () => load.outcomes.served > 500);
    const gapsMs: number[] = [];
    // The bound is the product's; of a machine that others use as well one good round is asked.
    for (let round = 0; round < 4 && !gapsMs.some((gap) => gap < 500); round++) {
      const killedMs = performance.now();
      process.kill(proxyPid(proxy), "SIGSEGV");
      await proxy.process.waitFor(`starts ${round === 0 ? "now" : `in ${50 * 2 ** round} ms`}`);
      const { served } = load.outcomes;
      // Answers that were on their way may still arrive: a hundred are more than that.
      await until("traffic again", () => load.outcomes.served > served + 100, { everyMs: 2 });
      gapsMs.push(performance.now() - killedMs - (round === 0 ? 0 : 50 * 2 ** round));
      await until("the line about it", () => proxy.output().split("is serving again").length === round + 2);
    }
    expect(gapsMs.at(-1)).toBeLessThan(500);
    const { failed } = await load.stop();
    expect(failed.get("ECONNREFUSED") ?? 0).toBe(0);
    expect(logLines(proxy, "alert")).toHaveLength(gapsMs.length);
  });

  test("by hanging is replaced after ten seconds, and meanwhile status says at once what is wrong", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: [] }));
    const hung = proxyPid(proxy);
    process.kill(hung, "SIGSTOP");
    const startedMs = performance.now();
    const first = await proxy.status();
    // Nobody can tell before it has been silent for two seconds.
    expect(performance.now() - startedMs).toBeLessThan(4000);
    expect(first.code).toBe(1);
    expect(first.stdout).toMatch(/^the proxy process hangs: no sign of life for [23] s; it will be replaced$/m);
    const second = await snapshot(proxy);
    expect(second.process).toMatchObject({ crashLoop: null, supervisorPid: proxy.pid, restarts: 0 });
    expect(second.process.hang).toContain("hangs");
    await proxy.process.waitFor(/proxy process \d+ is serving again/, { timeoutMs: 20_000 });
    expect(performance.now() - startedMs).toBeGreaterThan(9500);
    expect(isRunning(hung)).toBeFalse();
    expect(logLines(proxy, "alert")).toEqual([
      expect.stringMatching(/^the proxy process hangs: no sign of life for 2\.\d s$/),
      "proxy process ended unexpectedly (no sign of life for 10 s); the next one starts now, clients wait meanwhile",
    ]);
    expect((await snapshot(proxy)).process).toMatchObject({ hang: null, restarts: 1, pid: proxyPid(proxy) });
  });

  test("is not replaced when it goes on after some seconds, and answers again itself", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: [] }));
    const hung = proxyPid(proxy);
    process.kill(hung, "SIGSTOP");
    await until("the supervisor to answer", async () => (await snapshot(proxy)).process.hang !== null);
    process.kill(hung, "SIGCONT");
    await until("the proxy process to answer", async () => (await snapshot(proxy)).process.pid === hung);
    expect((await snapshot(proxy)).process).toMatchObject({ hang: null, restarts: 0 });
  });

  test("is replaced by the same program although its file is gone", async () => {
    const copy = join(tmpDir(), "haproxy-lite");
    copyFileSync(binary(), copy);
    const proxy = await startProxy(toml({ port: freePort(), servers: [] }), {
      inside: ["sh", "-c", `exec ${copy} "$@"`],
    });
    rmSync(copy);
    await crash(proxy, "SIGKILL");
    const { stdout } = await run([binary(), "status", "--socket", proxy.adminSocket]);
    expect(stdout).toContain("proxy process restarted 1 time");
    expect(await proxy.stop()).toEqual({ code: 0, signal: null });
  });

  test("while it stops makes the exit status 1, with a line", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: [echo] }));
    await liveClient(port);
    proxy.process.signal("SIGTERM");
    await proxy.process.waitFor("SIGTERM: stopping");
    process.kill(proxyPid(proxy), "SIGSEGV");
    expect(await proxy.process.exited).toEqual({ code: 1, signal: null });
    expect(proxy.output()).toContain("proxy process ended unexpectedly while it stopped (killed by signal SIGSEGV)");
    expect(filesIn(proxy.dir)).toEqual(["haproxy-lite.toml"]);
  });

  test("frozen does not hold up a stop for longer than hard_stop_after and a moment", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: [], global: 'hard_stop_after = "200ms"' }));
    const child = proxyPid(proxy);
    process.kill(child, "SIGSTOP");
    expect(await proxy.stop()).toEqual({ code: 0, signal: null });
    expect(proxy.output()).toContain("the proxy process does not end: killing it");
    expect(isRunning(child)).toBeFalse();
  });
});

describe("a supervisor that is killed", () => {
  test("leaves a proxy process that stops accepting, lets connections finish, and ends", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const proxy = await startProxy(toml({ port, threads: 2, servers: [echo] }));
    const live = client(port);
    await live.send("before ");
    await live.receive("before ");
    const child = proxyPid(proxy);
    process.kill(proxy.pid, "SIGKILL");
    await until("newcomers to be refused", async () => (await exchange(port, "x")) === "ECONNREFUSED");
    await live.send("after");
    await live.receive("before after");
    expect(isRunning(child)).toBeTrue();
    live.fin();
    expect(await live.ended).toBe("fin");
    await until("the proxy process to end", () => !isRunning(child));
    // What it wrote last may still be in the pipe when it has ended.
    await until("the line of the connection", () => sessionLines(proxy).map(terminationOf).includes("--"));
    expect(logLines(proxy, "alert")).toEqual([
      "the supervisor is gone: accepting no more, connections may finish for 30 s",
    ]);
  });

  test("makes way for a new instance at once, even while the old connections go on", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const dir = tmpDir();
    const more = `[admin]\nsocket = "${dir}/admin.sock"`;
    const unix = `${dir}/web.sock`;
    const text = toml({ port, threads: 2, servers: [echo], more, global: `pidfile = "${dir}/lite.pid"` });
    const config = text.replace(/bind = .*/, `bind = ["127.0.0.1:${port}", "unix:${unix}"]`);
    const first = await startProxy(config);
    const live = client(port);
    await live.send("old ");
    await live.receive("old ");
    process.kill(first.pid, "SIGKILL");
    const second = await startProxy(config);
    for (const to of [port, `unix:${unix}`]) {
      const one = client(to);
      await one.send("new");
      await one.receive("new");
      one.fin();
    }
    await live.send("connection");
    await live.receive("old connection");
    expect((await snapshot(second)).process.supervisorPid).toBe(second.pid);
    live.fin();
    await until("the old proxy process to end", () => !isRunning(proxyPid(first)));
    // What the old one did at its end has not touched what is the new one's.
    expect(filesIn(dir)).toEqual(["admin.sock", "lite.pid", "web.sock"]);
    expect((await snapshot(second)).process.supervisorPid).toBe(second.pid);
    await second.stop();
    expect(filesIn(dir)).toEqual([]);
  });

  test("before its proxy process has even begun leaves nothing behind", async () => {
    const dir = tmpDir();
    const file = join(dir, "haproxy-lite.toml");
    await Bun.write(file, toml({ port: freePort(), servers: [], more: `[admin]\nsocket = "${dir}/admin.sock"` }));
    for (let delayMs = 0; delayMs <= 40; delayMs += 4) {
      const early = start([binary(), "serve", "-c", file]);
      // How long that takes is the machine's business.
      await until("its first child", () => childrenOf(early.pid).length > 0, { everyMs: 1 });
      await Bun.sleep(delayMs);
      const children = childrenOf(early.pid);
      process.kill(early.pid, "SIGKILL");
      await until("its proxy process to end", () => !children.some(isRunning));
    }
  });
});
