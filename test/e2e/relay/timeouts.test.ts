import { describe, test } from "bun:test";
import type { TestClient } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { startBoth } from "./support/balancer.ts";
import type { ListenSpec } from "./support/listens.ts";
import { type Expected, expectPlayed } from "./support/scenario.ts";
import { swallowingServer } from "./support/servers.ts";

// Expected values are HAProxy 2.6's: the same script is played on it where it is installed.

const echo = await serve({ kind: "echo" });
const silent = await serve({ kind: "silent" });
const deaf = await serve({ kind: "deaf" });
const late = await serve({ kind: "late", reply: "late", delayMs: 700 });
const goodbye = await serve({ kind: "custom", run: (socket) => void socket.end("bye") });
const flooding = await serve({
  kind: "custom",
  run: (socket) => void socket.once("data", () => socket.write(Buffer.alloc(30_000_000))),
});
const lateFlood = await serve({
  kind: "custom",
  run: (socket) => void socket.once("data", () => setTimeout(() => socket.write(Buffer.alloc(30_000_000)), 800)),
});
const ticker = await serve({
  kind: "custom",
  run(socket) {
    const timer = setInterval(() => socket.write("tick"), 100);
    setTimeout(() => socket.end(), 2400);
    socket.on("close", () => clearInterval(timer));
  },
});
const swallowing = await swallowingServer();

const at = (address: string) => [{ address }];
const listens: ListenSpec[] = [
  { name: "client_silent", timeout: { client: 500, server: 2000 }, servers: at(silent.address) },
  { name: "client_echo", timeout: { client: 500, server: 2000 }, servers: at(echo.address) },
  { name: "client_late", timeout: { client: 400, server: 2500 }, servers: at(late.address) },
  { name: "server_silent", timeout: { client: 2000, server: 500 }, servers: at(silent.address) },
  { name: "equal", timeout: { client: 600, server: 600 }, servers: at(silent.address) },
  { name: "client_fin", timeout: { client: 2000, server: 2000, client_fin: 500 }, servers: at(goodbye.address) },
  { name: "client_fin_only", timeout: { client: 2000, server: 1200, client_fin: 300 }, servers: at(silent.address) },
  { name: "server_fin", timeout: { client: 2000, server: 2000, server_fin: 500 }, servers: at(silent.address) },
  {
    name: "server_then_client_fin",
    timeout: { client: 2500, server: 500, client_fin: 600 },
    servers: at(silent.address),
  },
  { name: "tunnel", timeout: { client: 300, server: 300, tunnel: 1200 }, servers: at(echo.address) },
  { name: "tunnel_short", timeout: { client: 3000, server: 3000, tunnel: 500 }, servers: at(echo.address) },
  { name: "deaf", timeout: { client: 400, server: 1600 }, servers: at(deaf.address) },
  { name: "flooding", timeout: { client: 600, server: 2500 }, servers: at(flooding.address) },
  { name: "late_flood", timeout: { client: 500, server: 2500 }, servers: at(lateFlood.address) },
  { name: "from_server", timeout: { client: 800, server: 800 }, servers: at(ticker.address) },
  { name: "to_server", timeout: { client: 800, server: 800 }, servers: at(silent.address) },
  {
    name: "connect",
    retries: 2,
    redispatch: false,
    timeout: { connect: 400, client: 5000, server: 5000 },
    servers: at(swallowing),
  },
  {
    name: "connect_slow",
    retries: 2,
    redispatch: false,
    timeout: { connect: 400, client: 600, server: 5000 },
    servers: at(swallowing),
  },
  {
    name: "queue",
    timeout: { client: 5000, server: 5000, queue: 600 },
    servers: [{ address: silent.address, maxconn: 1 }],
  },
  {
    name: "queue_as_connect",
    timeout: { connect: 500, client: 5000, server: 5000 },
    servers: [{ address: silent.address, maxconn: 1 }],
  },
  {
    name: "queue_silent",
    timeout: { client: 400, server: 5000, queue: 900 },
    servers: [{ address: silent.address, maxconn: 1 }],
  },
];

const both = await startBoth(listens);

/** Takes the only slot of the server until the test is over. */
async function occupy(listen: string): Promise<void> {
  await Promise.all(
    both.map(async (balancer) => {
      const holder = balancer.client(listen);
      await holder.connected;
      // Its own timeout would free the slot.
      const timer = setInterval(() => holder.socket.writable && holder.socket.write("x"), 100);
      holder.socket.on("close", () => clearInterval(timer));
    }),
  );
}

/** A FIN before a byte, and before the server is reached, would be a client that has left. */
const halfClose = async (client: TestClient): Promise<void> => {
  await client.send("x");
  client.fin();
};

interface Case {
  name: string;
  listen: string;
  script?: (client: TestClient) => unknown;
  expected: Expected;
}

const pingPong = async (client: TestClient): Promise<void> => {
  await client.send("x");
  await client.receive(1);
};

const cases: Case[] = [
  {
    name: "client: a silent client ends only the client's side; a server that ignores the FIN keeps it until timeout server",
    listen: "client_silent",
    expected: { code: "cD", ttMs: 2000, ending: "fin", endedMs: 2000 },
  },
  {
    name: "client: the same after a byte",
    listen: "client_silent",
    script: (client) => client.send("x"),
    expected: { code: "cD", ttMs: 2000, ending: "fin", endedMs: 2000 },
  },
  {
    name: "client: a server that closes on the forwarded FIN ends it at once",
    listen: "client_echo",
    script: pingPong,
    expected: { code: "cD", ttMs: 500, bytes: 1, ending: "fin", endedMs: 500, received: "x" },
  },
  {
    name: "client: what the server still says after the client's timeout arrives",
    listen: "client_late",
    expected: { code: "cD", ttMs: 1100, bytes: 4, ending: "fin", endedMs: 1100, received: "late" },
  },
  {
    name: "server: the client sees the FIN at once, and the session ends with timeout client",
    listen: "server_silent",
    expected: { code: "sD", ttMs: 2000, ending: "fin", endedMs: 500 },
  },
  {
    name: "server: the session ends when the client answers the FIN",
    listen: "server_silent",
    script: async (client) => {
      await client.ended;
      client.fin();
    },
    expected: { code: "sD", ttMs: 500, ending: "fin", endedMs: 500 },
  },
  {
    name: "equal timeouts blame the client",
    listen: "equal",
    expected: { code: "cD", ttMs: 600, ending: "fin", endedMs: 600 },
  },
  {
    name: "client_fin: replaces timeout client once the server has ended",
    listen: "client_fin",
    expected: { code: "cD", ttMs: 500, bytes: 3, ending: "fin", endedMs: 0, received: "bye" },
  },
  {
    name: "client_fin: does not touch the server's side",
    listen: "client_fin_only",
    script: halfClose,
    expected: { code: "sD", ttMs: 1200, ending: "fin", endedMs: 1200 },
  },
  {
    name: "server_fin: replaces timeout server once the client has ended",
    listen: "server_fin",
    script: halfClose,
    expected: { code: "sD", ttMs: 500, ending: "fin", endedMs: 500 },
  },
  {
    name: "client_fin: counts from the server's timeout",
    listen: "server_then_client_fin",
    expected: { code: "sD", ttMs: 1100, ending: "fin", endedMs: 500 },
  },
  {
    name: "a half-closed client is bounded by timeout server",
    listen: "client_silent",
    script: halfClose,
    expected: { code: "sD", ttMs: 2000, ending: "fin", endedMs: 2000 },
  },
  {
    name: "tunnel: replaces longer idle limits",
    listen: "tunnel_short",
    script: pingPong,
    expected: { code: "cD", ttMs: 500, bytes: 1, ending: "fin", endedMs: 500 },
  },
  {
    name: "tunnel: replaces shorter idle limits",
    listen: "tunnel",
    script: pingPong,
    expected: { code: "cD", ttMs: 1200, bytes: 1, ending: "fin", endedMs: 1200 },
  },
  {
    name: "server: a server that stops reading ends a flood, whatever timeout client says",
    listen: "deaf",
    script: (client) => void client.socket.write(Buffer.alloc(30_000_000)),
    expected: { code: "sD", ttMs: 1600, bytes: 0 },
  },
  {
    name: "client: a client that stops reading ends a flood, whatever timeout server says",
    listen: "flooding",
    script: async (client) => {
      client.pause();
      await client.send("x");
    },
    expected: { code: "cD", ttMs: 600 },
  },
  {
    name: "client: so does one that half-closed long before the flood",
    listen: "late_flood",
    script: async (client) => {
      client.pause();
      await halfClose(client);
    },
    expected: { code: "cD", ttMs: 1300 },
  },
  {
    name: "traffic from the server alone keeps both sides alive",
    listen: "from_server",
    script: async (client) => {
      await client.ended;
      client.fin();
    },
    expected: { code: "--", ttMs: 2400, ending: "fin", endedMs: 2400 },
  },
  {
    name: "traffic from the client alone keeps both sides alive",
    listen: "to_server",
    script: async (client) => {
      for (let i = 0; i < 24; i++) {
        await client.send("x");
        await Bun.sleep(100);
      }
    },
    expected: { code: "cD", ttMs: 3100, bytes: 0, ending: "fin", endedMs: 3100 },
  },
  {
    name: "connect: each attempt has its own limit, and retries follow at once",
    listen: "connect",
    expected: { code: "sC", ttMs: 1200, tcMs: -1, retries: "2", server: "s1", ending: "fin", endedMs: 1200 },
  },
  {
    name: "connect: a client silent beyond its own limit is blamed",
    listen: "connect_slow",
    expected: { code: "cC", ttMs: 1200, tcMs: -1, retries: "2", ending: "fin", endedMs: 1200 },
  },
  {
    name: "connect: one that has said something is not",
    listen: "connect_slow",
    script: (client) => client.send("x"),
    expected: { code: "sC", ttMs: 1200, tcMs: -1, retries: "2", ending: "fin", endedMs: 1200 },
  },
  {
    name: "queue: waiting for a slot has a limit",
    listen: "queue",
    expected: { code: "sQ", ttMs: 600, twMs: 600, tcMs: -1, server: "<NOSRV>", ending: "fin", endedMs: 600 },
  },
  {
    name: "queue: the limit is timeout connect unless set",
    listen: "queue_as_connect",
    expected: { code: "sQ", ttMs: 500, twMs: 500, server: "<NOSRV>", ending: "fin", endedMs: 500 },
  },
  {
    name: "queue: a client that says nothing is not kept beyond timeout client",
    listen: "queue_silent",
    expected: { code: "cQ", ttMs: 400, server: "<NOSRV>", ending: "fin", endedMs: 400 },
  },
  {
    name: "queue: one that has said something is",
    listen: "queue_silent",
    script: (client) => client.send("x"),
    expected: { code: "sQ", ttMs: 900, server: "<NOSRV>", ending: "fin", endedMs: 900 },
  },
];

await Promise.all(["queue", "queue_as_connect", "queue_silent"].map(occupy));

for (const balancer of both) {
  describe(`timeouts of ${balancer.kind}`, () => {
    for (const { name, listen, script, expected } of cases) {
      test.concurrent(name, async () => {
        await expectPlayed(balancer, listen, script, expected);
      });
    }
  });
}
