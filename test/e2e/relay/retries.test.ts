import { describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import type { TestClient } from "../../support/client.ts";
import { refusingAddress, serve } from "../../support/echo.ts";
import { freePort } from "../../support/ports.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { startHaproxy, startLite } from "./support/balancer.ts";
import type { ListenSpec } from "./support/listens.ts";
import { type Expected, expectOutcome, expectPlayed, play } from "./support/scenario.ts";
import { swallowingServer } from "./support/servers.ts";

const echo = await serve({ kind: "echo" });
const dead = refusingAddress();
const dead2 = refusingAddress();
const dir = tmpDir();
chmodSync(dir, 0o755); // started by root, the proxy process is somebody else
const deadUnix = `unix:${join(dir, "nobody")}`;
const swallowing = await swallowingServer();
const [returning, returningBeside] = [freePort(), freePort()];
const timeout = { client: 8000, server: 8000 };
const short = { ...timeout, connect: 300 };
const oneGood = [{ address: dead }, { address: dead2 }, { address: echo.address }];
const algorithms = ["roundrobin", "static-rr", "leastconn", "first", "source", "random"];

/** What HAProxy does as well. */
const shared: ListenSpec[] = [
  { name: "plain", redispatch: false, timeout, servers: [{ address: dead }] },
  { name: "impatient", retries: 2, redispatch: false, timeout: short, servers: [{ address: dead }] },
  { name: "never", retries: 0, redispatch: false, timeout, servers: [{ address: dead }] },
  {
    name: "loyal",
    retries: 1,
    redispatch: false,
    timeout: short,
    servers: [{ address: dead }, { address: echo.address }],
  },
  { name: "moving", retries: 1, timeout, servers: [{ address: dead }, { address: echo.address }] },
  { name: "slow", timeout: short, servers: [{ address: swallowing }, { address: echo.address }] },
  { name: "empty", timeout, servers: [] },
  { name: "returning", redispatch: false, timeout, servers: [{ address: `127.0.0.1:${returning}` }] },
  { name: "returning_beside", redispatch: false, timeout, servers: [{ address: `127.0.0.1:${returningBeside}` }] },
  { name: "gone", timeout, servers: [{ address: deadUnix }, { address: echo.address }] },
];

/** What HAProxy does otherwise: it remembers only the server that failed last. */
const ours: ListenSpec[] = [
  ...algorithms.map((balance) => ({ name: `with_${balance}`, balance, timeout, servers: oneGood })),
  { name: "all_refuse", timeout: short, servers: [{ address: dead }, { address: dead2 }] },
  { name: "all_gone", retries: 1, timeout: short, servers: [{ address: deadUnix }] },
];

const lite = await startLite([...shared, ...ours]);
const haproxy = await startHaproxy(shared);
const both = haproxy === null ? [lite] : [lite, haproxy];

const pingPong = async (client: TestClient): Promise<void> => {
  await client.send("x");
  await client.receive(1);
  client.fin();
};

interface Case {
  name: string;
  listen: string;
  script?: (client: TestClient) => unknown;
  expected: Expected;
}

const cases: Case[] = [
  {
    name: "one refusing server is tried again after a second each time",
    listen: "plain",
    expected: { code: "SC", server: "s1", retries: "3", twMs: 0, tcMs: -1, ttMs: 3000, ending: "fin", endedMs: 3000 },
  },
  {
    name: "the pause is never longer than timeout connect",
    listen: "impatient",
    expected: { code: "SC", server: "s1", retries: "2", twMs: 0, tcMs: -1, ttMs: 600, ending: "fin", endedMs: 600 },
  },
  {
    name: "retries = 0 gives up at once",
    listen: "never",
    expected: { code: "SC", server: "s1", retries: "0", tcMs: -1, ttMs: 0, ending: "fin", endedMs: 0 },
  },
  {
    name: "without redispatch the same server is tried although another is up",
    listen: "loyal",
    expected: { code: "SC", server: "s1", retries: "1", ttMs: 300 },
  },
  {
    name: "with redispatch another one is reached at once",
    listen: "moving",
    script: pingPong,
    expected: { code: "--", server: "s2", retries: "+1", bytes: 1, ttMs: 0 },
  },
  {
    name: "a server that does not answer is left after timeout connect",
    listen: "slow",
    script: pingPong,
    expected: { code: "--", server: "s2", retries: "+1", twMs: 300, tcMs: 0, bytes: 1, ttMs: 300 },
  },
  {
    name: "a unix server whose file is gone is left at once",
    listen: "gone",
    script: pingPong,
    expected: { code: "--", server: "s2", retries: "+1", bytes: 1, ttMs: 0 },
  },
  {
    name: "a listen without servers says so",
    listen: "empty",
    expected: { code: "SC", server: "<NOSRV>", retries: "0", twMs: -1, tcMs: -1, ttMs: 0, ending: "fin", endedMs: 0 },
  },
];

for (const balancer of both) {
  describe(`retries of ${balancer.kind}`, () => {
    for (const { name, listen, script, expected } of cases) {
      test.concurrent(name, async () => {
        await expectPlayed(balancer, listen, script, expected);
      });
    }

    test.concurrent("a server that is back after a pause is reached, and what the client said meanwhile arrives", async () => {
      const [listen, port] = balancer === lite ? ["returning", returning] : ["returning_beside", returningBeside];
      const outcome = await play(balancer, listen, async (client) => {
        await client.send("x");
        await Bun.sleep(400); // the first attempt is long over, the second comes a second after it
        await serve({ kind: "echo" }, { port });
        await client.receive(1);
        client.fin();
      });
      expectOutcome(outcome, { code: "--", server: "s1", retries: "1", twMs: 0, bytes: 1, ttMs: 1000, received: "x" });
    });
  });
}

describe("redispatch that remembers", () => {
  for (const balance of algorithms) {
    test.concurrent(`${balance}: whichever servers refuse, the one that is up is reached at once`, async () => {
      const listen = `with_${balance}`;
      for (let i = 0; i < 6; i++) {
        const { line } = await play(lite, listen, pingPong);
        expect(line).toMatchObject({ code: "--", server: "s3", bytes: 1 });
        expect(["0", "+1", "+2"]).toContain(line.retries);
        expect(line.ttMs).toBeLessThan(900); // no pause of a second has been made
      }
      // Both dead servers together cannot have been tried more often than twice a connection.
      const retries = lite.logs.sessions(listen).map((line) => Number(line.retries));
      if (balance === "first") expect(retries).toEqual([2, 2, 2, 2, 2, 2]);
    });
  }

  test.concurrent("when all have refused, they are all tried anew after the pause, until the retries are used up", async () => {
    expectOutcome(await play(lite, "all_refuse"), {
      code: "SC",
      retries: "+3",
      tcMs: -1,
      ttMs: 300,
      ending: "fin",
      endedMs: 300,
    });
  });

  test.concurrent("a unix server whose file is gone is tried again after the pause", async () => {
    expectOutcome(await play(lite, "all_gone"), { code: "SC", server: "s1", retries: "1", ttMs: 300 });
  });
});

test("retries, redispatches and failures are counted where HAProxy counts them", async () => {
  for (let i = 0; i < 2; i++) await play(lite, "moving", pingPong);
  const server = async (listen: string, name: string) => {
    const { listens } = await lite.proxy.statusJson<Status>();
    return listens.find((each) => each.name === listen)?.servers.find((each) => each.name === name)?.errors;
  };
  expect(await server("plain", "s1")).toMatchObject({ retries: 3, redispatches: 0, connect: 1 });
  expect(await server("moving", "s1")).toMatchObject({ retries: 0, connect: 0 });
  await until(
    "a redispatch to be counted on the server that was left",
    async () => ((await server("moving", "s1"))?.redispatches ?? 0) >= 1,
  );
  expect(await server("moving", "s2")).toMatchObject({ retries: 0, redispatches: 0, connect: 0 });
});

interface Status {
  listens: { name: string; servers: { name: string; errors: Record<string, number> }[] }[];
}
