import { expect, test } from "bun:test";
import { serve } from "../../support/echo.ts";
import { type Proxy as RunningProxy, startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../support/until.ts";
import { exchange } from "../process/load.ts";
import { liveClient, snapshot, toml } from "../process/stand.ts";
import { ctl, listenOf } from "../reload/reloading.ts";
import { startUpgradable } from "../upgrade/versions.ts";
import { say } from "./haproxy.ts";

const echo = await serve({ kind: "echo" });

/** What a listen and its server have counted. */
async function counted(proxy: RunningProxy) {
  const listen = await listenOf(proxy);
  const server = listen?.servers[0];
  if (listen === undefined || server === undefined) throw new Error("no listen, or no server");
  const of = ({ sessions, bytesIn, bytesOut }: typeof listen | typeof server) => ({
    max: sessions.max,
    total: sessions.total,
    bytesIn,
    bytesOut,
  });
  return { listen: of(listen), server: of(server), current: listen.sessions.current, rateMax: listen.rate.max };
}

const four = async (port: number): Promise<void> => {
  for (let i = 0; i < 4; i++) expect(await exchange(port, "12345")).toBe("served");
};

test("clear counters forgets the highest values, and all what was counted, on every thread", async () => {
  const port = freePort();
  const proxy = await startProxy(toml({ port, servers: [echo], threads: 2 }));
  const live = [await liveClient(port), await liveClient(port)];
  await four(port);
  await until("all to be counted", async () => (await counted(proxy)).server.bytesOut === 22);
  expect(await say(proxy.adminSocket, "clear counters\n")).toBe("\n");
  const traffic = { total: 6, bytesIn: 22, bytesOut: 22 };
  expect(await counted(proxy)).toMatchObject({
    listen: { ...traffic, max: 0 },
    server: { ...traffic, max: 0 },
    current: 2,
  });
  // The next one sees how many there are by now.
  await four(port);
  await until("the new ones to be counted", async () => (await counted(proxy)).server.total === 10);
  const { max } = (await counted(proxy)).listen;
  expect([3, 4]).toContain(max); // one may begin before the one before it has wholly ended
  expect(await say(proxy.adminSocket, "clear counters all\n")).toBe("\n");
  const nothing = { total: 0, bytesIn: 0, bytesOut: 0, max: 0 };
  expect(await counted(proxy)).toMatchObject({ listen: nothing, server: nothing, current: 2 });
  // Those that live go on, and count from there.
  await live[0]?.send("hello");
  await live[0]?.receive("hello");
  await until("their bytes", async () => (await counted(proxy)).listen.bytesOut === 5);
  expect((await counted(proxy)).listen).toMatchObject({ total: 0, bytesIn: 5 });
  // How many connections the process has had is not among HAProxy's counters.
  expect((await snapshot(proxy)).process.connections.total).toBe(10);
});

test("what was cleared stays so through an upgrade", async () => {
  const port = freePort();
  const proxy = await startUpgradable(toml({ port, servers: [echo], threads: 2 }));
  await four(port);
  await proxy.upgrade();
  await until("what was counted to be known", async () => (await counted(proxy)).server.total === 4);
  await ctl(proxy, "clear counters all");
  const nothing = { total: 0, bytesIn: 0, bytesOut: 0, max: 0 };
  expect(await counted(proxy)).toMatchObject({ listen: nothing, server: nothing });
  await four(port);
  await proxy.upgrade();
  const once = { total: 4, bytesIn: 20, bytesOut: 20 };
  await until("the new ones to be known", async () => (await counted(proxy)).server.total === 4);
  expect(await counted(proxy)).toMatchObject({ listen: once, server: once });
});
