import { describe, expect, test } from "bun:test";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePorts } from "../../support/ports.ts";
import { binary, run, start } from "../../support/process.ts";
import { until } from "../../support/until.ts";
import { liveClient, logLines, proxyPid, toml } from "../process/stand.ts";
import { ctl, reload, rewrite } from "../reload/reloading.ts";
import { startUpgradable } from "../upgrade/versions.ts";
import { ask, basic } from "./stand.ts";

/** Status of a page; the error's code when nobody answers. */
async function statusAt(port: number, path: string, headers = {}): Promise<number | string> {
  return await ask(port, path, { headers }).then(
    ({ status }) => status,
    (error: Error) => error.message,
  );
}

describe("a reload", () => {
  test("changes the page in place: path, access, refresh, how many are served, addresses; and takes it away and back", async () => {
    const [port, first, second] = freePorts(3) as [number, number, number];
    const echo = await serve({ kind: "echo" });
    const withPage = (lines: string) => toml({ port, servers: [echo], more: `[stats]\n${lines}` });
    const proxy = await startProxy(withPage(`bind = "127.0.0.1:${first}"`));
    const pid = proxyPid(proxy);
    const live = await liveClient(port);

    const plan = await reload(
      proxy,
      withPage(`bind = ["127.0.0.1:${first}", "127.0.0.1:${second}"]
uri = "/page"
refresh = "9s"
maxconn = 1
auth = [{ user = "a", password = "b" }]`),
    );
    expect(plan).toContain(
      `bind 127.0.0.1:${first} -> 127.0.0.1:${first} 127.0.0.1:${second}, uri /haproxy.stats -> /page`,
    );
    expect(plan).not.toContain("next start");
    for (const page of [first, second]) {
      expect(await statusAt(page, "/page")).toBe(401);
      expect(await statusAt(page, "/page", basic("a", "b"))).toBe(200);
      expect(await statusAt(page, "/haproxy.stats", basic("a", "b"))).toBe(404);
    }
    expect((await ask(second, "/page;csv", { headers: basic("a", "b") })).headers.refresh).toBe("9");

    await reload(proxy, withPage(`bind = "127.0.0.1:${second}"`));
    await until("the first address to be free", async () => (await statusAt(first, "/")) === "ECONNREFUSED");
    expect(await statusAt(second, "/haproxy.stats")).toBe(200);

    await reload(proxy, toml({ port, servers: [echo] }));
    await until("the second address to be free", async () => (await statusAt(second, "/")) === "ECONNREFUSED");
    await reload(proxy, withPage(`bind = "127.0.0.1:${second}"`));
    expect(await statusAt(second, "/haproxy.stats")).toBe(200);

    // Nothing of it is the traffic's business.
    await live.send("still here?");
    await live.receive("still here?");
    expect(proxyPid(proxy)).toBe(pid);
  });

  test("that asks for an address that is taken changes nothing of the page", async () => {
    const [port, page] = freePorts(2) as [number, number];
    const echo = await serve({ kind: "echo" });
    const withPage = (lines: string) => toml({ port, servers: [echo], more: `[stats]\n${lines}` });
    const proxy = await startProxy(withPage(`bind = "127.0.0.1:${page}"`));
    rewrite(proxy, withPage(`bind = ["127.0.0.1:${page}", "127.0.0.1:${echo.port}"]\nuri = "/page"`));
    const said = await ctl(proxy, "reload");
    expect(said.code).toBe(1);
    expect(said.stdout + said.stderr).toContain(`cannot bind [stats] to 127.0.0.1:${echo.port}`);
    expect(await statusAt(page, "/haproxy.stats")).toBe(200);
    expect(await statusAt(page, "/page")).toBe(404);
  });

  test("does not move an address between a listen and the page, and says that it is in use", async () => {
    const [port, page, other] = freePorts(3) as [number, number, number];
    const echo = await serve({ kind: "echo" });
    const of = (listen: number, stats: number) =>
      toml({ port: listen, servers: [echo], more: `[stats]\nbind = "127.0.0.1:${stats}"` });
    const proxy = await startProxy(of(port, page));
    rewrite(proxy, of(other, port));
    expect(await ctl(proxy, "reload")).toMatchObject({ code: 1 });
    await (await liveClient(port)).send("x");
    expect(await statusAt(page, "/haproxy.stats")).toBe(200);
  });
});

test("a page on an address of a listen is an error, and so is a path that is taken", async () => {
  const [port] = freePorts(1) as [number];
  const proxy = await startProxy(toml({ port, servers: [] }));
  for (const [lines, said] of [
    [`bind = "127.0.0.1:${port}"`, `127.0.0.1:${port} is already bound by listen.web`],
    [`bind = ":${port}"`, "one of them takes every address"],
    [`bind = "127.0.0.1:9"\nuri = "/metrics"`, "/metrics is there for programs already"],
  ] as const) {
    rewrite(proxy, toml({ port, servers: [], more: `[stats]\n${lines}` }));
    const checked = await run([binary(), "check", "-c", proxy.configFile]);
    expect(checked.code).toBe(78);
    expect(checked.stdout + checked.stderr).toContain(said);
  }
});

describe("the page survives", () => {
  test("a crash of the proxy process: who asks in between is answered, and in a crash loop told so at once", async () => {
    const [port, page] = freePorts(2) as [number, number];
    const proxy = await startProxy(toml({ port, servers: [], more: `[stats]\nbind = "127.0.0.1:${page}"` }));
    for (let round = 0; round < 5; round++) {
      const from = proxy.output().length;
      process.kill(proxyPid(proxy), "SIGKILL");
      const during = statusAt(page, "/haproxy.stats");
      await proxy.process.waitFor(/proxy process \d+ is serving again/, { from });
      // It may have been connected to the one that died.
      expect([200, "ECONNRESET", "UND_ERR_SOCKET", "ECONNABORTED"]).toContain(await during);
    }
    process.kill(proxyPid(proxy), "SIGKILL");
    await proxy.process.waitFor("in 1600 ms");
    const { status, body } = await ask(page, "/healthz?listen=web", { timeoutMs: 1000 });
    expect({ status, body }).toEqual({ status: 503, body: "the proxy process keeps ending\n" });
    const html = await ask(page, "/haproxy.stats", { timeoutMs: 1000 });
    expect(html.status).toBe(200);
    expect(html.body).toContain("crash loop");
    expect((await ask(page, "/metrics")).body).toContain("\nhaproxy_lite_process_serving 0\n");
    await until("the next one", async () =>
      (await ask(page, "/metrics")).body.includes("haproxy_lite_process_serving 1\n"),
    );
    expect(logLines(proxy, "alert").filter((line) => line.includes("[stats]"))).toEqual([]);
  }, 30_000);

  test("an upgrade: of those who ask all the while, nobody is refused or left without an answer", async () => {
    const [port, page] = freePorts(2) as [number, number];
    const echo = await serve({ kind: "echo" });
    const proxy = await startUpgradable(toml({ port, servers: [echo], more: `[stats]\nbind = "127.0.0.1:${page}"` }));
    const seen = new Map<number | string, number>();
    let stop = false;
    const asking = Array.from({ length: 3 }, async () => {
      while (!stop) {
        const status = await statusAt(page, "/haproxy.stats;csv");
        seen.set(status, (seen.get(status) ?? 0) + 1);
      }
    });
    const former = proxyPid(proxy);
    await proxy.upgrade();
    expect(proxyPid(proxy)).not.toBe(former);
    const soFar = seen.get(200) ?? 0;
    await until("answers of the new one", () => (seen.get(200) ?? 0) > soFar + 20);
    stop = true;
    await Promise.all(asking);
    expect([...seen.keys()]).toEqual([200]);
  }, 60_000);

  test("its supervisor by no means: a new instance has the address at once, while connections finish", async () => {
    const [port, page] = freePorts(2) as [number, number];
    const echo = await serve({ kind: "echo" });
    const proxy = await startProxy(toml({ port, servers: [echo], more: `[stats]\nbind = "127.0.0.1:${page}"` }));
    const live = await liveClient(port);
    process.kill(proxy.pid, "SIGKILL");
    await proxy.process.exited;
    const second = start([binary(), "serve", "-c", proxy.configFile]);
    await second.waitFor(/\bready\b/);
    expect(await statusAt(page, "/haproxy.stats")).toBe(200);
    await live.send("still here?");
    await live.receive("still here?");
  });
});

test("a page that nobody has opened an address for is none, and the traffic goes on without it", async () => {
  const [port] = freePorts(1) as [number];
  const echo = await serve({ kind: "echo" });
  const proxy = await startProxy(toml({ port, servers: [echo] }));
  expect(proxy.output()).not.toContain("status page");
  const peer = client(port);
  await peer.send("x");
  await peer.receive("x");
});
