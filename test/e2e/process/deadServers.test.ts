import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { client } from "../../support/client.ts";
import { refusingAddress, serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { canMakeNetns, link, makeNetns } from "../../support/netns.ts";
import { freePort } from "../../support/ports.ts";
import { binary } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { exchange } from "./load.ts";
import { sessionLines, snapshot, terminationOf, toml } from "./stand.ts";

describe("a server that accepts and never answers", () => {
  test("costs its client the server timeout, ends as sD, and holds nothing afterwards", async () => {
    const silent = await serve({ kind: "silent" });
    const port = freePort();
    const listen = '[listen.web.timeout]\nserver = "400ms"\nclient = "1s"';
    const proxy = await startProxy(toml({ port, servers: [silent], listen }));
    const one = client(port);
    const startedMs = performance.now();
    await one.send("anybody there?");
    expect(await one.ended).toBe("fin");
    expect(performance.now() - startedMs).toBeGreaterThan(390);
    one.fin();
    await until("the log line", () => sessionLines(proxy).length === 1);
    expect(sessionLines(proxy).map(terminationOf)).toEqual(["sD"]);
    expect((await snapshot(proxy)).listens[0]?.servers[0]?.sessions.current).toBe(0);
  });

  test("is found out by a check that expects an answer, and traffic goes to the other", async () => {
    const [silent, echo] = [await serve({ kind: "silent" }), await serve({ kind: "echo" })];
    const port = freePort();
    const check = 'interval = "200ms"\ntimeout = "150ms"\nfall = 2\nsend = "PING"\nexpect = "PING"';
    const proxy = await startProxy(toml({ port, servers: [silent, echo], check }));
    await proxy.process.waitFor("Server web/s1 is DOWN, reason: Layer7 timeout");
    for (let i = 0; i < 10; i++) expect(await exchange(port, "x")).toBe("served");
    expect((await snapshot(proxy)).listens[0]?.servers.map(({ up }) => up)).toEqual([false, true]);
  });
});

describe("a server that refuses", () => {
  test("costs its client no time when there is another one", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: [refusingAddress(), refusingAddress(), echo] }));
    for (let i = 0; i < 9; i++) {
      const startedMs = performance.now();
      expect(await exchange(port, "x")).toBe("served");
      expect(performance.now() - startedMs).toBeLessThan(900);
    }
    await until("nine log lines", () => sessionLines(proxy).length === 9);
    expect(sessionLines(proxy).every((line) => / web\/s3 .* -- \d+\/\d+\/\d+\/\d+\/(\+[12]|0) /.test(line))).toBeTrue();
  });
});

describe.skipIf(!canMakeNetns())("a server that is a black hole", () => {
  /** Everything sent to 10.9.0.0/24 vanishes: it goes to a router that does not forward. */
  async function startWith(servers: string[], listen: string) {
    const [ns, router] = [await makeNetns(), await makeNetns()];
    await link({ ns, addresses: ["10.8.0.1/24"] }, { ns: router, addresses: ["10.8.0.2/24"] });
    await router.run(["sysctl", "-qw", "net.ipv4.ip_forward=0"]);
    await ns.ip("route", "add", "10.9.0.0/24", "via", "10.8.0.2");
    await ns.start([binary(), "echo", "127.0.0.1:7001"]).waitFor("echo server");
    const socket = join(tmpDir(), "web.sock");
    const text = toml({ port: 1, servers, listen }).replace(/bind = .*/, `bind = "unix:${socket}"`);
    return { socket: `unix:${socket}`, proxy: await startProxy(text, { inside: ns.inside([]) }) };
  }

  test("costs its client one connect timeout, then another server has the connection", async () => {
    const { socket, proxy } = await startWith(
      ["10.9.0.2:7001", "127.0.0.1:7001"],
      'balance = "static-rr"\n[listen.web.timeout]\nconnect = "300ms"',
    );
    for (let i = 0; i < 4; i++) {
      const one = client(socket);
      await one.send("x");
      await one.receive("x");
      one.fin();
      await one.ended;
    }
    await until("four log lines", () => sessionLines(proxy).length === 4);
    const redispatched = sessionLines(proxy).filter((line) => line.includes("/+1 "));
    expect(redispatched.length).toBeGreaterThan(0);
    for (const line of redispatched) {
      const [, waitedMs] = / web\/s2 (\d+)\/\d+\/\d+ 1 -- /.exec(line) ?? [];
      expect(Number(waitedMs)).toBeGreaterThanOrEqual(299);
      expect(Number(waitedMs)).toBeLessThan(800);
    }
    expect((await snapshot(proxy)).listens[0]?.servers[0]).toMatchObject({
      errors: { redispatches: redispatched.length },
      sessions: { current: 0, total: 0 },
    });
  });

  test("alone: the client hears the end of it after all retries, and the line says sC", async () => {
    const { socket, proxy } = await startWith(
      ["10.9.0.2:7001"],
      'retries = 2\n[listen.web.timeout]\nconnect = "200ms"',
    );
    const one = client(socket);
    await one.send("x");
    const startedMs = performance.now();
    expect(await one.ended).toMatch(/^(fin|closed)$/);
    expect(performance.now() - startedMs).toBeGreaterThan(590);
    await until("the log line", () => sessionLines(proxy).length === 1);
    expect(sessionLines(proxy)[0]).toMatch(/ web\/s1 \d+\/-1\/\d+ 0 sC \d+\/\d+\/\d+\/\d+\/\+?2 /);
  });
});
