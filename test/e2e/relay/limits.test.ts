import { describe, expect, test } from "bun:test";
import { client, type TestClient } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { until } from "../../support/until.ts";
import { type LiteBalancer, startLite } from "./support/balancer.ts";
import { cpuMs, openFiles } from "./support/memory.ts";
import { turnstile } from "./support/turnstile.ts";

const timeout = { client: 30_000, server: 30_000, queue: 30_000 };
const greeting = await serve({ kind: "banner", text: "hello" });
const servers = [{ address: greeting.address }];

const greeted = (clients: readonly TestClient[]): TestClient[] => clients.filter((each) => each.received().length > 0);

/** Opens `count` connections and says when `expected` of them, and no more, have been let in. */
async function crowd(open: (i: number) => TestClient, count: number, expected: number): Promise<TestClient[]> {
  const clients = Array.from({ length: count }, (_, i) => open(i));
  // The kernel takes all of them, whatever we do.
  await Promise.all(clients.map((each) => each.connected));
  await until(`${expected} to be let in`, () => greeted(clients).length >= expected);
  return clients;
}

/** Lets those inside leave one by one; each makes room for one who waits, until all have been inside. */
async function leaveOneByOne(clients: readonly TestClient[], limit: number): Promise<void> {
  const left = new Set<TestClient>();
  while (left.size < clients.length) {
    const inside = greeted(clients).filter((each) => !left.has(each));
    expect(inside.length).toBeLessThanOrEqual(limit);
    const [next] = inside;
    if (next !== undefined) {
      next.fin();
      expect(await next.ended).toBe("fin");
      left.add(next);
    } else await until("the next to be let in", () => greeted(clients).length > left.size);
  }
}

/** CPU time of the proxy process over a while in which nothing happens. */
async function idleCpuMs(lite: LiteBalancer, whileMs: number): Promise<number> {
  const pid = await lite.proxyPid();
  const before = cpuMs(pid);
  await Bun.sleep(whileMs);
  return cpuMs(pid) - before;
}

/** Open descriptors once the connection that asked for the pid has gone. */
async function steadyFiles(pid: number): Promise<number> {
  let files = openFiles(pid);
  for (let look = 0; look < 5; look++) {
    await Bun.sleep(20);
    files = Math.min(files, openFiles(pid));
  }
  return files;
}

describe("maxconn of a listen", () => {
  for (const threads of [1, 4]) {
    test(`${threads} threads: never exceeded, nobody refused, and no CPU time spent on those who wait`, async () => {
      const lite = await startLite([{ name: "l", maxconn: 5, timeout, servers }], { threads });
      const files = await steadyFiles(await lite.proxyPid());
      const clients = await crowd(() => lite.client("l"), 60, 5);
      // Nobody is taken out of the kernel's queue for whom there is no place; the listening sockets are at rest.
      if (threads === 1) {
        const pid = await lite.proxyPid();
        await until("only those inside to cost descriptors", () => openFiles(pid) < files + 2 * 5);
      }
      expect(await idleCpuMs(lite, 1000)).toBeLessThan(100);
      const { sessions, status } = await lite.listen("l");
      expect({ status, ...sessions }).toMatchObject({ status: "FULL", current: 5, max: 5, limit: 5 });
      expect(greeted(clients)).toHaveLength(5);
      await leaveOneByOne(clients, 5);
      await lite.quiet();
      expect((await lite.listen("l")).sessions).toMatchObject({ max: 5, total: 60 });
      await lite.logs.message(/^Proxy l has reached its maxconn 5: /);
    });
  }

  test("does not hold up another listen", async () => {
    const lite = await startLite([
      { name: "full", maxconn: 1, timeout, servers },
      { name: "free", timeout, servers },
    ]);
    await crowd(() => lite.client("full"), 3, 1);
    await crowd(() => lite.client("free"), 3, 3);
  });
});

describe("maxconn of the process", () => {
  test("is shared by all listens and threads", async () => {
    const lite = await startLite(
      [
        { name: "a", timeout, servers },
        { name: "b", timeout, servers },
      ],
      { threads: 3, global: "maxconn = 6" },
    );
    const clients = await crowd((i) => lite.client(i % 2 === 0 ? "a" : "b"), 40, 6);
    expect(await idleCpuMs(lite, 500)).toBeLessThan(80);
    const { process, listens } = await lite.snapshot();
    expect(process.connections).toMatchObject({ current: 6, max: 6, limit: 6 });
    expect(listens.reduce((sum, { sessions }) => sum + sessions.current, 0)).toBe(6);
    await leaveOneByOne(clients, 6);
    await lite.quiet();
    expect((await lite.snapshot()).process.connections).toMatchObject({ max: 6, total: 40 });
  });

  test("is lowered to what the file limit allows, and then nothing spins and nobody is lost", async () => {
    const inside = ["sh", "-c", 'ulimit -n 200; exec "$@"', "sh"];
    const lite = await startLite([{ name: "l", timeout, servers }], { threads: 2, inside });
    const { limit } = (await lite.snapshot()).process.connections;
    expect(limit).toBeLessThan(36);
    const clients = await crowd(() => lite.client("l"), 100, limit);
    expect(await idleCpuMs(lite, 1000)).toBeLessThan(100);
    expect(openFiles(await lite.proxyPid())).toBeLessThan(200);
    await leaveOneByOne(clients, limit);
    await lite.quiet();
    expect(lite.proxy.output()).toContain(`maxconn lowered from 4096 to ${limit}`);
  });
});

describe("pausing and going on", () => {
  for (const threads of [1, 2, 4]) {
    test(`${threads} threads: 200 clients through 3 places, again and again, are all served`, async () => {
      const door = await turnstile(1);
      const lite = await startLite([{ name: "h", maxconn: 3, timeout, servers: [{ address: door.server.address }] }], {
        threads,
      });
      const visit = async (i: number): Promise<void> => {
        const visitor = lite.client("h");
        await visitor.send(`${i}`);
        expect(await visitor.receive("done", 20_000)).toBe("done");
        visitor.fin();
      };
      for (let round = 0; round < 3; round++) {
        await Promise.all(Array.from({ length: 200 }, (_, i) => visit(i)));
        await lite.quiet();
      }
      expect(door.order).toHaveLength(600);
      expect(door.most).toBeLessThanOrEqual(3);
      expect((await lite.listen("h")).sessions).toMatchObject({ max: 3, total: 600 });
    });
  }

  test("clients that leave while they wait outside do no harm", async () => {
    const lite = await startLite([{ name: "l", maxconn: 2, timeout, servers }], { threads: 4 });
    for (let round = 0; round < 3; round++) {
      const clients = await crowd(() => lite.client("l"), 40, 2);
      const inside = new Set(greeted(clients));
      for (const [i, outside] of clients.filter((each) => !inside.has(each)).entries()) {
        if (i % 3 === 0) outside.rst();
        else if (i % 3 === 1) outside.socket.destroy();
      }
      await leaveOneByOne(
        clients.filter((each) => !each.socket.destroyed),
        2,
      );
      await lite.quiet();
    }
  });

  test("graceful stop sends those who wait away, and lets those inside finish", async () => {
    const lite = await startLite([{ name: "l", maxconn: 2, timeout, servers }], { threads: 2 });
    const clients = await crowd(() => lite.client("l"), 6, 2);
    const inside = greeted(clients);
    const stopped = lite.proxy.stop();
    const outside = clients.filter((each) => !inside.includes(each));
    await Promise.all(outside.map((each) => each.ended));
    for (const each of inside) {
      await each.send(" world");
      expect(await each.receive("hello world")).toBe("hello world");
      each.fin();
    }
    expect(await stopped).toMatchObject({ code: 0 });
    expect(await client(lite.bind("l")).ended).toBe("ECONNREFUSED");
  });
});
