import { describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../../support/echo.ts";
import { freePort } from "../../support/ports.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { startLite } from "./support/balancer.ts";
import { memoryMib } from "./support/memory.ts";
import { dial, digest, listenPeers, type Peer } from "./support/peer.ts";
import { pieces, randomBytes, seeded } from "./support/random.ts";

const MIB = 1 << 20;
const timeout = { client: 20_000, server: 20_000 };

const dir = tmpDir();
chmodSync(dir, 0o755); // started by root, the proxy process is somebody else
const plain = listenPeers();
const v6 = listenPeers({ host: "::1" });
const local = listenPeers({ path: join(dir, "server") });
const polite = await serve({ kind: "echo" });
const lite = await startLite(
  [
    { name: "polite", timeout, servers: [{ address: polite.address }] },
    { name: "plain", timeout, servers: [{ address: plain.address }] },
    { name: "v6", timeout, servers: [{ address: v6.address }] },
    { name: "local", timeout, servers: [{ address: local.address }] },
  ],
  { threads: 2, binds: { v6: `[::1]:${freePort()}`, local: `unix:${join(dir, "listen")}` } },
);

/** A connected client and the server's end of it. */
async function pair(listen = "plain", there = plain): Promise<[Peer, Peer]> {
  const client = await dial(lite.bind(listen));
  return [client, await there.next()];
}

async function say(peer: Peer, data: readonly Uint8Array[]): Promise<void> {
  await peer.send(...data);
  peer.fin();
}

describe("every byte arrives, in order, both ways", () => {
  for (const [listen, there] of [
    ["plain", plain],
    ["v6", v6],
    ["local", local],
  ] as const) {
    test(`${listen}: megabytes at once in pieces of every size`, async () => {
      const random = seeded(listen.length);
      const [up, down] = [randomBytes(16 * MIB, random), randomBytes(16 * MIB, random)];
      const [client, server] = await pair(listen, there);
      await Promise.all([say(client, pieces(up, random)), say(server, pieces(down, random))]);
      expect(await server.all()).toEqual(digest(up));
      expect(await client.all()).toEqual(digest(down));
      const [line] = await lite.logs.ended(listen);
      expect(line).toMatchObject({ code: "--", bytes: 16 * MIB });
      if (listen === "local") expect(line).toMatchObject({ client: "unix", clientPort: 1 });
      if (listen === "v6") expect(line).toMatchObject({ client: "::1" });
      const { bytesIn, bytesOut } = await lite.listen(listen);
      expect([bytesIn, bytesOut]).toEqual([16 * MIB, 16 * MIB]);
    });
  }

  test("both sides talk, fall silent and hang up at any moment", async () => {
    const seed = Math.floor(Math.random() * 1e9);
    const random = seeded(seed);
    /** Says `data` in pieces with two pauses, FIN at the end. */
    const talk = async (peer: Peer, data: Buffer): Promise<void> => {
      const parts = pieces(data, random);
      const middle = Math.floor(random() * parts.length);
      await Bun.sleep(random() * 60);
      await peer.send(...parts.slice(0, middle));
      await Bun.sleep(random() * 60);
      await say(peer, parts.slice(middle));
    };
    const some = (): Buffer => randomBytes(Math.floor(2 ** (random() * 20)), random);
    const conversations = Array.from({ length: 100 }, async (_, i) => {
      const client = await dial(lite.bind("plain"));
      const [up, down] = [some(), some()];
      const name = `${i}`.padStart(8);
      await client.send(name);
      const server = await until(`the server's end of ${i}`, () => servers.get(name));
      await Promise.all([talk(client, up), talk(server, down)]);
      const seen = { client: await client.all(), server: await server.all() };
      expect({ seed, i, ...seen }).toEqual({ seed, i, client: digest(down), server: digest(name, up) });
    });
    const servers = new Map<string, Peer>();
    for (const _ of conversations) {
      const server = await plain.next();
      await until("its name", () => server.head.length >= 8, { everyMs: 1 });
      servers.set(server.head.toString().slice(0, 8), server);
    }
    await Promise.all(conversations);
    await lite.quiet();
  });
});

describe("back-pressure", () => {
  for (const [what, listen] of [
    ["a server that does not read", "to_server"],
    ["a client that does not read", "to_client"],
  ] as const) {
    test(`${what} stalls 200 MB elsewhere than in our memory, and loses none of it`, async () => {
      const there = listenPeers({ paused: true });
      const own = await startLite([{ name: listen, timeout, servers: [{ address: there.address }] }]);
      const pid = await own.proxyPid();
      const client = await dial(own.bind(listen));
      client.pause();
      const server = await there.next();
      const [from, to] = listen === "to_server" ? [client, server] : [server, client];
      const beforeMib = memoryMib(pid).now;
      const piece = randomBytes(4 * MIB, seeded(1));
      const fifty = Array.from({ length: 50 }, () => piece);
      const pouring = say(from, fifty);
      // It has stalled when nothing more moves between two looks.
      let moved = -1;
      await until(
        "the transfer to stall",
        async () => {
          const { bytesIn, bytesOut } = await own.listen(listen);
          const before = moved;
          moved = bytesIn + bytesOut;
          return moved > MIB && moved === before;
        },
        { everyMs: 200 },
      );
      expect(moved).toBeLessThan(50 * MIB);
      expect(memoryMib(pid).highest - beforeMib).toBeLessThan(24);
      to.resume();
      to.fin();
      await pouring;
      expect(await to.all()).toEqual(digest(...fifty));
      expect(memoryMib(pid).highest - beforeMib).toBeLessThan(48);
      from.resume();
      await own.quiet();
    });
  }
});

describe("half-close", () => {
  test("the client's FIN is passed on, and a server that answers long after it is heard", async () => {
    const [client, server] = await pair();
    await client.send("question");
    client.fin();
    expect(await server.all()).toEqual(digest("question"));
    await Bun.sleep(1000);
    await server.send("answer");
    server.fin();
    expect(await client.all()).toEqual(digest("answer"));
  });

  test("the server's FIN is passed on, and a client that goes on talking long after it is heard", async () => {
    const [client, server] = await pair();
    await server.send("all I had to say");
    server.fin();
    expect(await client.all()).toEqual(digest("all I had to say"));
    await Bun.sleep(300);
    await client.send("but");
    await Bun.sleep(300);
    await client.send(" I have more");
    client.fin();
    expect(await server.all()).toEqual(digest("but I have more"));
    await lite.quiet();
  });

  test("both FINs at once", async () => {
    const [client, server] = await pair();
    await Promise.all([client.send("up"), server.send("down")]);
    client.fin();
    server.fin();
    expect(await client.all()).toEqual(digest("down"));
    expect(await server.all()).toEqual(digest("up"));
    await lite.quiet();
  });

  test("data and FIN sent before the server is reached are not lost", async () => {
    const client = await dial(lite.bind("plain"));
    await client.send("in one go");
    client.fin();
    const server = await plain.next();
    expect(await server.all()).toEqual(digest("in one go"));
    await server.send("heard");
    server.fin();
    expect(await client.all()).toEqual(digest("heard"));
    await lite.quiet();
  });

  test("a banner comes before the client has said a word", async () => {
    const [client, server] = await pair();
    await server.send("220 ready\r\n");
    await client.hears("220 ready\r\n");
    await client.send("QUIT\r\n");
    await server.hears("QUIT\r\n");
    server.close();
    expect(await client.ended).toBe("fin");
    client.close();
    await lite.quiet();
  });

  test("a client that has sent nothing but its FIN still gets the banner", async () => {
    const [client, server] = await pair();
    client.fin();
    expect(await server.all()).toEqual(digest());
    await server.send("nobody asked");
    server.fin();
    expect(await client.all()).toEqual(digest("nobody asked"));
    await lite.quiet();
  });

  test("a server that says goodbye and closes is heard, and its client's late words hurt nobody", async () => {
    const [client, server] = await pair();
    await server.send("goodbye");
    server.close();
    expect(await client.all()).toEqual(digest("goodbye"));
    await client.send("wait");
    client.fin();
    await lite.quiet();
  });

  test("clients that connect and close at once leave nothing behind", async () => {
    for (let i = 0; i < 30; i++) (await dial(lite.bind("polite"))).close();
    await until("all of them to be counted", async () => (await lite.listen("polite")).sessions.total === 30);
    await lite.quiet();
    expect(lite.logs.sessions("polite").every(({ bytes }) => bytes === 0)).toBe(true);
  });
});

describe("a reset is a reset for the other side", () => {
  test("by the client", async () => {
    const [client, server] = await pair();
    await client.send("hello");
    await server.hears("hello");
    client.rst();
    expect(await server.ended).toBe("ECONNRESET");
    await lite.quiet();
  });

  test("by the server", async () => {
    const [client, server] = await pair();
    await client.send("hello");
    await server.hears("hello");
    server.rst();
    expect(await client.ended).toBe("ECONNRESET");
    await lite.quiet();
  });

  test("by the client, with megabytes on their way to a server that does not read", async () => {
    const [client, server] = await pair();
    server.pause();
    const sending = client.send(Buffer.alloc(30 * MIB)).catch(() => "cut short");
    await until("the transfer to stall", async () => (await lite.listen("plain")).bytesIn > 2 * MIB);
    client.rst();
    expect(await sending).toBe("cut short");
    expect(await server.ended).toBe("ECONNRESET");
    await lite.quiet();
  });

  test("by the server, with megabytes on their way to a client that does not read", async () => {
    const [client, server] = await pair();
    client.pause();
    const before = (await lite.listen("plain")).bytesOut;
    const sending = server.send(Buffer.alloc(30 * MIB)).catch(() => "cut short");
    await until("the transfer to stall", async () => (await lite.listen("plain")).bytesOut > before + 2 * MIB);
    server.rst();
    expect(await sending).toBe("cut short");
    expect(await client.ended).toBe("ECONNRESET");
    await lite.quiet();
  });

  test("after a half-close, by the server", async () => {
    const [client, server] = await pair();
    await client.send("question");
    client.fin();
    expect(await server.all()).toEqual(digest("question"));
    server.rst();
    expect(await client.ended).toBe("ECONNRESET");
    await lite.quiet();
  });

  test("after a half-close, by the client", async () => {
    const [client, server] = await pair();
    await server.send("answer");
    server.fin();
    expect(await client.all()).toEqual(digest("answer"));
    client.rst();
    expect(await server.ended).toBe("ECONNRESET");
    await lite.quiet();
  });
});
