import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { client, type TestClient } from "../../support/client.ts";
import { type Proxy as RunningProxy, startProxy } from "../../support/instance.ts";
import { canMakeNetns, makeNetns, type Netns } from "../../support/netns.ts";
import { binary } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { logLines, sessionLines, snapshot, terminationOf, toml } from "./stand.ts";

/** Source ports that the namespace has for each server address and source. */
const PORTS = 20;
const SERVER = "127.0.0.1:7001";
const TCP_BIND = "127.0.0.1:7000";

/** A namespace with few source ports and one echo server, and our program in it, also behind a unix socket: for clients outside. */
async function startScarce(
  wishes: { server?: string; check?: string; threads?: number } = {},
): Promise<{ proxy: RunningProxy; socket: string; ns: Netns }> {
  const ns = await makeNetns();
  await ns.run(["sysctl", "-qw", `net.ipv4.ip_local_port_range=40000 ${40_000 + PORTS - 1}`]);
  await ns.start([binary(), "echo", SERVER]).waitFor("echo server");
  const socket = join(tmpDir(), "web.sock");
  const text = toml({ port: 1, threads: 2, servers: [SERVER], ...wishes }).replace(
    /bind = .*/,
    `bind = ["unix:${socket}", "${TCP_BIND}"]`,
  );
  return { ns, socket: `unix:${socket}`, proxy: await startProxy(text, { inside: ns.inside([]) }) };
}

/** So many clients, each of which has had an answer and stays. */
async function hold(socket: string, count: number): Promise<TestClient[]> {
  const clients = Array.from({ length: count }, () => client(socket));
  for (const one of clients) {
    await one.send("x");
    await one.receive("x");
  }
  return clients;
}

/** How so many newcomers, one after the other, hear that there is nothing for them; in the namespace, over TCP. */
async function turnedAway(ns: Netns, count: number): Promise<string[]> {
  const script = `
    const [hostname, port] = "${TCP_BIND}".split(":");
    for (let i = 0; i < ${count}; i++) {
      const { promise, resolve } = Promise.withResolvers();
      const socket = { data: () => resolve("data"), end: () => resolve("fin"), close: (_, e) => resolve(e?.code ?? "closed") };
      await Bun.connect({ hostname, port: Number(port), allowHalfOpen: true, socket });
      console.log(await promise);
    }
    process.exit(0);`;
  return (await ns.run([process.execPath, "-e", script])).stdout.trim().split("\n");
}

/** One more client, which is served or not. */
async function isServed(socket: string): Promise<boolean> {
  const one = client(socket);
  one.send("y").catch(() => {});
  return await one
    .receive("y")
    .then(
      () => true,
      () => false,
    )
    .finally(() => one.fin());
}

describe.skipIf(!canMakeNetns())("source ports that run out", () => {
  test("are warned of at 80 %, then cost newcomers a clean end and one line, and come back by themselves", async () => {
    const { proxy, socket, ns } = await startScarce();
    const held = await hold(socket, 0.8 * PORTS - 1);
    // Two looks, which come once a second.
    await Bun.sleep(2100);
    expect(logLines(proxy, "warning").filter((text) => text.includes("source ports"))).toEqual([]);
    held.push(...(await hold(socket, 1)));
    await proxy.process.waitFor(`16 of ${PORTS} source ports to ${SERVER} are in use. Before they run out:`);
    held.push(...(await hold(socket, PORTS - held.length)));
    expect(await turnedAway(ns, 5)).toEqual(Array(5).fill("fin"));
    await until("the log lines", () => sessionLines(proxy).length === 5);
    expect(sessionLines(proxy).map(terminationOf)).toEqual(Array(5).fill("RC"));
    const said = logLines(proxy, "warning").filter((text) => text.includes("EADDRNOTAVAIL"));
    expect(said).toHaveLength(1);
    expect(said[0]).toStartWith("Connect() failed for server web/s1: EADDRNOTAVAIL, no free source port");
    expect(said[0]).toContain("several `source` addresses, or widen net.ipv4.ip_local_port_range");
    const { listens } = await snapshot(proxy);
    expect(listens[0]).toMatchObject({ status: "OPEN", sessions: { current: PORTS }, queue: { current: 0 } });
    // Those who had a connection have it still.
    for (const one of held) {
      await one.send("z");
      await one.receive("xz");
    }
    for (const one of held.splice(0, 5)) one.fin();
    await until("newcomers to be served again", () => isServed(socket), { everyMs: 100 });
    for (const one of held) one.fin();
    await until("nobody to be left", async () => {
      const [web] = (await snapshot(proxy)).listens;
      return web?.sessions.current === 0 && web.servers[0]?.sessions.current === 0;
    });
    expect((await proxy.status()).code).toBe(0);
  });

  test("are as many again for each further `source` address", async () => {
    const { proxy, socket, ns } = await startScarce({ server: 'source = ["127.0.0.2", "127.0.0.3"]' });
    await hold(socket, 2 * PORTS);
    expect(await turnedAway(ns, 1)).toEqual(["fin"]);
    await proxy.process.waitFor(`of ${2 * PORTS} source ports to ${SERVER} are in use`);
  });

  test("of one `source` address leave those of the others: nobody is turned away while any has one", async () => {
    const { socket } = await startScarce({ server: 'source = ["127.0.0.2", "127.0.0.3"]', threads: 1 });
    const held = await hold(socket, 2 * PORTS);
    for (const [i, one] of held.entries()) if (i % 2 === 1 && i < 16) one.fin(); // all of one and the same source
    await until("a port to come back", () => isServed(socket), { everyMs: 100 });
    expect(await hold(socket, 4)).toHaveLength(4);
  });

  test("mark no server down: checks that lack one conclude nothing", async () => {
    const { proxy, socket } = await startScarce({ check: 'interval = "100ms"\nfall = 1' });
    // Checks take ports too, and give them back a second later.
    const held: TestClient[] = [];
    await until(
      "the last port to be taken",
      async () => {
        const one = client(socket);
        held.push(one);
        one.send("x").catch(() => {});
        await one.receive("x", 1000).catch(() => {});
        return one.received().length === 0 && (await snapshot(proxy)).listens[0]?.sessions.current === PORTS;
      },
      { timeoutMs: 15_000 },
    );
    await until("checks to lack a port", async () => {
      const check = (await snapshot(proxy)).listens[0]?.servers[0]?.check;
      return check !== null && check !== undefined && check.inconclusive > 3;
    });
    expect((await snapshot(proxy)).listens[0]?.servers[0]).toMatchObject({
      up: true,
      downs: 0,
      check: { failures: 0 },
    });
    expect(proxy.output()).not.toContain("is DOWN");
  });
});
