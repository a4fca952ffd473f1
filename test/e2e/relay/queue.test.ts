import { describe, expect, test } from "bun:test";
import type { TestClient } from "../../support/client.ts";
import { refusingAddress, serve } from "../../support/echo.ts";
import { until } from "../../support/until.ts";
import { type LiteBalancer, startBoth, startLite } from "./support/balancer.ts";
import type { ListenSpec } from "./support/listens.ts";
import { turnstile } from "./support/turnstile.ts";

const timeout = { client: 20_000, server: 20_000, queue: 20_000 };

/** Sends its name, and closes when it has been served. */
async function visit(client: TestClient, name: string): Promise<void> {
  await client.send(name);
  expect(await client.receive("done", 20_000)).toBe("done");
  expect(await client.ended).toBe("fin");
  client.fin();
}

describe("the queue's order", () => {
  for (const [threads, balance] of [
    [1, "roundrobin"],
    [2, "roundrobin"],
    [4, "leastconn"],
    [4, "source"],
  ] as const) {
    test(`${threads} threads, ${balance}: whoever waits longest is served first`, async () => {
      const door = await turnstile(null);
      const lite = await startLite(
        [{ name: "q", balance, timeout, servers: [{ address: door.server.address, maxconn: 1 }] }],
        {
          threads,
        },
      );
      const names = Array.from({ length: 30 }, (_, i) => `#${i} `);
      const visits: Promise<void>[] = [];
      for (const [i, name] of names.entries()) {
        visits.push(visit(lite.client("q"), name));
        // Close upon each other, for threads whose clocks differ by a few ms to be found out.
        await until(`${name}to stand in line`, async () => (await lite.listen("q")).queue.current === i, {
          everyMs: 0,
        });
      }
      for (const [i] of names.entries()) {
        await until("the next one", () => door.order.length === i + 1);
        door.releaseOne();
      }
      await Promise.all(visits);
      expect(door.order).toEqual(names);
      expect(door.most).toBe(1);
      await lite.quiet();
    });
  }
});

describe("the queue fields of the log", () => {
  test("are the place in the listen's line, or in the server's where the choice is bound, as HAProxy's", async () => {
    const door = await turnstile(null);
    const servers = [{ address: door.server.address, maxconn: 1 }];
    const listens: ListenSpec[] = [
      { name: "any", timeout, servers },
      { name: "bound", balance: "source", timeout, servers },
    ];
    for (const balancer of await startBoth(listens)) {
      for (const listen of ["any", "bound"]) {
        const visits: Promise<void>[] = [];
        for (let i = 0; i < 4; i++) {
          const client = balancer.client(listen);
          visits.push(visit(client, `${i}`));
          await client.connected;
          if (i === 0) await until("the slot to be taken", () => door.inside === 1);
          await Bun.sleep(30); // HAProxy cannot be asked cheaply
        }
        for (let i = 0; i < 4; i++) {
          await until("the next one", () => door.inside === 1);
          door.releaseOne();
        }
        await Promise.all(visits);
        const lines = await balancer.logs.ended(listen, 4);
        const places = lines.map((line) => (listen === "any" ? line.backendQueue : line.srvQueue));
        expect({ kind: balancer.kind, listen, places }).toEqual({ kind: balancer.kind, listen, places: [0, 1, 2, 3] });
        expect(lines.every((line) => (listen === "any" ? line.srvQueue : line.backendQueue) === 0)).toBe(true);
      }
    }
  });
});

/** Sends `count` clients at once, some of whom leave in the middle, and sees that all others are served. */
async function hammer(
  lite: LiteBalancer,
  listen: string,
  count: number,
  leavers: (i: number) => boolean,
): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const client = lite.client(listen);
      if (!leavers(i)) return visit(client, `${i}`);
      await client.connected;
      if (i % 2 === 0) await client.send(`${i}`);
      await Bun.sleep((i * 7) % 40);
      if (i % 3 === 0) client.fin();
      else client.rst();
    }),
  );
}

describe("nothing is lost", () => {
  for (const [threads, balance] of [
    [1, "roundrobin"],
    [2, "roundrobin"],
    [4, "leastconn"],
    [4, "random"],
    [4, "source"],
  ] as const) {
    test(`${threads} threads, ${balance}: 200 clients on 3 slots are all served, never more than 3 at once`, async () => {
      const door = await turnstile(1);
      const lite = await startLite(
        [{ name: "h", balance, timeout, servers: [{ address: door.server.address, maxconn: 3 }] }],
        {
          threads,
        },
      );
      for (let round = 0; round < 3; round++) {
        await hammer(lite, "h", 200, () => false);
        await lite.quiet();
      }
      expect(door.order).toHaveLength(600);
      expect(door.most).toBeLessThanOrEqual(3);
      const { servers, queue } = await lite.listen("h");
      expect(servers[0]?.sessions.max).toBe(3);
      expect(queue.max).toBeGreaterThan(100);
    });
  }

  for (const balance of ["roundrobin", "source"]) {
    test(`4 threads, ${balance}: the last in line, after whom nobody comes, are served as well`, async () => {
      const door = await turnstile(0);
      const listens = Array.from({ length: 24 }, (_, i) => ({
        name: `l${i}`,
        balance,
        timeout,
        servers: [{ address: door.server.address, maxconn: 1 }],
      }));
      const lite = await startLite(listens, { threads: 4 });
      // Three at a time: one is served, two wait, and a wake-up that is lost leaves one of them standing there.
      const rounds = async (listen: string): Promise<void> => {
        for (let round = 0; round < 25; round++) {
          await Promise.all([0, 1, 2].map((i) => visit(lite.client(listen), `${i}`)));
        }
      };
      await Promise.all(listens.map(({ name }) => rounds(name)));
      expect(door.order).toHaveLength(24 * 25 * 3);
      await lite.quiet();
    });
  }

  test("4 threads, two servers, clients that leave in every way: no slot and no place in line is lost", async () => {
    const doors = [await turnstile(1), await turnstile(2)];
    const servers = doors.map((door) => ({ address: door.server.address, maxconn: 2 }));
    const lite = await startLite(
      [
        { name: "any", timeout, servers },
        { name: "bound", balance: "source", timeout, servers },
      ],
      { threads: 4 },
    );
    for (let round = 0; round < 4; round++) {
      for (const listen of ["any", "bound"]) await hammer(lite, listen, 100, (i) => i % 3 !== 0);
      // Not one of them is left to its timeout of 20 s.
      await lite.quiet();
    }
    const listens = [await lite.listen("any"), await lite.listen("bound")];
    for (const { servers: used } of listens)
      for (const { sessions } of used) expect(sessions.max).toBeLessThanOrEqual(2);
  });

  test("a retry that waits for another server gets it, and does not hold up those who want the first", async () => {
    const door = await turnstile(null);
    const lite = await startLite([
      { name: "r", timeout, servers: [{ address: refusingAddress() }, { address: door.server.address, maxconn: 1 }] },
    ]);
    const visits: Promise<void>[] = [];
    for (let i = 0; i < 6; i++) {
      visits.push(visit(lite.client("r"), `${i}`));
      await until(
        "it to be inside or in line",
        async () => (await lite.listen("r")).queue.current + door.inside === i + 1,
      );
    }
    for (let i = 0; i < 6; i++) {
      await until("the next one", () => door.inside === 1);
      door.releaseOne();
    }
    await Promise.all(visits);
    expect(door.order).toEqual(["0", "1", "2", "3", "4", "5"]);
    const lines = await lite.logs.ended("r", 6);
    expect(lines.every(({ code, server }) => code === "--" && server === "s2")).toBe(true);
    await lite.quiet();
  });

  test("who waits for a server that goes down is given to another", async () => {
    const doors = [await turnstile(null), await turnstile(null)];
    const healths = [await serve({ kind: "silent" }), await serve({ kind: "silent" })];
    const servers = doors.map((door, i) => ({
      address: door.server.address,
      maxconn: 1,
      checkMs: 100,
      toml: `check_port = ${healths[i]?.port}`,
    }));
    const lite = await startLite([{ name: "d", balance: "source", timeout, servers }]);
    // The same client again and again goes to the same server: the second and third wait for it.
    const visits = [0, 1, 2].map((i) => visit(lite.client("d"), `${i}`));
    await until("two in line", async () => (await lite.listen("d")).queue.current === 2);
    const chosen = doors.findIndex((door) => door.inside === 1);
    const other = doors[1 - chosen];
    await healths[chosen]?.stop();
    for (let i = 1; i <= 2; i++) {
      await until("the other server to be asked", () => other?.order.length === i);
      other?.releaseOne();
    }
    doors[chosen]?.releaseOne();
    await Promise.all(visits);
    await lite.quiet();
  });

  test("who waits when the last server has gone is served when it returns", async () => {
    const health = await serve({ kind: "silent" });
    const door = await turnstile(null);
    const check = { checkMs: 100, toml: `check_port = ${health.port}` };
    const lite = await startLite(
      [{ name: "w", timeout, servers: [{ address: door.server.address, maxconn: 1, ...check }] }],
      { threads: 2 },
    );
    const visits = [visit(lite.client("w"), "0")];
    await until("the slot to be taken", () => door.inside === 1);
    visits.push(visit(lite.client("w"), "1"));
    await until("one in line", async () => (await lite.listen("w")).queue.current === 1);
    await health.stop();
    await until("the server to be down", async () => !(await lite.listen("w")).available);
    door.releaseOne();
    await until("the session to be over", async () => (await lite.listen("w")).servers[0]?.sessions.current === 0);
    expect(door.inside).toBe(0);
    await health.restart();
    await until("the one who waited", () => door.inside === 1);
    door.releaseOne();
    await Promise.all(visits);
    await lite.quiet();
  });
});
