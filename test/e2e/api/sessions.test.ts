import { describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { atEnd } from "../../support/cleanup.ts";
import { serve } from "../../support/echo.ts";
import { until } from "../../support/until.ts";
import { exchange } from "../process/load.ts";
import { type LiteBalancer, startLite } from "../relay/support/balancer.ts";
import { swallowingServer } from "../relay/support/servers.ts";

const timeout = { connect: 30_000, client: 60_000, server: 60_000, queue: 30_000 };
const MANY = 600;

/** The lines of `show sess`: the pointer, and what is named. */
async function sessions(lite: LiteBalancer): Promise<Record<string, string>[]> {
  return (await lite.ask("show sess"))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => ({
      pointer: line.split(":")[0] as string,
      ...Object.fromEntries([...line.matchAll(/(\w+)=(\[[^\]]*\]|\S*)/g)].map(([, name, value]) => [name, value])),
    }));
}

/** So many clients, each with an answer. */
async function crowd(lite: LiteBalancer, listen: string, count: number): Promise<Socket[]> {
  const port = Number(lite.bind(listen).split(":")[1]);
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, "127.0.0.1").on("error", () => {});
      atEnd(() => {
        socket.destroy();
      });
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.once("data", () => resolve());
      socket.write("x");
      await promise;
      return socket;
    }),
  );
}

describe("show sess", () => {
  test(`lists each of ${MANY} sessions once, on three threads, while others come and go`, async () => {
    const echo = await serve({ kind: "echo" });
    const lite = await startLite(
      [
        { name: "web", timeout, servers: [echo] },
        { name: "busy", timeout, servers: [echo] },
      ],
      { threads: 3 },
    );
    const clients = await crowd(lite, "web", MANY);
    const busyPort = Number(lite.bind("busy").split(":")[1]);
    let busy = true;
    const coming = Array.from({ length: 8 }, async () => {
      while (busy) expect(await exchange(busyPort, "hello")).toBe("served");
    });
    const ports = clients.map(({ localPort }) => `127.0.0.1:${localPort}`).toSorted();
    for (let i = 0; i < 5; i++) {
      const listed = await sessions(lite);
      const web = listed.filter(({ fe }) => fe === "web");
      expect(web.map(({ src }) => src as string).toSorted()).toEqual(ports);
      expect(new Set(listed.map(({ pointer }) => pointer)).size).toBe(listed.length);
    }
    busy = false;
    await Promise.all(coming);
  });

  test("tells of one what is known of it, in figures that are right", async () => {
    const echo = await serve({ kind: "echo" });
    const lite = await startLite([{ name: "web", timeout, servers: [echo] }], { threads: 2 });
    const client = lite.client("web");
    await client.send("x".repeat(1234));
    await client.receive(1234);
    const [session] = await sessions(lite);
    expect(session).toMatchObject({ proto: "tcpv4", fe: "web", be: "web", srv: "s1", rc: "0" });
    const text = await lite.ask(`show sess ${session?.pointer}`);
    expect(text).toStartWith(`${session?.pointer}: [`);
    expect(text).toContain(` source=127.0.0.1:${client.socket.localPort}\n`);
    expect(text).toContain(`  frontend=web (id=2 mode=tcp), listener=? (id=1) addr=${lite.bind("web")}\n`);
    expect(text).toContain(`  backend=web (id=2 mode=tcp) addr=127.0.0.1:${echo.open[0]?.remotePort}\n`);
    expect(text).toContain(`  server=s1 (id=1) addr=${echo.address}\n`);
    expect([...text.matchAll(/ total=(\d+)\)/g)].map(([, bytes]) => bytes)).toEqual(["1234", "1234"]);
    expect(await lite.ask("show sess all")).toBe(text);
    client.fin();
    await client.ended;
    await lite.quiet();
    expect(await lite.ask(`show sess ${session?.pointer}`)).toBe("Session not found.\n");
    expect(await lite.ask("show sess")).toBe("");
  });

  test("names a session in a way that ends that one, and no other, for good", async () => {
    const echo = await serve({ kind: "echo" });
    const lite = await startLite([{ name: "web", timeout, servers: [echo] }], { threads: 3 });
    const clients = await crowd(lite, "web", 12);
    const ended = new Set<number>();
    const ports = clients.map(({ localPort }) => localPort as number);
    for (const [i, client] of clients.entries()) client.on("close", () => ended.add(ports[i] as number));
    const victim = (await sessions(lite))[5];
    const port = Number(victim?.src?.split(":")[1]);
    expect(await lite.ask(`shutdown session ${victim?.pointer}`)).toBe("");
    await until("its client to be gone", () => ended.size > 0);
    expect((await lite.logs.ofClient("web", port, 5000)).code).toBe("K-");
    expect(await sessions(lite)).toHaveLength(11);
    expect([...ended]).toEqual([port]);
    expect(await lite.ask(`shutdown session ${victim?.pointer}`)).toBe("No such session (use 'show sess').\n");
  });

  test("shows what a session waits for: a slot, a server, the other side", async () => {
    const silent = await serve({ kind: "silent" });
    const lite = await startLite([
      { name: "full", timeout, servers: [{ address: silent.address, maxconn: 1 }] },
      { name: "lost", timeout, servers: [{ address: await swallowingServer() }] },
    ]);
    for (const listen of ["full", "full", "lost"]) await lite.client(listen).connected;
    const states = async () =>
      (await sessions(lite)).map(({ fe, srv, scb }) => `${fe} ${srv} ${scb?.slice(0, 2)}`).toSorted();
    await until("all three to have got where they get", async () => (await states()).length === 3);
    expect(await states()).toEqual(["full <none> [2", "full s1 [8", "lost s1 [5"]);
  });
});
