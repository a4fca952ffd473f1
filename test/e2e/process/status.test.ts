import { describe, expect, test } from "bun:test";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { binary, run } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { quantile } from "./load.ts";
import { snapshot, toml } from "./stand.ts";

describe("status of a running instance", () => {
  test("counts exactly what the clients did: connections and bytes, each way, for each server", async () => {
    const asked = "reply";
    const servers = [
      await serve({ kind: "reply", reply: "a".repeat(1000) }),
      await serve({ kind: "reply", reply: "b".repeat(30) }),
    ];
    const port = freePort();
    const proxy = await startProxy(toml({ port, threads: 2, servers }));
    const got = { a: 0, b: 0, aClients: 0, bClients: 0, sentToA: 0, sentToB: 0 };
    const requestOf = (i: number): string => asked.repeat(i + 1);
    for (let i = 0; i < 31; i++) {
      const one = client(port);
      await one.send(requestOf(i));
      expect(await one.ended).toBe("fin");
      one.fin();
      const answer = one.received().toString();
      if (answer.startsWith("a")) {
        got.aClients++;
        got.a += answer.length;
        got.sentToA += requestOf(i).length;
      } else {
        got.bClients++;
        got.b += answer.length;
        got.sentToB += requestOf(i).length;
      }
    }
    const idle = client(port);
    await idle.connected;
    await until("the others to be over", async () => (await snapshot(proxy)).process.connections.current === 1);
    const { process, listens } = await snapshot(proxy);
    expect(process.connections).toMatchObject({ current: 1, total: 32 });
    const [web] = listens;
    expect(web).toMatchObject({
      bytesIn: got.sentToA + got.sentToB,
      bytesOut: got.a + got.b,
      sessions: { current: 1, total: 32 },
    });
    const [s1, s2] = web?.servers ?? [];
    expect(s1).toMatchObject({ bytesIn: got.sentToA, bytesOut: got.a });
    expect(s2).toMatchObject({ bytesIn: got.sentToB, bytesOut: got.b });
    // The idle client has a server too.
    expect((s1?.sessions.total ?? 0) + (s2?.sessions.total ?? 0)).toBe(32);
    expect((s1?.sessions.current ?? 0) + (s2?.sessions.current ?? 0)).toBe(1);
    expect(web?.errors).toEqual({ connect: 0, retries: 0, redispatches: 0, clientAborts: 0, serverAborts: 0 });
    const table = (await proxy.status()).stdout;
    expect(table).toContain(`, pid ${proxy.pid}, 2 threads, 1/`);
    expect(table).toMatch(/^web +OPEN /m);
  });

  test("exits with 0 while all is well, 1 while a server is down, 3 when nothing runs", async () => {
    const echo = await serve({ kind: "echo" });
    const proxy = await startProxy(toml({ port: freePort(), servers: [echo], check: 'interval = "100ms"\nfall = 1' }));
    expect(await proxy.status()).toMatchObject({ code: 0, stderr: "" });
    await echo.stop();
    await proxy.process.waitFor("Server web/s1 is DOWN");
    const down = await proxy.status();
    expect(down.code).toBe(1);
    expect(down.stdout).toContain("1 server down: web/s1");
    await proxy.stop();
    const gone = await proxy.status();
    expect(gone).toMatchObject({ code: 3, stdout: "" });
    expect(gone.stderr).toContain(`not running: nothing answers at ${proxy.adminSocket}`);
  });

  test("finds the socket by the configuration file, too", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: [await serve({ kind: "echo" })] }));
    const said = await run([binary(), "status", "-c", proxy.configFile], { cwd: tmpDir() });
    expect(said.code).toBe(0);
    expect(said.stdout).toContain(`pid ${proxy.pid}`);
  });

  test("is said promptly, from exec to exit", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: [await serve({ kind: "echo" })] }));
    const tookMs: number[] = [];
    for (let i = 0; i < 15; i++) {
      const startedMs = performance.now();
      const { exitCode } = Bun.spawnSync([binary(), "status", "--socket", proxy.adminSocket]);
      tookMs.push(performance.now() - startedMs);
      expect(exitCode).toBe(0);
    }
    // 50 ms are promised on an idle machine; tests share theirs with other tests.
    expect(quantile(tookMs, 0.5)).toBeLessThan(250);
  });
});
