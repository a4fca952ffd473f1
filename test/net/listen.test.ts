import { describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Endpoint } from "../../src/core/endpoint.ts";
import { startConnect } from "../../src/net/connect.ts";
import { libc, SOCK_DGRAM } from "../../src/net/libc.ts";
import { bindListeners, boundEndpoint, closeListeners } from "../../src/net/listen.ts";
import { encodeSockaddr } from "../../src/net/sockaddr.ts";
import { acceptStreams } from "../../src/net/stream.ts";
import { atEnd } from "../support/cleanup.ts";
import { freePort } from "../support/ports.ts";
import { tmpDir } from "../support/tmp.ts";
import { until } from "../support/until.ts";
import { startInstance } from "./instances.ts";
import { closeAtEnd, EAGAIN, foreignListener, foreignSocket, isConnected, openFds } from "./sockets.ts";

const tcp = (port: number, host = "127.0.0.1"): Endpoint => ({ kind: "tcp", host, port });
const unix = (path: string): Endpoint => ({ kind: "unix", path });

/** Binds, and gives back when the test ends. */
function bind(endpoint: Endpoint, sockets = 1, backlog = 16, mode?: number): number[] {
  const fds = bindListeners(endpoint, { sockets, backlog, ...(mode === undefined ? {} : { mode }) });
  atEnd(() => closeListeners(fds));
  return fds;
}

/** The errno name that binding fails with; "bound" when it does not fail. */
function refusal(endpoint: Endpoint, sockets = 1): string {
  try {
    closeListeners(bindListeners(endpoint, { sockets, backlog: 16 }));
    return "bound";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function connect(endpoint: Endpoint): number {
  const address = encodeSockaddr(endpoint);
  const fd = startConnect(address, address.length);
  if (fd >= 0) closeAtEnd(fd);
  return fd;
}

describe("a TCP listener", () => {
  test.each([1, 3])("of %i sockets is bound where it was told to", (sockets) => {
    const port = freePort();
    const fds = bind(tcp(port), sockets);
    expect(fds.map(boundEndpoint)).toEqual(new Array(sockets).fill(tcp(port)));
  });

  test.each([1, 3])("of %i sockets is refused while another program listens there", (sockets) => {
    const port = freePort();
    foreignListener(tcp(port));
    expect(refusal(tcp(port), sockets)).toBe("EADDRINUSE");
  });

  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["0.0.0.0", "127.0.0.1"],
    ["127.0.0.1", "0.0.0.0"],
    ["::1", "::1"],
    ["::", "::1"],
  ])("is refused on %s next to a program that shares %s with SO_REUSEPORT", (ours, theirs) => {
    const port = freePort();
    foreignListener(tcp(port, theirs), 10, { reusePort: true });
    expect(refusal(tcp(port, ours), 2)).toBe("EADDRINUSE");
    expect(refusal(tcp(port, ours), 1)).toBe("EADDRINUSE");
  });

  test("shares a port with another address of it, and IPv6 with IPv4", () => {
    const port = freePort();
    bind(tcp(port, "127.0.0.1"), 2);
    bind(tcp(port, "127.0.0.2"), 2);
    bind(tcp(port, "::"), 2);
    expect(refusal(tcp(port, "127.0.0.2"), 2)).toBe("EADDRINUSE");
  });

  test("leaves no descriptor behind when it is refused or given back", () => {
    const [taken, free] = [freePort(), freePort()];
    foreignListener(tcp(taken), 10, { reusePort: true });
    const before = openFds();
    for (let i = 0; i < 5; i++) expect(refusal(tcp(taken), 4)).toBe("EADDRINUSE");
    expect(openFds()).toBe(before);
    expect(refusal(tcp(free), 4)).toBe("bound");
    expect(openFds()).toBe(before);
  });

  test("can be bound again once it was given back", () => {
    const port = freePort();
    closeListeners(bindListeners(tcp(port), { sockets: 2, backlog: 16 }));
    expect(refusal(tcp(port), 2)).toBe("bound");
  });

  test("may be given back twice without harm to whoever got its descriptors since", () => {
    const port = freePort();
    const fds = bindListeners(tcp(port), { sockets: 2, backlog: 16 });
    closeListeners(fds);
    const heirs = bind(tcp(port), 2);
    closeListeners(fds);
    expect(heirs.map(boundEndpoint)).toEqual([tcp(port), tcp(port)]);
  });

  test.each(["192.0.2.123", "2001:db8::123"])(
    "is bound to %s although this host does not have that address",
    (host) => {
      const port = freePort();
      expect(bind(tcp(port, host), 2).map(boundEndpoint)).toEqual([tcp(port, host), tcp(port, host)]);
    },
  );

  test("lets as many clients wait as its backlog says", async () => {
    const port = freePort();
    bind(tcp(port), 1, 2);
    // The kernel completes one handshake more than the backlog says; later ones get no answer.
    const clients = Array.from({ length: 6 }, () => connect(tcp(port)));
    await until("three clients in the queue", () => clients.filter(isConnected).length === 3);
    expect(clients.filter(isConnected)).toHaveLength(3);
  });

  test("of four sockets gets real clients evenly on all of them", async () => {
    const port = freePort();
    const counts = [0, 0, 0, 0];
    for (const [index, fd] of bind(tcp(port), 4, 1024).entries()) {
      const open = (socket: { end(): void }): void => {
        counts[index] = (counts[index] as number) + 1;
        socket.end();
      };
      const acceptor = acceptStreams(fd, 1024, undefined, { open, data() {} });
      atEnd(() => acceptor.stop());
    }
    const total = 800;
    for (let i = 0; i < total; i++) {
      connect(tcp(port));
      if (i % 100 === 99)
        await until("all clients accepted", () => counts.reduce((sum, count) => sum + count, 0) === i + 1);
    }
    const fiveSigma = 5 * Math.sqrt(total * 0.25 * 0.75);
    for (const count of counts) expect(Math.abs(count - total / 4)).toBeLessThan(fiveSigma);
  });
});

describe("a second instance of ours", () => {
  test("is refused, and takes over once the first was killed", async () => {
    const first = await startInstance();
    const second = await startInstance();
    const order = { kind: "bind", endpoint: tcp(freePort()), sockets: 2, atWallMs: 0 } as const;
    expect(await first.ask(order)).toBe("bound");
    expect(await second.ask(order)).toBe("EADDRINUSE");
    expect(refusal(order.endpoint, 2)).toBe("EADDRINUSE");
    await first.kill();
    expect(await second.ask(order)).toBe("bound");
  });

  const overlaps: [string, (port: number) => [Endpoint, Endpoint]][] = [
    ["one TCP address", (port) => [tcp(port), tcp(port)]],
    ["one IPv6 address in two spellings", (port) => [tcp(port, "::1"), tcp(port, "0:0:0:0:0:0:0:1")]],
    ["every address and one of them", (port) => [tcp(port, "0.0.0.0"), tcp(port, "127.0.0.1")]],
    ["one abstract name", (port) => [unix(`@haproxy-lite-test/${port}`), unix(`@haproxy-lite-test/${port}`)]],
  ];
  test.each(overlaps)("that starts in the same instant on %s: exactly one of the two gets it", async (_, endpoints) => {
    expect(await race(150, () => endpoints(freePort()))).toEqual({ one: 150 });
  });

  test("that starts in the same instant on one unix path, stale file or none: exactly one of the two gets it", async () => {
    const dir = tmpDir();
    let round = 0;
    const outcome = await race(200, () => {
      const path = join(dir, `${round++}.sock`);
      if (round % 2 === 0) libc.close(bindListeners(unix(path), { sockets: 1, backlog: 1 })[0] as number);
      return [unix(path), unix(path)];
    });
    expect(outcome).toEqual({ one: 200 });
  });
});

/** Two processes bind at the same moment, again and again: how often one, both or none of them got it. */
async function race(rounds: number, endpoints: () => [Endpoint, Endpoint]): Promise<Record<string, number>> {
  const instances = await Promise.all([startInstance(), startInstance()]);
  const outcome: Record<string, number> = {};
  for (let round = 0; round < rounds; round++) {
    const pair = endpoints();
    const atWallMs = performance.timeOrigin + performance.now() + 2;
    const answers = await Promise.all(
      instances.map((instance, i) =>
        instance.ask({ kind: "bind", endpoint: pair[i] as Endpoint, sockets: 2, atWallMs }),
      ),
    );
    const won = answers.filter((answer) => answer === "bound").length;
    const lost = answers.filter((answer) => answer === "EADDRINUSE").length;
    const result = won + lost !== 2 ? answers.join() : won === 1 ? "one" : won === 2 ? "both" : "none";
    outcome[result] = (outcome[result] ?? 0) + 1;
    await Promise.all(instances.map((instance) => instance.ask({ kind: "release" })));
  }
  return outcome;
}

describe("a unix listener", () => {
  test("gets exactly the mode that was asked for, and 0600 when none was", () => {
    const dir = tmpDir();
    for (const [name, mode] of [
      ["a", 0o660],
      ["b", 0o666],
      ["c", undefined],
    ] as const) {
      bind(unix(join(dir, name)), 1, 16, mode);
      expect(statSync(join(dir, name)).mode & 0o777).toBe(mode ?? 0o600);
    }
  });

  test("leaves the umask of the process as it was", () => {
    const before = process.umask(0o027);
    atEnd(() => void process.umask(before));
    bind(unix(join(tmpDir(), "a")), 1);
    expect(process.umask()).toBe(0o027);
    refusal(unix("/nonexistent-directory/a"));
    expect(process.umask()).toBe(0o027);
  });

  test("replaces the file that a crash left", () => {
    const path = join(tmpDir(), "stale.sock");
    libc.close(bindListeners(unix(path), { sockets: 1, backlog: 1 })[0] as number);
    expect(existsSync(path)).toBeTrue();
    bind(unix(path));
    expect(isConnected(connect(unix(path)))).toBeTrue();
  });

  test("is refused while somebody listens there, and the other goes on listening", () => {
    const path = join(tmpDir(), "live.sock");
    foreignListener(unix(path), 0);
    expect(refusal(unix(path))).toBe("EADDRINUSE");
    connect(unix(path));
    expect(connect(unix(path))).toBe(-EAGAIN); // its queue is full now, which is a sign of life
    expect(refusal(unix(path))).toBe("EADDRINUSE");
    expect(existsSync(path)).toBeTrue();
  });

  test("is refused where a datagram socket sits", () => {
    const path = join(tmpDir(), "log");
    foreignSocket(SOCK_DGRAM, unix(path));
    expect(refusal(unix(path))).toBe("EADDRINUSE");
  });

  test("never removes a file that is not a socket", () => {
    const path = join(tmpDir(), "precious.txt");
    writeFileSync(path, "years of work");
    expect(refusal(unix(path))).toBe("EADDRINUSE");
    expect(readFileSync(path, "utf8")).toBe("years of work");
    const link = join(tmpDir(), "link");
    symlinkSync(path, link);
    expect(refusal(unix(link))).toBe("EADDRINUSE");
    expect(lstatSync(link).isSymbolicLink()).toBeTrue();
  });

  test("takes its file with it when it is given back", () => {
    const path = join(tmpDir(), "a.sock");
    closeListeners(bindListeners(unix(path), { sockets: 1, backlog: 4 }));
    expect(existsSync(path)).toBeFalse();
  });

  test("given back leaves the file alone that somebody else has put in its place", () => {
    const path = join(tmpDir(), "a.sock");
    const fds = bindListeners(unix(path), { sockets: 1, backlog: 4 });
    rmSync(path);
    foreignListener(unix(path));
    closeListeners(fds);
    expect(connect(unix(path))).toBeGreaterThan(0);
  });

  test("says that its directory does not exist", () => {
    expect(refusal(unix("/nonexistent-directory/a.sock"))).toBe("ENOENT");
  });

  test("with an abstract name has no file, and the name is taken while it lives", () => {
    const name = unix(`@haproxy-lite-test/abstract-${process.pid}`);
    const fds = bindListeners(name, { sockets: 1, backlog: 4 });
    expect(fds.map(boundEndpoint)).toEqual([name]);
    expect(refusal(name)).toBe("EADDRINUSE");
    closeListeners(fds);
    expect(refusal(name)).toBe("bound");
  });

  test("is one socket, however many were asked for", () => {
    expect(bind(unix(join(tmpDir(), "a")), 4)).toHaveLength(1);
  });
});
