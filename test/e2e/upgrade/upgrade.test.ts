import { describe, expect, test } from "bun:test";
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { freePort } from "../../support/ports.ts";
import { start } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { Load } from "../process/load.ts";
import { childrenOf, liveClient, logLines, openFiles, proxyPid, snapshot, toml } from "../process/stand.ts";
import { compiledVariants, NEXT, startUpgradable } from "./versions.ts";

const versions = compiledVariants("next", "crashingProxy", "hangingProxy");

/** Chunks of the client's data, each different, so that no loss or repetition goes unseen. */
function chunk(index: number): Buffer {
  return Buffer.alloc(64 << 10, `${index} `);
}

describe("SIGUSR2", () => {
  test("runs the program on disk in the same process: pid, pid file, sockets and connections stay", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const pidfile = join(tmpDir(), "lite.pid");
    const proxy = await startUpgradable(
      toml({ port, threads: 2, servers: [echo], global: `pidfile = "${pidfile}"`, check: 'interval = "200ms"' }),
    );
    const idle = await liveClient(port);
    const former = proxyPid(proxy);
    const files = openFiles(proxy.pid);
    proxy.put(versions.next);
    await proxy.upgrade();
    expect(readFileSync(pidfile, "utf8")).toBe(`${proxy.pid}\n`);
    expect(readlinkSync(`/proc/${proxy.pid}/exe`)).toBe(readlinkSync(`/proc/${proxyPid(proxy)}/exe`));
    const { process } = await snapshot(proxy);
    expect(process).toMatchObject({ version: NEXT, supervisorPid: proxy.pid, pid: proxyPid(proxy), restarts: 0 });
    expect(proxyPid(proxy)).not.toBe(former);
    // Whoever was connected stays with the process that they are connected to.
    await idle.send("still here?");
    await idle.receive("still here?");
    expect(childrenOf(proxy.pid).sort()).toEqual([former, proxyPid(proxy)].sort());
    idle.fin();
    await until("the former proxy process to be gone, no zombie left", () => childrenOf(proxy.pid).length === 1);
    await until("no descriptor to be left over", () => openFiles(proxy.pid) <= files);
    // The lock is still held.
    const second = start([versions.next, "serve", "-c", proxy.configFile]);
    expect((await second.exited).code).toBe(1);
    expect(second.stderr()).toContain(`another instance is running with pid ${proxy.pid}`);
    expect(await proxy.stop()).toEqual({ code: 0, signal: null });
  }, 60_000);

  test("hands nothing of the upgrade on to processes that are started afterwards", async () => {
    const proxy = await startUpgradable(toml({ port: freePort(), servers: [await serve({ kind: "echo" })] }));
    await proxy.upgrade();
    expect(readFileSync(`/proc/${proxyPid(proxy)}/environ`, "latin1")).not.toContain("HANDOFF");
  }, 60_000);

  test("three times under a storm of short connections: none is refused, reset or short; a long transfer is exact", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const proxy = await startUpgradable(
      toml({ port, threads: 2, servers: [echo], listen: 'log = "off"', log: 'address = "stdout"\nlevel = "notice"' }),
    );
    const load = new Load(port, 10);
    const transfer = client(port);
    let sent = 0;
    const expected: Buffer[] = [];
    const pour = (async () => {
      for (; sent < 400; sent++) {
        expected.push(chunk(sent));
        await transfer.send(chunk(sent));
        await Bun.sleep(5);
      }
    })();
    for (let round = 0; round < 3; round++) {
      const { served } = load.outcomes;
      await until("traffic", () => load.outcomes.served > served + 300);
      if (round === 1) proxy.put(versions.next);
      await proxy.upgrade();
    }
    const { served } = load.outcomes;
    await until("traffic again", () => load.outcomes.served > served + 300);
    const outcomes = await load.stop();
    expect([...outcomes.failed]).toEqual([]);
    await pour;
    const whole = Buffer.concat(expected);
    await transfer.receive(whole.length, 20_000);
    expect(Buffer.compare(transfer.received(), whole)).toBe(0);
    transfer.fin();
    await until("all former proxy processes to be gone", () => childrenOf(proxy.pid).length === 1);
    // What they counted after they had been asked was told later.
    const { listens, process } = await snapshot(proxy);
    expect(listens[0]?.sessions.total).toBe(outcomes.served + 1);
    expect(process.connections.total).toBe(outcomes.served + 1);
    expect(listens[0]?.bytesIn).toBe(outcomes.served * 100 + whole.length);
  }, 90_000);

  test("keeps what checks have found: a server that is down stays down, and nobody is told again", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const proxy = await startUpgradable(
      toml({
        port,
        servers: [echo, `127.0.0.1:${freePort()}`],
        check: 'interval = "30s"\nfast_interval = "100ms"\ndown_interval = "30s"',
      }),
    );
    await proxy.process.waitFor("web/s2 is DOWN", { timeoutMs: 40_000 });
    const before = await snapshot(proxy);
    await proxy.upgrade();
    const after = await snapshot(proxy);
    expect(after.listens[0]?.servers[1]).toMatchObject({ name: "s2", status: "DOWN" });
    const lastOf = ({ listens }: typeof after) => listens[0]?.servers[1]?.check?.last;
    expect(lastOf(after)).toMatchObject({ status: "L4CON" });
    expect(lastOf(after)?.agoMs).toBeGreaterThan(lastOf(before)?.agoMs ?? Infinity);
    expect(after.process.proxyUptimeMs).toBeGreaterThan(before.process.proxyUptimeMs);
    expect(logLines(proxy, "alert").filter((line) => line.includes("is DOWN"))).toHaveLength(1);
  }, 60_000);

  test("again while the former proxy process drains: three processes, then one", async () => {
    const port = freePort();
    const proxy = await startUpgradable(toml({ port, servers: [await serve({ kind: "echo" })] }));
    const first = await liveClient(port);
    await proxy.upgrade();
    const second = await liveClient(port);
    await proxy.upgrade();
    const third = await liveClient(port);
    expect(childrenOf(proxy.pid)).toHaveLength(3);
    for (const live of [first, second, third]) {
      await live.send("y");
      await live.receive("y");
      live.fin();
    }
    await until("one process", () => childrenOf(proxy.pid).length === 1);
  }, 60_000);

  test("takes the file as it is now: listens come and go", async () => {
    const echo = await serve({ kind: "echo" });
    const [port, other] = [freePort(), freePort()];
    const proxy = await startUpgradable(toml({ port, servers: [echo] }));
    const text = readFileSync(proxy.configFile, "utf8");
    writeFileSync(proxy.configFile, text.replace("threads = 1", "threads = 3").replace(`:${port}"`, `:${other}"`));
    await proxy.upgrade();
    await liveClient(other);
    // The former process is told to retire when the new one serves, and accepts until then.
    await until("the former listen to be closed", async () => {
      const late = client(port);
      const how = await late.connected.then(
        () => "accepted",
        (failure: Error) => failure.message,
      );
      late.rst();
      return how === "ECONNREFUSED";
    });
  }, 60_000);
});

describe("SIGUSR2 with a program that cannot take over changes nothing", () => {
  test.each([
    ["no program", "this is no program\n", /cannot take over/],
    ["one that fails", "#!/bin/sh\necho 'wrong libc' >&2\nexit 1\n", /exit status 1: wrong libc/],
    ["one that hangs", "#!/bin/sh\nexec sleep 100\n", /timed out after 10s/],
  ])(
    "%s",
    async (_what, text, said) => {
      const port = freePort();
      const proxy = await startUpgradable(toml({ port, servers: [await serve({ kind: "echo" })] }));
      const idle = await liveClient(port);
      const before = proxyPid(proxy);
      proxy.putScript(text);
      expect(await proxy.upgrade(/no upgrade: .*nothing changes/)).toMatch(said);
      await liveClient(port);
      await idle.send("z");
      await idle.receive("z");
      // A script that was killed at the end of its time is reaped a moment later.
      await until("the script to be gone", () => String(childrenOf(proxy.pid)) === String(before));
    },
    60_000,
  );

  test("a file with errors", async () => {
    const port = freePort();
    const proxy = await startUpgradable(toml({ port, servers: [await serve({ kind: "echo" })] }));
    writeFileSync(proxy.configFile, `${readFileSync(proxy.configFile, "utf8")}\n[nonsense]\n`);
    expect(await proxy.upgrade(/no upgrade: .*nothing changes/)).toContain("nonsense");
    await liveClient(port);
  }, 60_000);

  test.each([
    ["crashingProxy", /upgrade failed: .*exit status 3/],
    ["hangingProxy", /upgrade failed: .*does not serve after 10 s/],
  ] as const)(
    "%s: the former program and its proxy process go on, and can be upgraded later",
    async (variant, said) => {
      const port = freePort();
      const proxy = await startUpgradable(toml({ port, servers: [await serve({ kind: "echo" })] }));
      const idle = await liveClient(port);
      const before = proxyPid(proxy);
      const exe = readlinkSync(`/proc/${proxy.pid}/exe`);
      proxy.put(versions[variant]);
      await proxy.upgrade(said);
      expect(readlinkSync(`/proc/${proxy.pid}/exe`)).toStartWith(exe);
      await until("the proxy process that failed to be gone", () => childrenOf(proxy.pid).join() === `${before}`);
      await idle.send("z");
      await idle.receive("z");
      await liveClient(port);
      const { process } = await snapshot(proxy);
      expect(process).toMatchObject({ pid: before, supervisorPid: proxy.pid });
      expect(process.version).not.toBe(NEXT);
      proxy.put(versions.next);
      await proxy.upgrade();
      expect((await snapshot(proxy)).process.version).toBe(NEXT);
      await idle.send("z");
      await idle.receive("zz");
    },
    60_000,
  );

  test("a new listen on an address that is taken", async () => {
    const taken = await serve({ kind: "echo" });
    const port = freePort();
    const proxy = await startUpgradable(toml({ port, servers: [taken] }));
    const before = proxyPid(proxy);
    const more = `\n[listen.more]\nbind = "127.0.0.1:${taken.port}"\n[[listen.more.server]]\nname = "m"\naddress = "${taken.address}"\n`;
    writeFileSync(proxy.configFile, readFileSync(proxy.configFile, "utf8") + more);
    await proxy.upgrade(/upgrade failed: .*cannot bind listen more/);
    expect(childrenOf(proxy.pid)).toEqual([before]);
    await liveClient(port);
    // A crash is mended as ever.
    const from = proxy.output().length;
    process.kill(before, "SIGKILL");
    await proxy.process.waitFor(/is serving again/, { from });
    await liveClient(port);
  }, 60_000);
});
