import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { atEnd } from "../../support/cleanup.ts";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { binary, run, start } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { tool } from "../../support/tools.ts";
import { until } from "../../support/until.ts";
import { exchange, Load } from "./load.ts";
import { filesIn, isRunning, liveClient, logLines, proxyPid, sessionLines, terminationOf, toml } from "./stand.ts";

const CONFIG_ONLY = ["haproxy-lite.toml"];

/** Longer than two signals are taken for one. */
const NOT_AN_ECHO_MS = 600;

async function refused(port: number): Promise<void> {
  await until("new clients to be refused", async () => {
    const late = client(port);
    const outcome = await late.connected.then(() => "accepted").catch((error: Error) => error.message);
    late.rst(); // or, accepted in the last moment, it would be one of those that may finish
    return outcome === "ECONNREFUSED";
  });
}

describe("start", () => {
  test("one line says where it listens, and every address in it takes clients", async () => {
    const echo = await serve({ kind: "echo" });
    const [port, port6] = [freePort(), freePort()];
    const dir = tmpDir();
    const proxy = await startProxy(
      toml({ port, servers: [echo], listen: "" }).replace(
        /bind = .*/,
        `bind = ["127.0.0.1:${port}", "[::1]:${port6}", "unix:${dir}/web.sock"]`,
      ),
    );
    const ready = /ready: (.*); 1 relay thread/.exec(proxy.output())?.[1];
    expect(ready).toBe(`web on 127.0.0.1:${port}, web on [::1]:${port6}, web on unix:${dir}/web.sock`);
    for (const to of [port, `[::1]:${port6}`, `unix:${dir}/web.sock`]) {
      const one = client(to);
      await one.send("hello");
      await one.receive("hello");
      one.fin();
    }
    await proxy.stop();
    expect(filesIn(dir)).toEqual([]);
  });

  test("a pid file holds the supervisor's pid while it runs", async () => {
    const dir = tmpDir();
    const pidfile = join(dir, "lite.pid");
    const proxy = await startProxy(toml({ port: freePort(), servers: [], global: `pidfile = "${pidfile}"` }));
    expect(readFileSync(pidfile, "utf8")).toBe(`${proxy.pid}\n`);
    await proxy.stop();
    expect(filesIn(dir)).toEqual([]);
  });

  test("a pid file that a later instance has overwritten is left alone", async () => {
    const pidfile = join(tmpDir(), "lite.pid");
    const proxy = await startProxy(toml({ port: freePort(), servers: [], global: `pidfile = "${pidfile}"` }));
    writeFileSync(pidfile, "4711\n");
    await proxy.stop();
    expect(readFileSync(pidfile, "utf8")).toBe("4711\n");
  });

  test("a pid file that cannot be written is a reason not to start, and nothing stays behind", async () => {
    const [dir, port] = [tmpDir(), freePort()];
    const file = join(dir, "haproxy-lite.toml");
    const admin = `[admin]\nsocket = "${dir}/admin.sock"`;
    writeFileSync(file, toml({ port, servers: [], global: `pidfile = "${dir}/none/lite.pid"`, more: admin }));
    const { code, stderr } = await run([binary(), "serve", "-c", file]);
    expect(stderr).toContain(`cannot write the pid file ${dir}/none/lite.pid: ENOENT`);
    expect(code).toBe(1);
    expect(filesIn(dir)).toEqual(CONFIG_ONLY);
  });
});

describe("a graceful stop", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s: new clients are refused at once, live connections finish, and nothing is left",
    async (signal) => {
      const echo = await serve({ kind: "echo" });
      const port = freePort();
      const pidfile = join(tmpDir(), "lite.pid");
      const proxy = await startProxy(toml({ port, threads: 2, servers: [echo], global: `pidfile = "${pidfile}"` }));
      const lives = [client(port), client(port), client(port)];
      for (const live of lives) {
        await live.send("before ");
        await live.receive("before ");
      }
      const child = proxyPid(proxy);
      proxy.process.signal(signal);
      await proxy.process.waitFor(`${signal}: stopping`);
      await refused(port);
      for (const live of lives) {
        await live.send("after");
        expect(await live.receive("after")).toBe("before after");
        live.fin();
        expect(await live.ended).toBe("fin");
      }
      expect(await proxy.process.exited).toEqual({ code: 0, signal: null });
      expect(isRunning(child)).toBeFalse();
      expect(filesIn(proxy.dir)).toEqual(CONFIG_ONLY);
      expect(existsSync(pidfile)).toBeFalse();
      expect(
        sessionLines(proxy)
          .map(terminationOf)
          .filter((code) => code === "--"),
      ).toHaveLength(3);
      expect(proxy.output()).toMatch(/Proxy web stopped \(cumulated conns: FE: \d+, BE: \d+\)/);
    },
  );

  test("a late answer after the client's FIN still arrives while it stops", async () => {
    const late = await serve({ kind: "late", reply: "at last", delayMs: 400 });
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: [late] }));
    const one = client(port);
    await one.send("question");
    one.fin();
    await until("the question to arrive", () => late.receivedBytes === 8);
    proxy.process.signal("SIGTERM");
    expect(await one.receive("at last")).toBe("at last");
    expect(await proxy.process.exited).toEqual({ code: 0, signal: null });
  });

  test("is over at once when nobody is connected, while checks run and names are asked for", async () => {
    const proxy = await startProxy(
      toml({
        port: freePort(),
        servers: ["192.0.2.1:9", "no-such-name.invalid:9"],
        server: 'init_addr = "none"',
        check: 'interval = "1s"',
      }),
    );
    const startedMs = performance.now();
    expect(await proxy.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedMs).toBeLessThan(1500);
  });

  test("hard_stop_after bounds it: who is still there is closed, logged as K-, and the exit status is 0", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const proxy = await startProxy(toml({ port, threads: 2, servers: [echo], global: 'hard_stop_after = "700ms"' }));
    const stays = [client(port), client(port)];
    for (const one of stays) {
      await one.send("x");
      await one.receive("x");
    }
    const startedMs = performance.now();
    proxy.process.signal("SIGTERM");
    expect(await proxy.process.exited).toEqual({ code: 0, signal: null });
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(690);
    expect(tookMs).toBeLessThan(2500);
    for (const one of stays) expect(await one.ended).not.toBe("");
    expect(proxy.output()).toContain("warning soft-stop running for too long, performing a hard-stop.");
    expect(proxy.output()).toContain("warning Proxy web hard-stopped (2 remaining conns will be closed).");
    expect(sessionLines(proxy).map(terminationOf)).toEqual(["K-", "K-"]);
    expect(proxy.output().match(/Proxy web stopped/g)).toHaveLength(1);
  });

  test("a second signal ends it at once, and every connection still gets its log line", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: [echo] }));
    const stays = await liveClient(port);
    proxy.process.signal("SIGINT");
    await proxy.process.waitFor("SIGINT: stopping");
    await Bun.sleep(NOT_AN_ECHO_MS);
    expect(proxy.process.alive()).toBeTrue();
    const startedMs = performance.now();
    proxy.process.signal("SIGTERM");
    expect(await proxy.process.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedMs).toBeLessThan(1500);
    expect(await stays.ended).not.toBe("");
    expect(proxy.output()).toContain("SIGTERM again: closing all connections now");
    expect(sessionLines(proxy).map(terminationOf)).toEqual(["K-"]);
    expect(filesIn(proxy.dir)).toEqual(CONFIG_ONLY);
  });

  test("while accepting pauses and resumes at maxconn: the proxy process ends as asked, every time", async () => {
    const echo = await serve({ kind: "echo" });
    for (let round = 0; round < 8; round++) {
      const port = freePort();
      const log = 'address = "stdout"\nlevel = "notice"';
      const proxy = await startProxy(toml({ port, threads: 2, servers: [echo], global: "maxconn = 4", log }));
      const load = new Load(port, 40);
      await until("traffic", () => load.outcomes.served > 50);
      expect(await proxy.stop()).toEqual({ code: 0, signal: null });
      await load.stop();
      expect(logLines(proxy, "alert")).toEqual([]);
    }
  });

  test("SIGINT twice in one breath is one, as npm makes of Ctrl-C", async () => {
    const echo = await serve({ kind: "echo" });
    const ends = await Promise.all(
      // On a busy machine the two may arrive too far apart, once.
      Array.from({ length: 3 }, async () => {
        const port = freePort();
        const proxy = await startProxy(toml({ port, servers: [echo] }));
        const live = await liveClient(port);
        proxy.process.signal("SIGINT");
        await Bun.sleep(5);
        proxy.process.signal("SIGINT");
        await proxy.process.waitFor("SIGINT: stopping");
        const answer = live.receive("still here").then(() => live.fin());
        live.send("still here").catch(() => {});
        await Promise.allSettled([answer, proxy.process.exited]);
        return proxy.output().includes("SIGINT again") ? "two" : terminationOf(sessionLines(proxy)[0] ?? "");
      }),
    );
    expect(ends).toContain("--");
  });

  test("a terminal's Ctrl-C, which all our processes get, is as graceful", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: [echo] }));
    const live = await liveClient(port);
    process.kill(-proxy.pid, "SIGINT");
    await proxy.process.waitFor("SIGINT: stopping");
    await live.send("y");
    await live.receive("xy");
    live.fin();
    expect(await proxy.process.exited).toEqual({ code: 0, signal: null });
  });

  test("is not what SIGHUP means without a terminal: everything goes on", async () => {
    const port = freePort();
    const echo = await serve({ kind: "echo" });
    const proxy = await startProxy(toml({ port, servers: [echo] }));
    process.kill(-proxy.pid, "SIGHUP");
    await Bun.sleep(100);
    expect(await exchange(port, "x")).toBe("served");
    expect(proxy.output()).not.toContain("stopping");
    expect(await proxy.stop()).toEqual({ code: 0, signal: null });
  });

  test.skipIf(tool("script") === null)("is what the end of its terminal means, but not under nohup", async () => {
    for (const nohup of ["", "nohup "]) {
      const [port, dir] = [freePort(), tmpDir()];
      const echo = await serve({ kind: "echo" });
      const file = join(dir, "haproxy-lite.toml");
      const more = `[admin]\nsocket = "${dir}/admin.sock"`;
      writeFileSync(file, toml({ port, servers: [echo], global: `pidfile = "${dir}/lite.pid"`, more }));
      const output = (): string => readFileSync(join(dir, "out"), "utf8");
      const terminal = start(["script", "-qefc", `${nohup}${binary()} serve -c ${file} >${dir}/out 2>&1`, "/dev/null"]);
      await until("it to be ready", () => / ready: /.test(output()), { timeoutMs: 10_000 });
      const supervisor = Number(readFileSync(join(dir, "lite.pid"), "utf8"));
      atEnd(() => {
        if (isRunning(supervisor)) process.kill(supervisor, "SIGKILL");
      });
      const child = proxyPid({ output });
      await terminal.kill(); // and with it the terminal that it made
      if (nohup !== "") {
        await Bun.sleep(300);
        expect(await exchange(port, "x")).toBe("served");
        process.kill(supervisor, "SIGTERM");
      }
      await until("both processes to end", () => !isRunning(supervisor) && !isRunning(child));
      expect(filesIn(dir)).toEqual(["haproxy-lite.toml", "out"]);
      expect(output()).toContain(nohup === "" ? "SIGHUP: stopping" : "SIGTERM: stopping");
    }
  });

  test("whenever it comes during the start, it leaves no process, socket file or pid file", async () => {
    const dir = tmpDir();
    const file = join(dir, "haproxy-lite.toml");
    const [port, admin] = [freePort(), `[admin]\nsocket = "${dir}/admin.sock"`];
    writeFileSync(file, toml({ port, threads: 2, servers: [], global: `pidfile = "${dir}/lite.pid"`, more: admin }));
    for (let delayMs = 0; delayMs <= 200; delayMs += 10) {
      const early = start([binary(), "serve", "-c", file]);
      await Bun.sleep(delayMs);
      const exit = await early.stop();
      // Before there is anything to tidy up the signal's own effect is good enough.
      expect([
        { code: 0, signal: null },
        { code: null, signal: "SIGTERM" },
      ]).toContainEqual(exit as never);
      expect(filesIn(dir)).toEqual(CONFIG_ONLY);
      expect(early.output()).not.toMatch(/alert|error|unexpectedly/i);
    }
    await refused(port);
  });
});
