import { describe, expect, test } from "bun:test";
import { client, type TestClient } from "../../support/client.ts";
import { serve, type TestServer } from "../../support/echo.ts";
import { type Proxy as RunningProxy, startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../support/until.ts";
import { Load } from "../process/load.ts";
import { liveClient, toml } from "../process/stand.ts";
import { listenOf, reload, serverOf } from "./reloading.ts";

async function named(...names: string[]): Promise<TestServer[]> {
  return await Promise.all(names.map((text) => serve({ kind: "banner", text: `${text};` })));
}

/** Which server a new connection comes to. */
async function arrival(port: number): Promise<string> {
  const visitor = client(port);
  const banner = await visitor.receive(";");
  visitor.socket.end();
  return banner.slice(0, -1);
}

async function arrivals(port: number, count = 6): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let i = 0; i < count; i++) seen.add(await arrival(port));
  return seen;
}

async function echoes(visitor: TestClient, text: string): Promise<void> {
  await visitor.send(text);
  await visitor.receive(text);
}

describe("a server that is added", () => {
  test("gets its share while a storm goes on that loses nothing, and counters, sessions and checks stay", async () => {
    const both = await Promise.all([serve({ kind: "echo" }), serve({ kind: "echo" })]);
    const port = freePort();
    const check = 'interval = "100ms"';
    const proxy = await startProxy(toml({ port, threads: 2, servers: both.slice(0, 1), check }));
    const live = await liveClient(port);
    const load = new Load(port, 4);
    await until("some traffic", () => load.outcomes.served > 200);
    const before = await listenOf(proxy);
    const plan = await reload(proxy, toml({ port, threads: 2, servers: both, check }));
    expect(plan).toContain(`server web/s2 added: ${both[1]?.address}, weight 1`);
    await until("its traffic", () => (both[1]?.accepted ?? 0) > 100);
    const { served, failed } = await load.stop();
    expect([...failed]).toEqual([]);
    await echoes(live, "still here");
    const after = await listenOf(proxy);
    expect(after?.sessions.total).toBe(served + 1);
    expect(before?.sessions.total ?? 0).toBeGreaterThan(200);
    expect(after?.servers.map(({ status }) => status)).toEqual(["UP", "UP"]);
    expect(after?.servers[0]?.inStateMs ?? 0).toBeGreaterThan(before?.servers[0]?.inStateMs ?? Infinity);
  });
});

describe("a server that is removed", () => {
  test("keeps its session, gets no new one, shows its deadline, and is gone with the last", async () => {
    const [s1, s2] = (await named("s1", "s2")) as [TestServer, TestServer];
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: [s1, s2] }));
    const live = client(port);
    expect(await live.receive(";")).toBe("s1;");
    const only = (await Bun.file(proxy.configFile).text()).replace(/\[\[listen.web.server]]\nname = "s1"\n.*\n/, "");
    await Bun.write(proxy.configFile, only);
    proxy.process.signal("SIGHUP");
    await proxy.process.waitFor(
      "SIGHUP: server web/s1 removed: 1 connection may finish within 30s and will then be cut",
    );
    expect(await arrivals(port)).toEqual(new Set(["s2"]));
    const leaving = await serverOf(proxy, "s1");
    expect(leaving).toMatchObject({ status: "DRAIN (removed)", sessions: { current: 1 } });
    expect(leaving?.leavingForMs ?? 0).toBeWithin(20_000, 30_001);
    const { stdout, code } = await proxy.status();
    expect(stdout).toMatch(/s1 +DRAIN \(removed\).*removed: what is left ends within \d+s/);
    expect(code).toBe(0);
    await echoes(live, "still here");
    live.fin();
    expect(await live.ended).toBe("fin");
    await proxy.process.waitFor("Server web/s1 is gone: its last session has ended.");
    expect(await serverOf(proxy, "s1")).toBeUndefined();
  });

  test("is rid of its sessions at hard_stop_after", async () => {
    const [s1, s2] = (await named("s1", "s2")) as [TestServer, TestServer];
    const port = freePort();
    const global = 'hard_stop_after = "500ms"';
    const proxy = await startProxy(toml({ port, servers: [s1, s2], global }));
    const live = client(port);
    await live.receive("s1;");
    const startedMs = performance.now();
    const more = `[[listen.web.server]]\nname = "z"\naddress = "${s2.address}"`;
    await reload(proxy, toml({ port, servers: [], global, more }));
    expect(await live.ended).toBe("fin");
    expect(performance.now() - startedMs).toBeWithin(450, 2000);
    await proxy.process.waitFor("Server web/s1 hard-stopped (1 remaining sessions will be closed).");
    await proxy.process.waitFor(/web\/s1 .* K- /);
    await proxy.process.waitFor("Server web/s1 is gone");
  });

  test("comes back with its counters when the file has it again before it is gone", async () => {
    const [s1, s2] = (await named("s1", "s2")) as [TestServer, TestServer];
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: [s2, s1] }));
    await arrivals(port, 2);
    const live = [client(port), client(port)];
    for (const each of live) await each.receive(";");
    await reload(proxy, toml({ port, servers: [s2] }));
    expect((await serverOf(proxy, "s2"))?.leavingForMs).toBeNumber();
    await reload(proxy, toml({ port, servers: [s2, s1] }));
    expect(await serverOf(proxy, "s2")).toMatchObject({
      leavingForMs: null,
      status: "no check",
      sessions: { current: 1, total: 2 },
    });
    expect(await arrivals(port)).toEqual(new Set(["s1", "s2"]));
  });
});

describe("a server that is changed", () => {
  test("takes new sessions at its new address, and the old one keeps those it has", async () => {
    const [before, after] = (await named("before", "after")) as [TestServer, TestServer];
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: [before] }));
    const live = client(port);
    await live.receive("before;");
    const plan = await reload(proxy, toml({ port, servers: [after] }));
    expect(plan).toContain(`server web/s1 changed: address ${before.address} -> ${after.address}`);
    expect(await arrivals(port)).toEqual(new Set(["after"]));
    await echoes(live, "still here");
  });

  test("gives a client that waits for a slot one at once when its maxconn grows", async () => {
    const [s1] = (await named("s1")) as [TestServer];
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: [s1], server: "maxconn = 1", threads: 2 }));
    const first = client(port);
    await first.receive(";");
    const second = client(port);
    await until("it to wait", async () => (await listenOf(proxy))?.queue.current === 1);
    await reload(proxy, toml({ port, servers: [s1], server: "maxconn = 2", threads: 2 }));
    expect(await second.receive(";")).toBe("s1;");
  });

  test("stays down while its check only changes its pace, and goes into maintenance and back", async () => {
    const servers = await named("s1", "s2", "s3");
    const port = freePort();
    const check = (interval: string) => `interval = "${interval}"\nrise = 2\nfall = 2`;
    const proxy = await startProxy(toml({ port, servers, check: check("100ms") }));
    await servers[0]?.stop();
    await proxy.process.waitFor("Server web/s1 is DOWN");
    const down = await serverOf(proxy, "s1");
    await reload(proxy, toml({ port, servers, check: check("5s") }));
    const later = await serverOf(proxy, "s1");
    expect(later).toMatchObject({ status: "DOWN", downs: 1, check: { health: 0 } });
    expect(later?.inStateMs ?? 0).toBeGreaterThanOrEqual(down?.inStateMs ?? Infinity);
    expect(await arrivals(port)).toEqual(new Set(["s2", "s3"]));
    await reload(proxy, toml({ port, servers, check: check("5s"), server: "disabled = true" }));
    expect((await listenOf(proxy))?.servers.map(({ status }) => status)).toEqual(["MAINT", "MAINT", "MAINT"]);
    await reload(proxy, toml({ port, servers, check: check("100ms") }));
    await until("two to serve", async () => (await listenOf(proxy))?.usable.active === 2);
    expect(await arrivals(port)).toEqual(new Set(["s2", "s3"]));
  });
});

test("forty servers that come and go one after the other find a slot each, with counters that start from nought", async () => {
  const [first, other] = (await named("first", "other")) as [TestServer, TestServer];
  const port = freePort();
  const stay = toml({ port, servers: [first] });
  const proxy: RunningProxy = await startProxy(stay);
  for (let round = 0; round < 40; round++) {
    const more = `[[listen.web.server]]\nname = "guest${round}"\naddress = "${other.address}"`;
    await reload(proxy, toml({ port, servers: [first], more }));
    if (round % 10 === 0) {
      expect(await arrivals(port, 2)).toEqual(new Set(["first", "other"]));
      await until("its sessions to end", async () => (await listenOf(proxy))?.sessions.current === 0);
      expect((await serverOf(proxy, `guest${round}`))?.sessions.total).toBe(1);
    }
  }
  await reload(proxy, stay);
  await until("all guests to be gone", async () => (await listenOf(proxy))?.servers.length === 1);
  expect((await serverOf(proxy, "s1"))?.sessions.total).toBe(4);
}, 60_000);
