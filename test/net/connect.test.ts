import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { join } from "node:path";
import type { Endpoint } from "../../src/core/endpoint.ts";
import { errnoName } from "../../src/core/errno.ts";
import { startConnect } from "../../src/net/connect.ts";
import { libc } from "../../src/net/libc.ts";
import { bindListeners } from "../../src/net/listen.ts";
import { encodeSockaddr } from "../../src/net/sockaddr.ts";
import { acceptStreams } from "../../src/net/stream.ts";
import { atEnd } from "../support/cleanup.ts";
import { canMakeNetns, link, makeNetns } from "../support/netns.ts";
import { freePort } from "../support/ports.ts";
import { runOk } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { closeAtEnd, EAGAIN, foreignListener, isConnected } from "./sockets.ts";
import { dial } from "./streams.ts";

const tcp = (host: string, port: number): Endpoint => ({ kind: "tcp", host, port });

function connectTo(endpoint: Endpoint, source: string | null = null): number {
  const address = encodeSockaddr(endpoint);
  return startConnect(address, address.length, source === null ? null : encodeSockaddr(tcp(source, 0)));
}

/** Listens, and collects who came. */
function greet(host: string): { port: number; peers: string[] } {
  const peers: string[] = [];
  const port = freePort();
  const acceptor = acceptStreams(foreignListener(tcp(host, port)), 10, undefined, {
    open: (socket) => void peers.push(socket.remoteAddress),
    data() {},
  });
  atEnd(() => acceptor.stop());
  return { port, peers };
}

describe("a connect", () => {
  test.each(["127.0.0.1", "::1"])("to %s is announced by the first drain", async (host) => {
    const { port, peers } = greet(host);
    const { socket, outcome } = dial(connectTo(tcp(host, port)));
    expect(await outcome).toBe("connected");
    expect(peers).toEqual([host]);
    socket?.end();
  });

  test("to a unix socket is announced by the first drain", async () => {
    const path = join(tmpDir(), "s");
    foreignListener({ kind: "unix", path });
    const { socket, outcome } = dial(connectTo({ kind: "unix", path }));
    expect(await outcome).toBe("connected");
    socket?.end();
  });

  test.each(["127.0.0.1", "::1"])("to a port of %s where nobody listens ends with ECONNREFUSED", async (host) => {
    expect(await dial(connectTo(tcp(host, freePort()))).outcome).toBe("ECONNREFUSED");
  });

  test.each([
    ["that does not exist", constants.errno.ENOENT, () => join(tmpDir(), "nobody")],
    ["that nobody serves any more", constants.errno.ECONNREFUSED, () => stalePath()],
    ["whose queue is full", EAGAIN, () => fullPath()],
  ])("to a unix socket %s fails at once with errno %i", (_, errno, path) => {
    expect(connectTo({ kind: "unix", path: path() })).toBe(-errno);
  });

  test("that nobody answers stays open until it is given up, and closes without an error then", async () => {
    const port = freePort();
    foreignListener(tcp("127.0.0.1", port), 0);
    // One client fills a queue of length 0; the kernel ignores the handshakes of all others.
    const first = connectTo(tcp("127.0.0.1", port));
    closeAtEnd(first);
    expect(isConnected(first)).toBeTrue();
    const { socket, outcome, settled } = dial(connectTo(tcp("127.0.0.1", port)));
    await Bun.sleep(150);
    expect(settled?.()).toBeNull();
    socket?.end();
    expect(await outcome).toBe("");
  });
});

describe("a source address", () => {
  test("is what the server sees", async () => {
    const { port, peers } = greet("0.0.0.0");
    for (const source of ["127.0.0.2", "127.0.0.3"]) {
      const { socket, outcome } = dial(connectTo(tcp("127.0.0.1", port), source));
      expect(await outcome).toBe("connected");
      socket?.end();
    }
    expect(peers).toEqual(["127.0.0.2", "127.0.0.3"]);
  });

  test("that this host does not have fails at once with EADDRNOTAVAIL", () => {
    expect(errnoName(-connectTo(tcp("127.0.0.1", 1), "192.0.2.77"))).toBe("EADDRNOTAVAIL");
  });

  test("of the other family fails at once", () => {
    expect(connectTo(tcp("127.0.0.1", 1), "::1")).toBeLessThan(0);
  });

  test("does not matter for a unix server", async () => {
    const path = join(tmpDir(), "s");
    foreignListener({ kind: "unix", path });
    const { socket, outcome } = dial(connectTo({ kind: "unix", path }, "127.0.0.2"));
    expect(await outcome).toBe("connected");
    socket?.end();
  });
});

describe.skipIf(!canMakeNetns())("in a network of its own", () => {
  const child = [process.execPath, new URL("./connectChild.ts", import.meta.url).pathname];
  const outcomes = async (ns: Awaited<ReturnType<typeof makeNetns>>, ...args: string[]): Promise<unknown> =>
    JSON.parse(await runOk(ns.inside([...child, ...args])));

  test("each way of not reaching a server has its own errno", async () => {
    const [here, there] = [await makeNetns(), await makeNetns()];
    await link({ ns: here, addresses: ["198.51.100.1/24"] }, { ns: there, addresses: ["198.51.100.2/24"] });
    await here.ip("route", "add", "unreachable", "203.0.113.0/26");
    await here.ip("route", "add", "prohibit", "203.0.113.64/26");
    // Nobody has 198.51.100.9: address resolution fails, after three tries of a second each unless told to hurry.
    const hurry =
      "echo 20 > /proc/sys/net/ipv4/neigh/eth0/retrans_time_ms; echo 1 > /proc/sys/net/ipv4/neigh/eth0/mcast_solicit";
    await runOk(here.inside(["sh", "-c", hurry]));
    expect(
      await outcomes(here, "dial", "192.0.2.1", "203.0.113.1", "203.0.113.65", "198.51.100.9", "198.51.100.2"),
    ).toEqual(["ENETUNREACH", "EHOSTUNREACH", "EACCES", "EHOSTUNREACH", "ECONNREFUSED"]);
  });

  test("one source address reaches every server from every local port, not each port once", async () => {
    const ns = await makeNetns();
    await runOk(ns.inside(["sh", "-c", "echo 40000 40003 > /proc/sys/net/ipv4/ip_local_port_range"]));
    expect(await outcomes(ns, "exhaust")).toEqual({
      ephemeralPorts: [40000, 40003],
      perServer: [4, 4, 4],
      afterwards: "EADDRNOTAVAIL",
    });
  });
});

function stalePath(): string {
  const path = join(tmpDir(), "stale");
  libc.close(bindListeners({ kind: "unix", path }, { sockets: 1, backlog: 1 })[0] as number);
  return path;
}

function fullPath(): string {
  const path = join(tmpDir(), "full");
  foreignListener({ kind: "unix", path }, 0);
  closeAtEnd(connectTo({ kind: "unix", path }));
  return path;
}
