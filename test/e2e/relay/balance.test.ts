import { describe, expect, test } from "bun:test";
import type { TestClient } from "../../support/client.ts";
import { serve, type TestServer } from "../../support/echo.ts";
import { until } from "../../support/until.ts";
import { type Balancer, startBoth, startLite } from "./support/balancer.ts";
import type { ListenSpec, ServerSpec } from "./support/listens.ts";

const timeout = { client: 20_000, server: 20_000 };
const ECHOES = 5;

/** Servers that say who they are. */
const echoes: TestServer[] = [];
for (let i = 1; i <= ECHOES; i++) echoes.push(await serve({ kind: "banner", text: `s${i};` }));
const server = (i: number, more: Partial<ServerSpec> = {}): ServerSpec => ({
  name: `s${i}`,
  address: echoes[i - 1]?.address as string,
  ...more,
});

/** Connects and says which server it is with; the connection stays. */
async function arrive(
  balancer: Balancer,
  listen: string,
  localAddress?: string,
): Promise<{ client: TestClient; at: string }> {
  const client = balancer.client(listen, localAddress === undefined ? {} : { localAddress });
  return { client, at: (await client.receive(";")).slice(0, -1) };
}

/** The server of each of `count` connections, made one after the other and closed at once. */
async function visits(balancer: Balancer, listen: string, count: number, localAddress?: string): Promise<string[]> {
  const seen: string[] = [];
  for (let i = 0; i < count; i++) {
    const { client, at } = await arrive(balancer, listen, localAddress);
    client.fin();
    await client.ended;
    seen.push(at);
  }
  return seen;
}

function tally(seen: readonly string[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(seen, (each) => each)].map(([name, all]) => [name, all.length]).sort());
}

const weighted = [server(1), server(2, { weight: 2 }), server(3, { weight: 5 })];

describe("in turn", () => {
  test("roundrobin and static-rr give every cycle its weights exactly, over all threads", async () => {
    const lite = await startLite(
      [
        { name: "rr", timeout, servers: weighted },
        { name: "static", balance: "static-rr", timeout, servers: weighted },
        { name: "equal", timeout, servers: [1, 2, 3, 4].map((i) => server(i)) },
      ],
      { threads: 4 },
    );
    for (const listen of ["rr", "static"]) {
      const seen = await visits(lite, listen, 32);
      for (let cycle = 0; cycle < 32; cycle += 8) {
        expect(tally(seen.slice(cycle, cycle + 8))).toEqual({ s1: 1, s2: 2, s3: 5 });
      }
    }
    expect(await visits(lite, "equal", 12)).toEqual([
      "s1",
      "s2",
      "s3",
      "s4",
      "s1",
      "s2",
      "s3",
      "s4",
      "s1",
      "s2",
      "s3",
      "s4",
    ]);
    // And when all come at once.
    const crowd = await Promise.all(Array.from({ length: 400 }, () => arrive(lite, "rr")));
    expect(tally(crowd.map(({ at }) => at))).toEqual({ s1: 50, s2: 100, s3: 250 });
    for (const { client } of crowd) client.fin();
    await lite.quiet();
  });

  test("HAProxy's cycles come to the same", async () => {
    for (const balancer of await startBoth([{ name: "rr", timeout, servers: weighted }])) {
      expect(tally(await visits(balancer, "rr", 16))).toEqual({ s1: 2, s2: 4, s3: 10 });
    }
  });
});

describe("by load", () => {
  const listens: ListenSpec[] = [
    { name: "least", balance: "leastconn", timeout, servers: [server(1), server(2, { weight: 2 })] },
    {
      name: "first",
      balance: "first",
      timeout,
      servers: [server(1, { maxconn: 2 }), server(2, { maxconn: 2 }), server(3)],
    },
  ];

  test("leastconn keeps connections in proportion to weights, first fills one server after the other", async () => {
    for (const balancer of await startBoth(listens)) {
      const seen: Record<string, string[]> = { least: [], first: [] };
      for (const listen of ["least", "first"]) {
        for (let i = 0; i < 9; i++) seen[listen]?.push((await arrive(balancer, listen)).at);
      }
      const least = tally(seen.least as string[]);
      expect({ kind: balancer.kind, least }).toEqual({ kind: balancer.kind, least: { s1: 3, s2: 6 } });
      expect({ kind: balancer.kind, first: seen.first as string[] }).toEqual({
        kind: balancer.kind,
        first: ["s1", "s1", "s2", "s2", "s3", "s3", "s3", "s3", "s3"],
      });
    }
  });

  test("leastconn goes where connections have ended, first back to the first", async () => {
    const lite = await startLite(listens, { threads: 2 });
    for (const [listen, leaver, next] of [
      ["least", "s1", "s1"],
      ["first", "s1", "s1"],
    ] as const) {
      const held: Awaited<ReturnType<typeof arrive>>[] = [];
      for (let i = 0; i < 6; i++) held.push(await arrive(lite, listen));
      const leaving = held.filter(({ at }) => at === leaver);
      for (const { client } of leaving) client.fin();
      await until("them to be gone", async () =>
        (await lite.listen(listen)).servers.some(({ name, sessions }) => name === leaver && sessions.current === 0),
      );
      expect((await arrive(lite, listen)).at).toBe(next);
    }
  });

  test("random gives everybody something, and more to the heavier", async () => {
    const servers = [server(1), server(2), server(3, { weight: 3 })];
    const lite = await startLite([{ name: "r", balance: "random", timeout, servers }], { threads: 2 });
    const crowd = await Promise.all(Array.from({ length: 300 }, () => arrive(lite, "r")));
    const counts = tally(crowd.map(({ at }) => at));
    // Of two draws the less loaded for its weight is taken, so the shares stay close to 60, 60 and 180.
    for (const [name, share] of [
      ["s1", 60],
      ["s2", 60],
      ["s3", 180],
    ] as const) {
      expect(Math.abs((counts[name] ?? 0) - share)).toBeLessThan(30);
    }
  });
});

describe("by source", () => {
  const addresses = Array.from({ length: 24 }, (_, i) => `127.0.${i % 3}.${i + 10}`);

  async function map(balancer: Balancer, listen: string): Promise<Record<string, string>> {
    const entries: [string, string][] = [];
    for (const address of addresses) {
      const [first, ...others] = await visits(balancer, listen, 3, address);
      expect(others).toEqual([first as string, first as string]);
      entries.push([address, first as string]);
    }
    return Object.fromEntries(entries);
  }

  test("a client always goes to the same server, on both hosts of a pair, and losing one server moves only its clients", async () => {
    const listens = [
      { name: "there", balance: "source", timeout, servers: [server(1), server(2), server(3)] },
      { name: "here", balance: "source", timeout, servers: [server(3), server(1), server(2)] },
      { name: "fewer", balance: "source", timeout, servers: [server(3), server(2)] },
    ];
    const a = await startLite(listens, { threads: 3 });
    const b = await startLite(listens, { threads: 1 });
    const there = await map(a, "there");
    expect(new Set(Object.values(there))).toEqual(new Set(["s1", "s2", "s3"]));
    expect(await map(b, "here")).toEqual(there);
    const fewer = await map(b, "fewer");
    for (const address of addresses) {
      if (there[address] !== "s1")
        expect({ address, at: fewer[address] }).toEqual({ address, at: there[address] as string });
    }
  });
});

describe("who takes part", () => {
  test("a backup only when no active server is up, and then only the first; weight 0 never", async () => {
    const health = [await serve({ kind: "silent" }), await serve({ kind: "silent" })];
    const checked = (i: number): Partial<ServerSpec> => ({ checkMs: 100, toml: `check_port = ${health[i]?.port}` });
    const servers = [
      server(1, checked(0)),
      server(2, checked(1)),
      server(3, { backup: true }),
      server(4, { backup: true }),
      server(5, { weight: 0 }),
    ];
    for (const balance of ["roundrobin", "leastconn", "first", "source", "random"]) {
      const lite = await startLite([{ name: "b", balance, timeout, servers }], { threads: 2 });
      const states = async (): Promise<string> =>
        (await lite.listen("b")).servers
          .slice(0, 2)
          .map(({ up }) => (up ? "up" : "down"))
          .join(" ");
      const used = new Set(await visits(lite, "b", 12));
      expect([...used].every((name) => name === "s1" || name === "s2")).toBe(true);
      await health[0]?.stop();
      await until("the first to be down", async () => (await states()) === "down up");
      expect(tally(await visits(lite, "b", 4))).toEqual({ s2: 4 });
      await health[1]?.stop();
      await until("both to be down", async () => (await states()) === "down down");
      expect(tally(await visits(lite, "b", 4))).toEqual({ s3: 4 });
      await Promise.all(health.map((each) => each.restart()));
      await until("both to be up", async () => (await states()) === "up up");
      const again = new Set(await visits(lite, "b", 4));
      expect([...again].every((name) => name === "s1" || name === "s2")).toBe(true);
      await lite.proxy.stop();
    }
  });
});
