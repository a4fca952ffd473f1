import { describe, expect, test } from "bun:test";
import { startConnect } from "../../src/net/connect.ts";
import { libc } from "../../src/net/libc.ts";
import { encodeSockaddr } from "../../src/net/sockaddr.ts";
import { ListenBoard, serverCounter } from "../../src/pool/board.ts";
import { ADDRESS_BYTES, Header, ListenCounter, ServerCounter, segmentLayout } from "../../src/pool/layout.ts";
import { buildRotation } from "../../src/pool/rotation.ts";
import { freePort } from "../support/ports.ts";
import { runTogether } from "./boardJobs.ts";

const board = (slots: number, threads = 1): ListenBoard => ListenBoard.create(slots, threads);

describe("a fresh board", () => {
  test("has nobody to take sessions", () => {
    const fresh = board(3, 2);
    expect([
      fresh.serverAtTurn(fresh.takeTurn()),
      fresh.rotationLength(),
      fresh.usable,
      fresh.current,
      fresh.queued,
    ]).toEqual([-1, 0, 0, 0, 0]);
    for (const server of [0, 1, 2])
      expect([fresh.weight(server), fresh.load(server), fresh.addressLength(server)]).toEqual([0, 0, 0]);
  });

  test("opens in another view of the same segment", () => {
    const first = board(2);
    first.setServer(1, { weight: 32, maxconn: 5 });
    first.setUsable(1);
    const second = new ListenBoard(structuredCloneShared(first));
    expect([second.weight(1), second.usable]).toEqual([32, 1]);
    second.reserve(1);
    expect(first.served(1)).toBe(1);
  });
});

describe("occupancy", () => {
  test("reserve stops at maxconn, takes nothing then, and goes on after a release", () => {
    const one = board(1);
    one.setServer(0, { weight: 16, maxconn: 2 });
    expect([one.reserve(0), one.reserve(0), one.reserve(0)]).toEqual([1, 2, 0]);
    expect([one.served(0), one.hasRoom(0)]).toEqual([2, false]);
    expect([one.release(0), one.hasRoom(0), one.reserve(0)]).toEqual([1, true, 2]);
  });

  test("maxconn 0 is no limit", () => {
    const one = board(1);
    one.setServer(0, { weight: 16, maxconn: 0 });
    for (let i = 1; i <= 1000; i++) expect(one.reserve(0)).toBe(i);
    expect(one.hasRoom(0)).toBeTrue();
  });

  test("a limit lowered below what is served takes nobody until enough have left", () => {
    const one = board(1);
    one.setServer(0, { weight: 16, maxconn: 3 });
    for (let i = 0; i < 3; i++) one.reserve(0);
    one.setServer(0, { weight: 16, maxconn: 1 });
    for (const left of [2, 1]) expect([one.reserve(0), one.release(0)]).toEqual([0, left]);
    expect([one.reserve(0), one.release(0), one.reserve(0)]).toEqual([0, 0, 1]);
  });

  test("load is sessions and those who wait for the server; who waits for any server loads none", () => {
    const two = board(2);
    two.reserve(1);
    expect([two.addQueued(1, 1), two.addQueued(-1, 1), two.addQueued(1, 1)]).toEqual([1, 2, 3]);
    expect([two.load(0), two.load(1), two.queuedOn(1), two.queued]).toEqual([0, 3, 2, 3]);
    two.addQueued(1, -1);
    two.addQueued(-1, -1);
    expect([two.load(1), two.queued]).toEqual([2, 1]);
  });

  test("servers do not share words with their neighbours", () => {
    const three = board(3);
    three.setServer(1, { weight: 7, maxconn: 9 });
    three.reserve(1);
    three.addQueued(1, 4);
    three.addConsecutiveError(1);
    three.setAddress(1, new Uint8Array(ADDRESS_BYTES).fill(0xff));
    expect([three.address(1).every((byte) => byte === 0xff), three.addressLength(1)]).toEqual([true, ADDRESS_BYTES]);
    for (const server of [0, 2]) {
      expect([three.weight(server), three.load(server), three.addConsecutiveError(server)]).toEqual([0, 0, 1]);
      expect([three.address(server).every((byte) => byte === 0), three.addressLength(server)]).toEqual([true, 0]);
    }
  });

  test("consecutive errors add up until one success", () => {
    const one = board(1);
    expect([one.addConsecutiveError(0), one.addConsecutiveError(0)]).toEqual([1, 2]);
    one.clearConsecutiveErrors(0);
    expect(one.addConsecutiveError(0)).toBe(1);
  });

  test("never more than maxconn sessions, with four threads taking and giving back at full speed", async () => {
    const one = board(1, 4);
    one.setServer(0, { weight: 16, maxconn: 3 });
    const replies = await runTogether(one, 100_000, ["hammer", "hammer", "hammer", "hammer"]);
    expect(Math.max(...replies.map((reply) => reply.highest))).toBeLessThanOrEqual(3);
    expect(Math.max(...replies.map((reply) => reply.answer))).toBeLessThanOrEqual(3);
    // A thread that runs only while the others sleep with all slots in hand gets none: not each, but somebody.
    expect(replies.some((reply) => reply.taken > 0)).toBeTrue();
    expect(one.served(0)).toBe(0);
  });

  test("a freed slot goes to one of those who ask, never to nobody", async () => {
    const one = board(1, 2);
    one.setServer(0, { weight: 16, maxconn: 1 });
    const replies = await runTogether(one, 20_000, ["handOver", "handOver"]);
    expect(replies.map((reply) => reply.bad)).toEqual([0, 0]);
    expect(one.served(0)).toBe(0);
  });
});

describe("turns", () => {
  test("count on without a gap, past 2^31 and over 2^32", () => {
    const one = board(1);
    const words = new Int32Array(one.share().buffer);
    words[2] = 0x7fffffff;
    expect([one.takeTurn(), one.takeTurn()]).toEqual([0x7fffffff, 0x80000000]);
    words[2] = -1;
    expect([one.takeTurn(), one.takeTurn()]).toEqual([0xffffffff, 0]);
  });

  test("walk the rotation round and round", () => {
    const three = board(3);
    three.setRotation(buildRotation([1, 2, 5], three.rotationLimit));
    const cycle = [...buildRotation([1, 2, 5], three.rotationLimit)];
    expect(Array.from({ length: 24 }, () => three.serverAtTurn(three.takeTurn()))).toEqual([
      ...cycle,
      ...cycle,
      ...cycle,
    ]);
  });

  test("a rotation as long as may be leaves the one in force and all else alone", () => {
    const two = board(2);
    two.counters(0)[0] = 77;
    for (const server of [0, 1, 0, 1]) {
      two.setRotation(new Uint16Array(two.rotationLimit).fill(server));
      expect(two.rotationLength()).toBe(two.rotationLimit);
      for (const turn of [0, 1, two.rotationLimit - 1]) expect(two.serverAtTurn(turn)).toBe(server);
    }
    expect(two.counters(0)[0]).toBe(77);
  });

  test("a new rotation leaves the old one whole for a thread that is just reading it", () => {
    const two = board(2);
    const { buffer } = two.share();
    const { rotation, rotationLimit } = segmentLayout(2, 1);
    const generation = new Int32Array(buffer, 4 * Header.rotationGeneration, 1);
    const turns = new Uint16Array(buffer, rotation, 2 * rotationLimit);
    two.setRotation(new Uint16Array(9).fill(1));
    for (const next of [0, 1, 0]) {
      const start = ((generation[0] as number) & 1) * rotationLimit;
      const old = turns.slice(start, start + 9);
      two.setRotation(new Uint16Array(5).fill(next));
      expect(two.serverAtTurn(0)).toBe(next);
      expect([...turns.slice(start, start + 9)]).toEqual([...old]);
    }
  });

  test("a rotation that does not fit is refused, and the one in force stays", () => {
    const two = board(2);
    for (const server of [0, 1]) {
      two.setRotation(Uint16Array.of(server));
      expect(() => two.setRotation(new Uint16Array(two.rotationLimit + 1).fill(1 - server))).toThrow(RangeError);
      expect([two.rotationLength(), two.serverAtTurn(0)]).toEqual([1, server]);
    }
  });

  test("threads that read while rotations change see servers of the board only", async () => {
    const seven = board(7, 3);
    const [publisher, ...readers] = await runTogether(seven, 0, ["publish", "read", "read"]);
    expect(publisher?.taken).toBeGreaterThan(100);
    // Eight answers: seven servers, and nobody.
    for (const reader of readers) expect([reader.bad, reader.taken >= 500, reader.highest]).toEqual([0, true, 8]);
  });
});

describe("counters", () => {
  test("of one thread are untouched by the others", async () => {
    const two = board(2, 3);
    await runTogether(two, 20_000, ["count", "count", "count"]);
    for (const thread of [0, 1, 2]) expect(new Set(two.counters(thread))).toEqual(new Set([20_000]));
  });

  test("add up over threads, and the highest is the highest of any", () => {
    const two = board(2, 2);
    const bytes = serverCounter(1, ServerCounter.bytesOut);
    two.counters(0)[bytes] = 2 ** 52;
    two.counters(1)[bytes] = 12;
    expect([two.sum(bytes), two.max(bytes)]).toEqual([2 ** 52 + 12, 2 ** 52]);
    expect(two.sum(serverCounter(0, ServerCounter.bytesOut))).toBe(0);
    expect(two.sum(ListenCounter.bytesOut)).toBe(0);
  });

  test("can be cleared, the highest values or all, what says how things are now excepted, and what was inherited", () => {
    const one = board(2, 2);
    const [mine, others] = [one.counters(0), one.counters(1)];
    const names = [...Object.entries(ListenCounter), ...Object.entries(ServerCounter)];
    mine.fill(7);
    others.fill(9);
    for (const index of mine.keys()) one.inherit(index, 5, false);
    one.clearCounters(0, false);
    const lasting = (counters: Float64Array): string[] =>
      names
        .filter(
          ([, index], i) => counters[i < Object.keys(ListenCounter).length ? index : serverCounter(1, index)] !== 0,
        )
        .map(([name]) => name);
    expect(lasting(mine).some((name) => name.startsWith("max"))).toBe(false);
    expect(lasting(mine).length).toBe(names.filter(([name]) => !name.startsWith("max")).length);
    one.clearCounters(0, true);
    expect(lasting(mine)).toEqual(["oldestWaiting", "oldestWaiting"]);
    expect(others.every((value) => value === 9)).toBe(true);
    expect(one.sum(ListenCounter.connections)).toBe(9 + 5);
    one.clearInherited(true);
    expect(one.sum(ListenCounter.connections)).toBe(9);
  });

  test("have an index of their own for each counter of each server", () => {
    const four = board(4);
    const indexes = [
      ...Object.values(ListenCounter),
      ...[0, 1, 2, 3].flatMap((server) =>
        Object.values(ServerCounter).map((counter) => serverCounter(server, counter)),
      ),
    ];
    expect(new Set(indexes).size).toBe(indexes.length);
    expect(Math.max(...indexes)).toBeLessThan(four.counters(0).length);
  });
});

describe("addresses", () => {
  const v4 = encodeSockaddr({ kind: "tcp", host: "192.0.2.7", port: 4900 });
  const v6 = encodeSockaddr({ kind: "tcp", host: "2001:db8::7", port: 4900 });

  test("change as a whole, and whoever holds the old one can still use it", () => {
    const one = board(1);
    one.setAddress(0, v6);
    const old = one.address(0);
    expect([...old.subarray(0, one.addressLength(0))]).toEqual([...v6]);
    one.setAddress(0, v4);
    expect([...one.address(0).subarray(0, one.addressLength(0))]).toEqual([...v4]);
    expect([...old.subarray(0, v6.length)]).toEqual([...v6]);
    one.setAddress(0, v6);
    expect(one.addressLength(0)).toBe(v6.length);
  });

  test("can be dialled straight from shared memory", async () => {
    const port = freePort();
    const { promise, resolve } = Promise.withResolvers<void>();
    using listener = Bun.listen({ hostname: "127.0.0.1", port, socket: { open: () => resolve(), data() {} } });
    const one = board(1);
    one.setAddress(0, encodeSockaddr({ kind: "tcp", host: "127.0.0.1", port: listener.port }));
    const fd = startConnect(one.address(0), one.addressLength(0));
    expect(fd).toBeGreaterThan(0);
    await promise;
    libc.close(fd);
  });
});

/** The handle as it arrives in another thread. */
function structuredCloneShared(of: ListenBoard): ReturnType<ListenBoard["share"]> {
  const { buffer, capacity, threads } = of.share();
  return { buffer, capacity, threads };
}
