import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { atEnd } from "../../support/cleanup.ts";
import { client } from "../../support/client.ts";
import { serve, type TestServer } from "../../support/echo.ts";
import { type Proxy as RunningProxy, startProxy } from "../../support/instance.ts";
import { canMakeNetns, makeNetns } from "../../support/netns.ts";
import { freePort } from "../../support/ports.ts";
import { binary } from "../../support/process.ts";
import { until } from "../../support/until.ts";
import { exchange, Load } from "./load.ts";
import { logLines, sessionLines, snapshot, terminationOf, toml } from "./stand.ts";

const CHECK = 'interval = "100ms"\nrise = 2\nfall = 2';

async function servers(count: number): Promise<TestServer[]> {
  return await Promise.all(Array.from({ length: count }, () => serve({ kind: "echo" })));
}

/** Names of the servers that the connections logged since then had. */
function usedSince(proxy: RunningProxy, before: number): Set<string> {
  return new Set(
    sessionLines(proxy)
      .slice(before)
      .map((line) => / web\/(\S+) /.exec(line)?.[1] ?? "?"),
  );
}

/** So many connections, one after the other, all of which must be served; the servers that had them. */
async function visit(proxy: RunningProxy, port: number, count: number): Promise<Set<string>> {
  const before = sessionLines(proxy).length;
  for (let i = 0; i < count; i++) expect(await exchange(port, "x")).toBe("served");
  await until("the log lines", () => sessionLines(proxy).length === before + count);
  return usedSince(proxy, before);
}

/** A level's lines, check durations replaced, which are all that differs from run to run. */
function stateLines(proxy: RunningProxy, level: string): string[] {
  return logLines(proxy, level).map((text) => text.replace(/check duration: \d+ms/, "check duration: Nms"));
}

describe("a server that dies and comes back", () => {
  test("has HAProxy's lines in the log, and no client notices", async () => {
    const [s1, s2] = await servers(2);
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: [s1 as TestServer, s2 as TestServer], check: CHECK }));
    expect(await visit(proxy, port, 6)).toEqual(new Set(["s1", "s2"]));
    await s1?.stop();
    // Before the checks have found out, refused connections go to the other server.
    expect(await visit(proxy, port, 6)).toEqual(new Set(["s2"]));
    await proxy.process.waitFor("Server web/s1 is DOWN");
    expect(await visit(proxy, port, 6)).toEqual(new Set(["s2"]));
    expect((await proxy.status()).code).toBe(1);
    expect((await proxy.status()).stdout).toMatch(/^ {2}s1 +DOWN .*L4CON Connection refused/m);
    await s1?.restart();
    await proxy.process.waitFor("Server web/s1 is UP");
    expect(await visit(proxy, port, 6)).toEqual(new Set(["s1", "s2"]));
    expect((await proxy.status()).code).toBe(0);
    expect(stateLines(proxy, "alert")).toEqual([
      'Server web/s1 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: Nms. 1 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.',
    ]);
    expect(stateLines(proxy, "notice").filter((text) => text.startsWith("Server"))).toEqual([
      "Server web/s1 is UP, reason: Layer4 check passed, check duration: Nms. 2 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.",
    ]);
  });

  test("and all the others too: the emergency line follows the last, clients end as SC, then traffic resumes", async () => {
    const both = await servers(2);
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: both, check: CHECK }));
    for (const server of both) await server.stop();
    await proxy.process.waitFor("proxy web has no server available!");
    expect(stateLines(proxy, "emerg")).toEqual(["proxy web has no server available!"]);
    expect(stateLines(proxy, "alert").map((text) => /is DOWN.* (\d active and \d backup)/.exec(text)?.[1])).toEqual([
      "1 active and 0 backup",
      "0 active and 0 backup",
    ]);
    const turnedAway = client(port);
    await turnedAway.ended;
    await until("the log line", () => sessionLines(proxy).length === 1);
    expect(terminationOf(sessionLines(proxy)[0] ?? "")).toBe("SC");
    expect(sessionLines(proxy)[0]).toContain(" web/<NOSRV> ");
    const { listens } = await snapshot(proxy);
    expect(listens[0]).toMatchObject({ status: "DOWN", available: false, downs: 1 });
    for (const server of both) await server.restart();
    await until("both to be up", async () => (await proxy.status()).code === 0);
    expect(await visit(proxy, port, 4)).toEqual(new Set(["s1", "s2"]));
  });

  test("hands over to the backup, and takes the traffic back", async () => {
    const [s1, backup] = await servers(2);
    const port = freePort();
    const more = `[[listen.web.server]]\nname = "b1"\naddress = "${backup?.address}"\nbackup = true`;
    const proxy = await startProxy(toml({ port, servers: [s1 as TestServer], check: CHECK, more }));
    expect(await visit(proxy, port, 4)).toEqual(new Set(["s1"]));
    await s1?.stop();
    await proxy.process.waitFor("0 active and 1 backup servers left. Running on backup. 0 sessions active");
    expect(await visit(proxy, port, 4)).toEqual(new Set(["b1"]));
    expect(proxy.output()).not.toContain("no server available");
    await s1?.restart();
    await proxy.process.waitFor("Server web/s1 is UP");
    expect(await visit(proxy, port, 4)).toEqual(new Set(["s1"]));
    await backup?.stop();
    await proxy.process.waitFor("Backup Server web/b1 is DOWN");
  });
});

describe("a check", () => {
  test("speaks the service's language: a wrong answer takes the server down, the right one brings it back", async () => {
    let answer = "PONG\r\n";
    const picky = await serve({
      kind: "custom",
      run: (socket) => socket.on("data", (bytes) => socket.write(`${bytes}` === "PING\r\n" ? answer : bytes)),
    });
    const port = freePort();
    const proxy = await startProxy(
      toml({ port, servers: [picky], check: `${CHECK}\ntimeout = "500ms"\nsend = "PING\\r\\n"\nexpect = "PONG"` }),
    );
    await until(
      "the first check",
      async () => (await snapshot(proxy)).listens[0]?.servers[0]?.check?.last?.status === "L7OK",
    );
    answer = "BUSY\r\n";
    await proxy.process.waitFor("Server web/s1 is DOWN, reason: Layer7 invalid response");
    expect(logLines(proxy, "alert")[0]).toContain("did not match content 'PONG'");
    answer = "PONG\r\n";
    await proxy.process.waitFor("Server web/s1 is UP, reason: Layer7 check passed");
  });

  test("with init_state down: no client gets there before the first pass", async () => {
    let ready = false;
    let visitors = 0;
    const starting = await serve({
      kind: "custom",
      run: (socket) =>
        socket.on("data", (bytes) => {
          if (`${bytes}` !== "PING") visitors++;
          socket.write(`${bytes}` === "PING" && !ready ? "NO" : bytes);
          socket.on("end", () => socket.end());
        }),
    });
    const [other] = await servers(1);
    const port = freePort();
    const check = `${CHECK}\nsend = "PING"\nexpect = "PING"\ninit_state = "down"`;
    const proxy = await startProxy(toml({ port, servers: [starting, other as TestServer], check }));
    await proxy.process.waitFor("Server web/s2 is UP");
    expect(await visit(proxy, port, 6)).toEqual(new Set(["s2"]));
    expect(visitors).toBe(0);
    ready = true;
    await proxy.process.waitFor("Server web/s1 is UP");
    expect(await visit(proxy, port, 6)).toEqual(new Set(["s1", "s2"]));
    expect(proxy.output()).not.toContain("is DOWN");
  });

  test('= false: the server is used whatever happens, and status says "no check"', async () => {
    const [s1] = await servers(1);
    const proxy = await startProxy(
      toml({ port: freePort(), servers: [s1 as TestServer], check: CHECK, server: "check = false" }),
    );
    expect((await snapshot(proxy)).listens[0]?.servers[0]).toMatchObject({ status: "no check", check: null, up: true });
    expect((await proxy.status()).stdout).toMatch(/^ {2}s1 +no check /m);
    await s1?.stop();
    await Bun.sleep(400);
    expect((await proxy.status()).code).toBe(0);
    expect(proxy.output()).not.toContain("is DOWN");
  });

  test("keeps its pace, and notices a death at once, while traffic saturates the relay threads", async () => {
    let checks = 0;
    const echo = await serve({
      kind: "custom",
      run: (socket) => {
        socket.on("data", (bytes) => {
          if (`${bytes}` === "PING") checks++;
          socket.write(bytes);
        });
        socket.on("end", () => socket.end());
      },
    });
    const port = freePort();
    const check = 'interval = "100ms"\nfall = 2\nsend = "PING"\nexpect = "PING"';
    const proxy = await startProxy(toml({ port, servers: [echo], check, log: 'address = "stdout"\nlevel = "notice"' }));
    const load = new Load(port, 50);
    await until("traffic", () => load.outcomes.served > 500, { timeoutMs: 10_000 });
    const before = checks;
    await Bun.sleep(1500);
    // Fifteen on an idle machine; far fewer when checks wait behind traffic.
    expect(checks - before).toBeGreaterThanOrEqual(8);
    expect(proxy.output()).not.toContain("is DOWN");
    await echo.stop();
    const startedMs = performance.now();
    await proxy.process.waitFor("Server web/s1 is DOWN");
    expect(performance.now() - startedMs).toBeLessThan(1000);
    await load.stop();
  });
});

describe.skipIf(!canMakeNetns())("a server given by a name that does not resolve yet", () => {
  test("is in maintenance, unchecked and without traffic, until it does; then it serves", async () => {
    const ns = await makeNetns();
    // `ip netns exec` puts these over the files of /etc.
    const etc = `/etc/netns/${ns.name}`;
    mkdirSync(etc, { recursive: true });
    atEnd(() => rmSync(etc, { recursive: true }));
    writeFileSync(`${etc}/hosts`, "127.0.0.1 localhost\n");
    writeFileSync(`${etc}/resolv.conf`, "nameserver 127.0.0.1\n");
    writeFileSync(`${etc}/nsswitch.conf`, "hosts: files\n");
    await ns.start([binary(), "echo", "127.0.0.7:7001"]).waitFor("echo server");
    const text = toml({ port: 7000, servers: ["late.test:7001"], server: 'init_addr = "none"', check: CHECK });
    const proxy = await startProxy(text, { inside: ns.inside([]) });
    const [s1] = (await snapshot(proxy)).listens[0]?.servers ?? [];
    expect(s1).toMatchObject({ status: "MAINT (resolution)", unresolved: true, admin: "ready" });
    expect((await proxy.status()).code).toBe(1);
    expect((await ns.run(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7000; cat <&3"])).stdout).toBe("");
    await until("the log line", () => sessionLines(proxy).length === 1);
    expect(sessionLines(proxy)[0]).toMatch(/ web\/<NOSRV> .* SC /);
    expect(logLines(proxy, "alert")).toEqual([]);
    writeFileSync(`${etc}/hosts`, "127.0.0.1 localhost\n127.0.0.7 late.test\n");
    await proxy.process.waitFor("Server web/s1 ('late.test') is UP/READY (resolves again).");
    await until(
      "a passed check",
      async () => (await snapshot(proxy)).listens[0]?.servers[0]?.check?.last?.status === "L4OK",
    );
    const said = await ns.run(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7000; echo resolved >&3; head -1 <&3"]);
    expect(said.stdout).toBe("resolved\n");
    expect((await proxy.status()).code).toBe(0);
  });
});
