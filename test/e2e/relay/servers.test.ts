import { describe, expect, test } from "bun:test";
import { refusingAddress, serve, type TestServer } from "../../support/echo.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../support/until.ts";
import { type Balancer, startBoth, startLite } from "./support/balancer.ts";
import type { ServerSpec } from "./support/listens.ts";
import { dial, listenPeers, type Peer } from "./support/peer.ts";
import { play } from "./support/scenario.ts";
import { hangingServer } from "./support/servers.ts";

// What becomes of sessions, and of a server's share, when checks or traffic change their mind about it.

const timeout = { client: 20_000, server: 20_000 };

/** A server checked on a port of its own, so that it can go down while its sessions live. */
function checkedAt(health: TestServer, toml: string, haproxy: string): Partial<ServerSpec> {
  return { checkMs: 100, toml: `check_port = ${health.port}\n${toml}`, haproxy: `port ${health.port} ${haproxy}` };
}

async function session(
  balancer: Balancer,
  listen: string,
  at: ReturnType<typeof listenPeers>,
): Promise<{ client: Peer; server: Peer }> {
  const client = await dial(balancer.bind(listen));
  const server = await at.next();
  await client.send("hello");
  await server.hears("hello");
  await server.send("there");
  await client.hears("there");
  return { client, server };
}

describe("on_marked_down = shutdown-sessions", () => {
  test("ends the sessions of the server that went down, and nobody else's", async () => {
    const [one, two] = [listenPeers(), listenPeers()];
    const health = await serve({ kind: "silent" });
    const listens = [
      {
        name: "down",
        timeout,
        servers: [
          {
            address: one.address,
            ...checkedAt(health, 'on_marked_down = "shutdown-sessions"', "on-marked-down shutdown-sessions"),
          },
          { address: two.address },
        ],
      },
    ];
    const both = await startBoth(listens);
    const held: { balancer: Balancer; on: Record<"s1" | "s2", { client: Peer; server: Peer }> }[] = [];
    for (const balancer of both) {
      held.push({
        balancer,
        on: { s1: await session(balancer, "down", one), s2: await session(balancer, "down", two) },
      });
    }
    await health.stop();
    for (const { balancer, on } of held) {
      expect(await on.s1.client.ended).toBe("fin");
      await on.s1.server.ended;
      const [line, ...others] = await balancer.logs.ended("down");
      expect({ kind: balancer.kind, ...line }).toMatchObject({
        kind: balancer.kind,
        code: "D-",
        server: "s1",
        bytes: 5,
      });
      expect(others).toEqual([]);
      await on.s2.client.send(" again");
      await on.s2.server.hears("hello again");
      on.s2.client.close();
      on.s2.server.close();
    }
  });

  test("ends what is on its way to it too, and lets those who only tried it before go on waiting for another", async () => {
    const health = await serve({ kind: "silent" });
    const two = listenPeers();
    const marked = { checkMs: 100, toml: `check_port = ${health.port}\non_marked_down = "shutdown-sessions"` };
    const lite = await startLite([
      {
        name: "retried",
        balance: "first",
        timeout,
        servers: [
          { address: refusingAddress(), ...marked },
          { address: two.address, maxconn: 1 },
        ],
      },
      // Connected in the kernel, never accepted: a session that stays.
      { name: "held", timeout, servers: [{ address: hangingServer(), ...marked }] },
    ]);
    const first = await session(lite, "retried", two);
    const second = await dial(lite.bind("retried"));
    await second.send("me too");
    await until("it to wait for the other", async () => (await lite.listen("retried")).servers[1]?.queue.current === 1);
    const held = await dial(lite.bind("held"));
    await until("the session", async () => (await lite.listen("held")).servers[0]?.sessions.current === 1);
    await health.stop();
    expect(await held.ended).toBe("fin");
    expect((await lite.logs.ended("held"))[0]).toMatchObject({ code: "D-", server: "s1" });
    await until("the other to be down", async () => (await lite.listen("retried")).servers[0]?.up === false);
    first.client.close();
    first.server.close();
    const server = await two.next();
    await server.hears("me too");
    second.close();
    server.close();
    await lite.quiet();
    expect(lite.logs.sessions("retried").map(({ code, server, retries }) => [code, server, retries])).toEqual([
      ["--", "s2", "+1"],
      ["--", "s2", "+1"],
    ]);
  });
});

describe("on_marked_up = shutdown-backup-sessions", () => {
  test("ends the sessions on backups when the server returns", async () => {
    const [one, backup] = [listenPeers(), listenPeers()];
    const health = await serve({ kind: "silent" });
    const listens = [
      {
        name: "up",
        timeout,
        servers: [
          {
            address: one.address,
            ...checkedAt(health, 'on_marked_up = "shutdown-backup-sessions"', "on-marked-up shutdown-backup-sessions"),
          },
          { address: backup.address, backup: true },
        ],
      },
    ];
    await health.stop();
    const both = await startBoth(listens);
    const held: { balancer: Balancer; client: Peer; server: Peer }[] = [];
    for (const balancer of both) {
      await balancer.logs.message(/^Server up\/s1 is DOWN/);
      held.push({ balancer, ...(await session(balancer, "up", backup)) });
    }
    await health.restart();
    for (const { balancer, client, server } of held) {
      expect(await client.ended).toBe("fin");
      await server.ended;
      const [line] = await balancer.logs.ended("up");
      expect({ kind: balancer.kind, ...line }).toMatchObject({
        kind: balancer.kind,
        code: "U-",
        server: "s2",
        bytes: 5,
      });
      const next = await session(balancer, "up", one);
      next.client.close();
      next.server.close();
    }
  });
});

describe("slowstart", () => {
  test("a server that returns gets its share and its maxconn little by little, and then all of it", async () => {
    const server = await serve({ kind: "banner", text: "s1;" });
    const other = await serve({ kind: "banner", text: "s2;" });
    const health = await serve({ kind: "silent" });
    const lite = await startLite([
      {
        name: "slow",
        timeout,
        servers: [
          { address: server.address, weight: 16, checkMs: 100, toml: `check_port = ${health.port}\nslowstart = "3s"` },
          { address: other.address, weight: 16 },
        ],
      },
    ]);
    const state = async () => (await lite.listen("slow")).servers[0];
    // At the start of the process nothing ramps.
    expect((await state())?.weight).toEqual({ configured: 16, effective: 16 });
    await health.stop();
    await until("it to be down", async () => (await state())?.up === false);
    await health.restart();
    await until("it to return", async () => (await state())?.up === true);
    const early = await shares(lite, "slow", 34);
    expect(early.s1 ?? 0).toBeLessThan(8);
    const weights: number[] = [];
    const throttles: number[] = [];
    await until(
      "the ramp to end",
      async () => {
        const now = await state();
        const effective = now?.weight.effective ?? -1;
        if (weights.at(-1) !== effective) weights.push(effective);
        if (now?.throttlePercent != null) throttles.push(now.throttlePercent);
        return effective === 16 && now?.throttlePercent === null;
      },
      { everyMs: 25, timeoutMs: 10_000 },
    );
    expect(weights.length).toBeGreaterThanOrEqual(4);
    expect(weights).toEqual([...weights].sort((a, b) => a - b));
    expect(weights[0]).toBeLessThanOrEqual(6);
    expect(throttles).toEqual([...throttles].sort((a, b) => a - b));
    expect(throttles.every((percent) => percent >= 0 && percent <= 100)).toBe(true);
    expect(await shares(lite, "slow", 32)).toEqual({ s1: 16, s2: 16 });
    // Once at the return and once, as HAProxy, when the ramp has ended.
    const ups = lite.logs.messages().filter((message) => message.startsWith("Server slow/s1 is UP"));
    expect(ups).toHaveLength(2);
  });

  async function shares(balancer: Balancer, listen: string, count: number): Promise<Record<string, number>> {
    const seen: Record<string, number> = {};
    for (let i = 0; i < count; i++) {
      const client = balancer.client(listen);
      const name = (await client.receive(";")).slice(0, 2);
      seen[name] = (seen[name] ?? 0) + 1;
      client.fin();
      await client.ended;
    }
    return seen;
  }
});

describe("observe = layer4", () => {
  test("so many failed connections in a row, and no fewer, take a server down although its checks pass", async () => {
    const health = await serve({ kind: "silent" });
    const other = await serve({ kind: "echo" });
    const listens = [
      {
        name: "watched",
        // Nobody else takes over, so each connection is one failure.
        redispatch: false,
        retries: 0,
        balance: "first",
        timeout,
        servers: [
          {
            address: `127.0.0.1:${freePort()}`,
            ...checkedAt(
              health,
              'observe = "layer4"\nerror_limit = 4\non_error = "mark-down"',
              "observe layer4 error-limit 4 on-error mark-down",
            ),
            checkMs: 20_000,
          },
          { address: other.address },
        ],
      },
    ];
    for (const balancer of await startBoth(listens)) {
      // A passed check begins the count anew: after the first one there is none for long.
      await until("the first check", () => health.accepted > 0);
      for (let i = 0; i < 4; i++) {
        expect(balancer.logs.messages().filter((message) => message.includes("DOWN"))).toEqual([]);
        expect((await play(balancer, "watched")).line).toMatchObject({ code: "SC", server: "s1" });
      }
      expect(await balancer.logs.message(/^Server watched\/s1 is DOWN/)).toStartWith(
        'Server watched/s1 is DOWN, reason: Health analyze, info: "Detected 4 consecutive errors, last one was: L4 unsuccessful connection". 1 active and 0 backup servers left.',
      );
      const { line } = await play(balancer, "watched", async (client) => {
        await client.send("x");
        await client.receive(1);
        client.fin();
      });
      // The next passed check brings it back, and then it is the first again.
      if (line.server === "s2") expect(line).toMatchObject({ code: "--", bytes: 1 });
    }
  });

  test("a success in between begins the count anew, and counting goes on over all threads", async () => {
    const health = await serve({ kind: "silent" });
    const port = freePort();
    const lite = await startLite(
      [
        {
          name: "watched",
          retries: 0,
          redispatch: false,
          timeout,
          servers: [
            {
              address: `127.0.0.1:${port}`,
              ...checkedAt(health, 'observe = "layer4"\nerror_limit = 5\non_error = "mark-down"', ""),
              checkMs: 20_000,
            },
          ],
        },
      ],
      { threads: 4 },
    );
    const fail = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) await play(lite, "watched");
    };
    // A passed check begins the count anew as well: after the first one there is none for long.
    await until(
      "the first check",
      async () => (await lite.listen("watched")).servers[0]?.check?.last?.status === "L4OK",
    );
    await fail(4);
    const server = await serve({ kind: "echo" }, { port });
    await play(lite, "watched", (client) => client.fin());
    await server.stop();
    await fail(4);
    expect((await lite.listen("watched")).servers[0]?.check?.observed).toBe(0);
    await fail(1);
    await lite.logs.message(/^Server watched\/s1 is DOWN, reason: Health analyze/);
    expect((await lite.listen("watched")).servers[0]?.check?.observed).toBe(1);
  });
});
