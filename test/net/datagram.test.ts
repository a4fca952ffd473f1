import { describe, expect, test } from "bun:test";
import { unlinkSync } from "node:fs";
import { join } from "node:path";
import type { Endpoint } from "../../src/core/endpoint.ts";
import { errnoName } from "../../src/core/errno.ts";
import { DatagramSocket } from "../../src/net/datagram.ts";
import { libc, SOCK_DGRAM } from "../../src/net/libc.ts";
import { encodeSockaddr } from "../../src/net/sockaddr.ts";
import { atEnd } from "../support/cleanup.ts";
import { freePort } from "../support/ports.ts";
import { tmpDir } from "../support/tmp.ts";
import { until } from "../support/until.ts";
import { EAGAIN, foreignSocket, openFds } from "./sockets.ts";

const udp = (host = "127.0.0.1"): Endpoint => ({ kind: "tcp", host, port: freePort() });
const unix = (path = join(tmpDir(), "log")): Endpoint => ({ kind: "unix", path });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A socket to this address, closed when the test ends. */
function socketTo(endpoint: Endpoint): DatagramSocket {
  const socket = new DatagramSocket(encodeSockaddr(endpoint));
  atEnd(() => socket.close());
  return socket;
}

/** A daemon that reads when it is told to. */
function daemon(endpoint: Endpoint): { fd: number; read(): string | null } {
  const fd = foreignSocket(SOCK_DGRAM, endpoint);
  const buffer = new Uint8Array(new ArrayBuffer(65536));
  return {
    fd,
    read() {
      const length = Number(libc.recv(fd, buffer, buffer.length, 0));
      return length < 0 ? null : new TextDecoder().decode(buffer.slice(0, length));
    },
  };
}

/** What send answers, errors by name. */
function sent(socket: DatagramSocket, text = "x"): number | string {
  const result = socket.send(bytes(text));
  return result < 0 ? errnoName(-result) : result;
}

describe("a datagram socket", () => {
  test.each([
    ["UDP", () => udp()],
    ["UDP over IPv6", () => udp("::1")],
    ["a unix path", () => unix()],
    ["an abstract name", () => unix(`@haproxy-lite-test/log-${process.pid}`)],
  ])("to %s delivers each datagram whole, and tells its length", async (_, endpoint) => {
    const to = endpoint();
    const { read } = daemon(to);
    const socket = socketTo(to);
    expect([sent(socket, "<134>one"), sent(socket, ""), sent(socket, "three\n")]).toEqual([8, 0, 6]);
    const got: (string | null)[] = [];
    await until("three datagrams", () => {
      for (let text = read(); text !== null; text = read()) got.push(text);
      return got.length === 3;
    });
    expect(got).toEqual(["<134>one", "", "three\n"]);
  });

  test("knows a unix peer", () => {
    expect([socketTo(unix()).isUnix, socketTo(udp()).isUnix]).toEqual([true, false]);
  });

  test("that is too large for the kernel is refused with EMSGSIZE", () => {
    const to = udp();
    daemon(to);
    expect(sent(socketTo(to), "x".repeat(70_000))).toBe("EMSGSIZE");
  });

  test("to a UDP port where nobody listens learns it from a later send, never throws, and is heard once somebody does", async () => {
    const to = udp();
    const socket = socketTo(to);
    expect(sent(socket)).toBe(1);
    await until("the refusal", () => sent(socket) === "ECONNREFUSED");
    for (let i = 0; i < 100; i++) expect([1, "ECONNREFUSED"]).toContain(sent(socket));
    const { read } = daemon(to);
    await until("a datagram to arrive", () => {
      sent(socket, "back");
      return read() === "back";
    });
  });
});

describe("a unix datagram socket", () => {
  test("whose daemon does not read answers EAGAIN instead of waiting, and goes on when it reads", () => {
    const to = unix();
    const { read } = daemon(to);
    const socket = socketTo(to);
    let queued = 0;
    while (queued < 100_000 && sent(socket, "line") === 4) queued++;
    expect(queued).toBeGreaterThan(0);
    expect([socket.send(bytes("x")), socket.send(bytes("x"))]).toEqual([-EAGAIN, -EAGAIN]);
    for (let i = 0; i < queued; i++) expect(read()).toBe("line");
    expect(sent(socket, "again")).toBe(5);
    expect(read()).toBe("again");
  });

  test("is heard by a restarted daemon only after it was reopened", () => {
    const to = unix();
    const first = daemon(to);
    const socket = socketTo(to);
    expect(sent(socket, "before")).toBe(6);
    expect(first.read()).toBe("before");
    libc.close(first.fd);
    expect(sent(socket)).toBe("ECONNREFUSED");
    expect(socket.reopen()).toBeFalse();
    unlinkSync((to as { path: string }).path);
    const second = daemon(to);
    expect(socket.reopen()).toBeTrue();
    expect(sent(socket, "after")).toBe(5);
    expect(second.read()).toBe("after");
  });

  test("that was made before its daemon says why it cannot send, and finds it by itself later", () => {
    const to = unix();
    const before = openFds();
    const socket = socketTo(to);
    for (let i = 0; i < 3; i++) expect(sent(socket)).toBe("ENOENT");
    expect(openFds()).toBe(before);
    const { read } = daemon(to);
    expect(sent(socket, "hello")).toBe(5);
    expect(read()).toBe("hello");
  });

  test("gives its descriptor back, however often it is reopened", () => {
    const to = unix();
    daemon(to);
    const before = openFds();
    const socket = new DatagramSocket(encodeSockaddr(to));
    for (let i = 0; i < 20; i++) expect(socket.reopen()).toBeTrue();
    expect(openFds()).toBe(before + 1);
    socket.close();
    expect(openFds()).toBe(before);
    // The next socket gets the number that has become free, and a second close must not take it away.
    const other = daemon(unix());
    socket.close();
    expect(other.read()).toBeNull();
    expect(openFds()).toBe(before + 1);
  });
});
