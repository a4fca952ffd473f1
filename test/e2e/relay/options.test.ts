import { describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../../support/echo.ts";
import { freePort } from "../../support/ports.ts";
import { tmpDir } from "../../support/tmp.ts";
import { root } from "../../support/tools.ts";
import { until } from "../../support/until.ts";
import { startBoth, startHaproxy, startLite } from "./support/balancer.ts";
import type { ListenSpec } from "./support/listens.ts";
import { dial, listenPeers } from "./support/peer.ts";
import { play } from "./support/scenario.ts";
import { keepaliveOf } from "./support/sockopt.ts";

const timeout = { client: 20_000, server: 20_000 };

describe("source", () => {
  const peers: string[] = [];
  const seen = async (): Promise<string> => until("the server to be reached", () => peers.shift());

  test("the server sees the address we dial from, and several in turn, or one that a server has for itself", async () => {
    const server = await serve({
      kind: "custom",
      run(socket) {
        peers.push(socket.remoteAddress as string);
        socket.end();
      },
    });
    const lite = await startLite([
      { name: "one", timeout, toml: 'source = "127.0.0.2"', servers: [{ address: server.address }] },
      {
        name: "turns",
        timeout,
        toml: 'source = ["127.0.0.3", "127.0.0.4", "127.0.0.5"]',
        servers: [{ address: server.address }],
      },
      {
        name: "own",
        timeout,
        toml: 'source = "127.0.0.2"',
        servers: [{ address: server.address, source: "127.0.0.9" }],
      },
    ]);
    const ask = async (listen: string): Promise<string> => {
      const client = await dial(lite.bind(listen));
      const address = await seen();
      client.close();
      return address;
    };
    expect(await ask("one")).toBe("127.0.0.2");
    const turns = [await ask("turns"), await ask("turns"), await ask("turns"), await ask("turns")];
    expect(turns).toEqual(["127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.3"]);
    expect(await ask("own")).toBe("127.0.0.9");
  });

  test("an address that is not this host's is our own fault: said once, with a hint, and no other server is blamed", async () => {
    const server = await serve({ kind: "echo" });
    const lite = await startLite([
      {
        name: "alien",
        timeout,
        servers: [
          { address: server.address, source: "192.0.2.77" },
          { address: server.address, source: "192.0.2.78" },
        ],
      },
    ]);
    for (let i = 0; i < 3; i++) {
      const { line } = await play(lite, "alien");
      expect(line).toMatchObject({ code: "RC", tcMs: -1 });
    }
    expect(await lite.logs.message(/^Connect\(\) failed/)).toContain("EADDRNOTAVAIL");
    await lite.quiet();
  });
});

describe("keepalive", () => {
  test.skipIf(!root())("is set on both sides as configured, and left to the kernel where nothing is said", async () => {
    const server = await serve({ kind: "echo" });
    const servers = [{ address: server.address }];
    const lite = await startLite([
      {
        name: "tuned",
        timeout,
        toml: 'client_keepalive = { idle = "60s", interval = "7s", count = 4 }\nserver_keepalive = { idle = "90s", interval = "8s", count = 5 }',
        servers,
      },
      { name: "plain", timeout, toml: "client_keepalive = true\nserver_keepalive = true", servers },
      { name: "off", timeout, servers },
    ]);
    const pid = await lite.proxyPid();
    const both = async (listen: string) => {
      const client = await dial(lite.bind(listen));
      const before = server.open.length;
      await client.send("x");
      await client.hears("x");
      const toServer = server.open.at(-1);
      expect(server.open.length).toBeGreaterThanOrEqual(before);
      return {
        client: keepaliveOf(pid, Number(lite.bind(listen).split(":")[1]), client.localPort),
        server: keepaliveOf(pid, toServer?.remotePort as number, server.port),
      };
    };
    expect(await both("tuned")).toEqual({
      client: { idleS: 60, intervalS: 7, count: 4 },
      server: { idleS: 90, intervalS: 8, count: 5 },
    });
    const kernel = async (name: string): Promise<number> =>
      Number(await Bun.file(`/proc/sys/net/ipv4/tcp_keepalive_${name}`).text());
    const defaults = { idleS: await kernel("time"), intervalS: await kernel("intvl"), count: await kernel("probes") };
    expect(await both("plain")).toEqual({ client: defaults, server: defaults });
    expect(await both("off")).toEqual({ client: null, server: null });
  });
});

describe("send_proxy", () => {
  const dir = tmpDir();
  chmodSync(dir, 0o755); // started by root, the proxy process is somebody else
  const target = listenPeers();
  const listens: ListenSpec[] = (["v1", "v2"] as const).flatMap((version) =>
    ["v4", "v6", "unix"].map((family) => ({
      name: `${version}_${family}`,
      timeout,
      servers: [{ address: target.address, sendProxy: version }],
    })),
  );
  const binds = (kind: string) =>
    Object.fromEntries(
      listens.flatMap(({ name }) => {
        if (name.endsWith("v6")) return [[name, `[::1]:${freePort()}`]];
        return name.endsWith("unix") ? [[name, `unix:${join(dir, `${kind}-${name}`)}`]] : [];
      }),
    );

  const be16 = (port: number): string => port.toString(16).padStart(4, "0");
  const SIGNATURE = "0d0a0d0a000d0a515549540a";
  const LOOPBACK = { v4: "7f000001", v6: `${"00".repeat(15)}01` };

  /** The header for a client of the loopback, from the two specifications of the protocol. */
  function header(version: string, family: string, from: number, to: number): string {
    if (version === "v1") {
      if (family === "unix") return Buffer.from("PROXY UNKNOWN\r\n").toString("hex");
      const host = family === "v4" ? "TCP4 127.0.0.1 127.0.0.1" : "TCP6 ::1 ::1";
      return Buffer.from(`PROXY ${host} ${from} ${to}\r\n`).toString("hex");
    }
    const address = LOOPBACK[family as "v4" | "v6"];
    const [kind, length] = family === "v4" ? ["11", "000c"] : ["21", "0024"];
    return `${SIGNATURE}21${kind}${length}${address}${address}${be16(from)}${be16(to)}`;
  }

  test("is what HAProxy sends, byte for byte, before the client's first", async () => {
    const lite = await startLite(listens, { binds: binds("lite") });
    const haproxy = await startHaproxy(listens, { binds: binds("haproxy") });
    for (const balancer of haproxy === null ? [lite] : [lite, haproxy]) {
      for (const { name } of listens) {
        const [version = "", family = ""] = name.split("_");
        const client = await dial(balancer.bind(name));
        const server = await target.next();
        await client.send("first words");
        await until("them", () => server.head.includes("first words"));
        const bind = Number(balancer.bind(name).split(":").at(-1));
        const said = { kind: balancer.kind, name, head: server.head.subarray(0, -11).toString("hex") };
        if (name === "v2_unix") {
          // HAProxy says LOCAL (20). PROXY with an unspecified family (21) means the same, but a receiver may refuse it.
          expect(said.head).toBe(`${SIGNATURE}20000000`);
        } else {
          const head = header(version, family, client.localPort, bind);
          expect(said).toEqual({ kind: balancer.kind, name, head });
        }
        client.close();
        server.close();
      }
    }
  });

  test("comes although the client says nothing, and before data and FIN that came early", async () => {
    const lite = await startLite([{ name: "p", timeout, servers: [{ address: target.address, sendProxy: "v1" }] }]);
    const silent = await dial(lite.bind("p"));
    const server = await target.next();
    await server.hears("PROXY TCP4 127.0.0.1 ");
    silent.close();
    expect(await server.ended).toBe("fin");
    const hasty = await dial(lite.bind("p"));
    await hasty.send("bye");
    hasty.fin();
    const other = await target.next();
    expect(await other.ended).toBe("fin");
    expect(other.head.toString()).toMatch(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\nbye$/);
  });
});

describe("dontlognull", () => {
  test("hides connections on which nothing happened, and no banner, no failure and no data", async () => {
    const servers = [{ address: (await serve({ kind: "echo" })).address }];
    const banner = [{ address: (await serve({ kind: "banner", text: "220" })).address }];
    const lite = await startLite([
      { name: "echo", timeout, dontlognull: true, servers },
      { name: "banner", timeout, dontlognull: true, servers: banner },
      { name: "nobody", timeout, dontlognull: true, servers: [] },
    ]);
    const knock = async (listen: string): Promise<void> => {
      const client = await dial(lite.bind(listen));
      client.fin();
      await client.ended;
    };
    await knock("echo");
    await knock("banner");
    await knock("nobody");
    expect((await lite.logs.ended("banner"))[0]).toMatchObject({ bytes: 3, code: "--" });
    expect((await lite.logs.ended("nobody"))[0]).toMatchObject({ code: "SC" });
    expect(lite.logs.sessions("echo")).toEqual([]);
    expect((await lite.listen("echo")).sessions.total).toBe(1);
  });

  test("HAProxy hides the banner's connection too: there we differ", async () => {
    const servers = [{ address: (await serve({ kind: "banner", text: "220" })).address }];
    for (const balancer of await startBoth([{ name: "banner", timeout, dontlognull: true, servers }])) {
      const client = await dial(balancer.bind("banner"));
      await client.hears("220");
      client.fin();
      await client.ended;
      const talker = await dial(balancer.bind("banner"));
      await talker.send("x");
      talker.fin();
      const lines = await balancer.logs.ended("banner", balancer.kind === "HAProxy" ? 1 : 2);
      expect({ kind: balancer.kind, bytes: lines.map(({ bytes }) => bytes) }).toEqual({
        kind: balancer.kind,
        bytes: balancer.kind === "HAProxy" ? [4] : [3, 4],
      });
    }
  });
});
