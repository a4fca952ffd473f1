import { describe, expect, test } from "bun:test";
import type { TestClient } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { until } from "../../support/until.ts";
import { type Balancer, startBoth } from "./support/balancer.ts";
import type { ListenSpec } from "./support/listens.ts";
import { type Expected, expectOutcome, expectPlayed, play } from "./support/scenario.ts";
import { swallowingServer } from "./support/servers.ts";

// Who left first, and where the session stood then: HAProxy's matrix of termination codes, played on it as well.

const silent = await serve({ kind: "silent" });
const echo = await serve({ kind: "echo" });
const resetting = await serve({ kind: "rst", bytes: 4 });
const parting = await serve({
  kind: "custom",
  run: (socket) => void socket.end("bye", () => socket.destroy()),
});
const swallowing = await swallowingServer();
const timeout = { connect: 1200, queue: 1200, client: 5000, server: 5000 };

const listens: ListenSpec[] = [
  { name: "connecting", retries: 0, timeout, servers: [{ address: swallowing }] },
  { name: "queued", timeout, servers: [{ address: silent.address, maxconn: 1 }] },
  { name: "bound", balance: "source", timeout, servers: [{ address: silent.address, maxconn: 1 }] },
  { name: "data", timeout, servers: [{ address: echo.address }] },
  { name: "server_resets", timeout, servers: [{ address: resetting.address }] },
  { name: "parting", timeout, servers: [{ address: parting.address }] },
  { name: "null", timeout, dontlognull: true, servers: [{ address: echo.address }] },
];

const both = await startBoth(listens);
for (const balancer of both) {
  for (const listen of ["queued", "bound"]) {
    const holder = balancer.client(listen);
    await holder.send("mine");
  }
}
await until("both servers' only slots to be taken", () => silent.receivedBytes === 8 * both.length);

/** Leaves in the given way a while after it came, so that a difference in time would show. */
const leave = (how: "fin" | "rst", said: string) => async (client: TestClient) => {
  if (said !== "") await client.send(said);
  await Bun.sleep(200);
  client[how]();
};

interface Case {
  name: string;
  listen: string;
  script: (client: TestClient) => unknown;
  expected: Expected;
}

const connecting = { tcMs: -1, twMs: 0, server: "s1", retries: "0", bytes: 0 };
const queued = { tcMs: -1, server: "<NOSRV>", bytes: 0 };

const cases: Case[] = [
  ["connecting", "fin", "", { ...connecting, code: "CC", ttMs: 200 }],
  ["connecting", "rst", "", { ...connecting, code: "CD", ttMs: 200 }],
  ["connecting", "fin", "x", { ...connecting, code: "sC", ttMs: 1200 }],
  ["connecting", "rst", "x", { ...connecting, code: "CD", ttMs: 200 }],
  ["queued", "fin", "", { ...queued, code: "CQ", twMs: 200, ttMs: 200 }],
  ["queued", "rst", "", { ...queued, code: "CD", twMs: 200, ttMs: 200 }],
  ["queued", "fin", "x", { ...queued, code: "sQ", twMs: 1200, ttMs: 1200 }],
  ["queued", "rst", "x", { ...queued, code: "CD", twMs: 200, ttMs: 200 }],
  ["bound", "fin", "", { ...queued, server: "s1", code: "CQ", twMs: 200, ttMs: 200 }],
  ["bound", "fin", "x", { ...queued, server: "s1", code: "sQ", twMs: 1200, ttMs: 1200 }],
].map(([listen, how, said, expected]) => ({
  name: `${listen}, ${said === "" ? "nothing said" : "something said"}, ${how === "fin" ? "FIN" : "RST"}`,
  listen: listen as string,
  script: leave(how as "fin" | "rst", said as string),
  expected: expected as Expected,
}));

cases.push(
  {
    name: "in data, RST by the client",
    listen: "data",
    script: async (client) => {
      await client.send("hello");
      await client.receive(5);
      client.rst();
    },
    expected: { code: "CD", bytes: 5, server: "s1", ttMs: 0 },
  },
  {
    name: "in data, RST by the server",
    listen: "server_resets",
    script: (client) => client.send("four"),
    expected: { code: "SD", bytes: 0, server: "s1", ttMs: 0 },
  },
  {
    name: "after the server has said goodbye and closed, one word too many does no harm",
    listen: "parting",
    script: async (client) => {
      await client.ended;
      await client.send("QUIT");
      await Bun.sleep(100); // the server's reset is there by now
      client.fin();
    },
    expected: { code: "--", bytes: 3, received: "bye", ttMs: 100 },
  },
  {
    name: "after the server has said goodbye and closed, one who goes on talking is not heard",
    listen: "parting",
    script: async (client) => {
      await client.ended;
      await client.send("and");
      await Bun.sleep(100);
      await client.send("another thing");
    },
    expected: { code: "SD", bytes: 3, received: "bye", ttMs: 100 },
  },
  {
    name: "a client that connects and closes is a session like others",
    listen: "data",
    script: async (client) => {
      await Bun.sleep(100);
      client.fin();
    },
    expected: { code: "--", bytes: 0, server: "s1", ttMs: 100 },
  },
);

for (const balancer of both) {
  describe(`a client leaves ${balancer.kind}`, () => {
    for (const { name, listen, script, expected } of cases) {
      test.concurrent(name, async () => {
        await expectPlayed(balancer, listen, script, expected);
      });
    }

    test.concurrent("dontlognull leaves out connections without a byte, and only those", async () => {
      await empty(balancer);
      expectOutcome(
        await play(balancer, "null", async (client) => {
          await client.send("x");
          client.fin();
        }),
        { code: "--", bytes: 1 },
      );
      // The later one is there, so the earlier one would be.
      expect(balancer.logs.sessions("null")).toHaveLength(1);
    });
  });
}

async function empty(balancer: Balancer): Promise<void> {
  const before = echo.accepted;
  const client = balancer.client("null");
  await client.connected;
  await until("the server to be reached", () => echo.accepted > before);
  client.fin();
  expect(await client.ended).toBe("fin");
}
