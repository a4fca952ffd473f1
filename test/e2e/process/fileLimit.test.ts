import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { binary, run } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { exchange } from "./load.ts";
import { cpuMs, openFiles, proxyPid, snapshot, toml } from "./stand.ts";

/** Command prefix that limits open files for good: root could raise them again, so root loses that capability. */
function withFiles(limit: number): string[] {
  const cannotRaise =
    process.geteuid?.() === 0 ? ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-all", "--"] : [];
  return [...cannotRaise, "sh", "-c", `ulimit -n ${limit}; exec "$0" "$@"`];
}

/** What fits into 256 open files with one thread, one server and one bind, see src/config/fileBudget.ts. */
const FITTING = 54;

describe("an open file limit", () => {
  test("below what maxconn needs lowers maxconn, and both numbers are named", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: ["127.0.0.1:9"], global: "maxconn = 1000" }), {
      inside: withFiles(256),
    });
    expect(proxy.output()).toContain(
      `maxconn lowered from 1000 to ${FITTING}: 1000 connections need 2147 open files and the limit is 256 (ulimit -n, LimitNOFILE=)`,
    );
    expect((await snapshot(proxy)).process).toMatchObject({ connections: { limit: FITTING }, openFilesLimit: 256 });
  });

  test("is warned of by check, in the same words", async () => {
    const file = join(tmpDir(), "haproxy-lite.toml");
    writeFileSync(file, toml({ port: freePort(), servers: ["127.0.0.1:9"], global: "maxconn = 1000" }));
    const { code, stderr } = await run([...withFiles(256), binary(), "check", "-c", file]);
    expect(stderr).toContain(
      `1000 connections need 2147 open files and the limit here is 256: maxconn would be lowered to ${FITTING}`,
    );
    expect(code).toBe(0);
    const { stderr: soft } = await run(["sh", "-c", 'ulimit -S -n 256; exec "$0" "$@"', binary(), "check", "-c", file]);
    expect(soft).not.toContain("open files");
  });

  test("that may be raised is raised to what maxconn needs, for both processes", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: ["127.0.0.1:9"], global: "maxconn = 1000" }), {
      inside: ["sh", "-c", 'ulimit -S -n 256; exec "$0" "$@"'],
    });
    expect(proxy.output()).not.toContain("lowered");
    for (const pid of [proxy.pid, proxyPid(proxy)])
      expect(
        Number(/^Max open files +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, "latin1"))?.[1]),
      ).toBeGreaterThan(2146);
    expect((await snapshot(proxy)).process.connections.limit).toBe(1000);
  });

  test("above it changes nothing", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: ["127.0.0.1:9"], global: "maxconn = 54" }), {
      inside: withFiles(256),
    });
    expect(proxy.output()).not.toContain("lowered");
    expect((await snapshot(proxy)).process.connections.limit).toBe(54);
  });

  test("too low for a single connection is refused", async () => {
    const file = join(tmpDir(), "haproxy-lite.toml");
    writeFileSync(file, toml({ port: freePort(), servers: ["127.0.0.1:9"] }));
    const { code, stderr } = await run([...withFiles(140), binary(), "serve", "-c", file]);
    expect(stderr).toContain("the open file limit is 140, too low to serve even one connection");
    expect(stderr).toContain("raise it (ulimit -n, LimitNOFILE=)");
    expect(code).toBe(1);
  });

  test.each([1, 2])(
    "a storm of clients never reaches it: those beyond maxconn wait, nothing spins, %i threads",
    async (threads) => {
      const echo = await serve({ kind: "echo" });
      const port = freePort();
      const proxy = await startProxy(toml({ port, threads, servers: [echo] }), { inside: withFiles(256) });
      const fitting = (await snapshot(proxy)).process.connections.limit as number;
      expect(fitting).toBeLessThanOrEqual(FITTING);
      const storm = Array.from({ length: 300 }, () => client(port));
      await Promise.all(storm.map((one) => one.send("hello")));
      const served = (): number => storm.filter((one) => one.received().length === 5).length;
      await until("as many to be served as fit", () => served() === fitting);
      expect((await snapshot(proxy)).listens[0]).toMatchObject({
        status: "FULL",
        sessions: { current: fitting, max: fitting },
      });
      const pid = proxyPid(proxy);
      const [cpuBefore, beforeMs] = [cpuMs(pid), performance.now()];
      await Bun.sleep(600);
      // A loop that spins takes a whole CPU.
      expect((cpuMs(pid) - cpuBefore) / (performance.now() - beforeMs)).toBeLessThan(0.3);
      expect(served()).toBe(fitting);
      expect(openFiles(pid)).toBeLessThan(256);
      await proxy.process.waitFor(
        `Proxy web has reached the global maxconn ${fitting}: further clients wait in the kernel's queue`,
      );
      // Each that leaves makes room for one that waits, to the last.
      await Promise.all(
        storm.map(async (one) => {
          await one.receive("hello", 10_000);
          one.fin();
        }),
      );
      expect(await exchange(port, "and one more")).toBe("served");
      await until("nobody to be left", async () => (await snapshot(proxy)).process.connections.current === 0);
      expect(proxy.output()).not.toContain("EMFILE");
      expect((await snapshot(proxy)).process.connections).toMatchObject({ max: fitting, total: 301 });
    },
  );
});
