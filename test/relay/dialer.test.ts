import { beforeEach, describe, expect, test } from "bun:test";
import { balancers } from "../../src/balance/index.ts";
import type { Algorithm } from "../../src/config/schema.ts";
import { encodeSockaddr } from "../../src/net/sockaddr.ts";
import { ListenBoard } from "../../src/pool/board.ts";
import { buildRotation } from "../../src/pool/rotation.ts";
import { Dialer, type DialOwner } from "../../src/relay/dialer.ts";
import type { RelayEnvironment, RelayListen } from "../../src/relay/environment.ts";
import { processClock } from "../../src/relay/processClock.ts";
import type { RelayReport } from "../../src/relay/protocol.ts";
import { ANY_SERVER, type Waiting, WaitingLine } from "../../src/relay/waitingLine.ts";
import { serve, type TestServer } from "../support/echo.ts";
import { freePort } from "../support/ports.ts";
import { until } from "../support/until.ts";

// A dialer with a real board, balancer, line and real servers; only the session and the other threads are the test's.

const THREADS = 2;
const server: TestServer = await serve({ kind: "silent" });
const dead = freePort();

let reports: RelayReport[] = [];
let offers: number[] = [];
beforeEach(() => {
  reports = [];
  offers = [];
});

interface Stand {
  board: ListenBoard;
  /** The other thread's waiting line. */
  elsewhere: WaitingLine<Waiting>;
  /** A new connection, as far as a dialer sees its session. */
  dialer(): { dialer: Dialer; gaveUp: string[]; connected: number };
}

/** A listen of servers, each on the live port or the dead one, with one slot each. */
function stand(
  ports: number[],
  balance: Algorithm = "roundrobin",
  sources: Uint8Array[][] = ports.map(() => []),
): Stand {
  const board = ListenBoard.create(ports.length, THREADS);
  for (const [slot, port] of ports.entries()) {
    board.setAddress(slot, encodeSockaddr({ kind: "tcp", host: "127.0.0.1", port }));
    board.setServer(slot, { weight: 16, maxconn: 1 });
  }
  board.setUsable(ports.length);
  board.setRotation(
    buildRotation(
      ports.map(() => 16),
      board.rotationLimit,
    ),
  );
  const names = ports.map((_, i) => `s${i + 1}`);
  const timeout = { connectMs: 2000, queueMs: 5000, clientMs: null };
  const servers = names.map((name) => ({ name, source: [], observe: "none", errorLimit: 10 }));
  const listen = {
    id: 7,
    config: { name: "web", retries: 3, redispatch: true, timeout },
    servers,
    board,
    counters: board.counters(0),
    balancer: balancers[balance].create({ random: Math.random, names }),
    line: new WaitingLine<Dialer>(board, 0),
    sources,
    needsClientAddress: balance === "source",
  } as unknown as RelayListen;
  const env = {
    clock: processClock,
    report: (report: RelayReport) => reports.push(report),
    slotFreed: (_: RelayListen, slot: number) => offers.push(slot),
  } as unknown as RelayEnvironment;
  return {
    board,
    elsewhere: new WaitingLine<Waiting>(board, 1),
    dialer() {
      const seen = { gaveUp: [] as string[], connected: 0 };
      const session = {
        acceptedMs: processClock.nowMs(),
        acceptedWallMs: Date.now(),
        clientHost: "192.0.2.1",
        up: { bytes: 0 },
        rearm() {},
        giveUp: (termination: string) => seen.gaveUp.push(termination),
        connected: () => seen.connected++,
      } as unknown as DialOwner;
      return Object.assign(seen, { dialer: new Dialer(env, listen, session) });
    },
  };
}

const waiting = (boundTo: number): Waiting => ({ queuedMs: processClock.nowMs(), boundTo });

describe("a newcomer", () => {
  test("takes a free slot", async () => {
    const { board, dialer } = stand([server.port]);
    const seen = dialer();
    seen.dialer.choose();
    expect({ phase: seen.dialer.phase, served: board.served(0) }).toEqual({ phase: "connecting", served: 1 });
    await until("the connection", () => seen.connected === 1);
    expect(seen.dialer.attachedTo).toBe(0);
    seen.dialer.release();
    expect({ served: board.served(0), offers }).toEqual({ served: 0, offers: [0] });
  });

  test("joins the line although a slot is free, when somebody in another thread is on the way to it", () => {
    const { board, elsewhere, dialer } = stand([server.port]);
    elsewhere.join(waiting(ANY_SERVER));
    const seen = dialer();
    seen.dialer.choose();
    expect({ phase: seen.dialer.phase, place: seen.dialer.placeOnListen }).toEqual({ phase: "queued", place: 2 });
    expect({ served: board.served(0), queued: board.queued }).toEqual({ served: 0, queued: 2 });
    seen.dialer.release();
    expect(board.queued).toBe(1);
  });

  test("joins the server's own line where the choice is bound, and only that one's", () => {
    const { board, elsewhere, dialer } = stand([server.port, server.port], "source");
    const seen = dialer();
    const first = seen.dialer;
    first.choose();
    const slot = first.server;
    first.release();
    elsewhere.join(waiting(slot));
    const second = dialer().dialer;
    second.choose();
    expect({ phase: second.phase, boundTo: second.boundTo, place: second.placeOnServer }).toEqual({
      phase: "queued",
      boundTo: slot,
      place: 2,
    });
    elsewhere.join(waiting(1 - slot));
    expect(board.queuedOn(slot)).toBe(2);
    second.release();
  });

  test("that joins a line has the free slots offered, for one may have been freed before it stood there", () => {
    const { board, dialer } = stand([server.port]);
    board.reserve(0);
    dialer().dialer.choose();
    expect(offers).toEqual([ANY_SERVER]);
  });

  test("gets nothing where every server is down, and the one who waits goes on waiting", () => {
    const { board, dialer } = stand([server.port]);
    board.reserve(0);
    const early = dialer();
    early.dialer.choose();
    board.setServer(0, { weight: 0, maxconn: 1 });
    const late = dialer();
    late.dialer.choose();
    expect(late.gaveUp).toEqual(["SC"]);
    early.dialer.choose();
    expect({ phase: early.dialer.phase, gaveUp: early.gaveUp }).toEqual({ phase: "queued", gaveUp: [] });
  });
});

describe("a retry", () => {
  test("does not stand behind those who wait for any server", async () => {
    const { board, elsewhere, dialer } = stand([dead, server.port], "first");
    const seen = dialer();
    seen.dialer.choose();
    elsewhere.join(waiting(ANY_SERVER));
    await until("the other server", () => seen.connected === 1);
    expect({ server: seen.dialer.server, retries: seen.dialer.retries, served: board.served(0) }).toEqual({
      server: 1,
      retries: 1,
      served: 0,
    });
    seen.dialer.release();
  });

  test("waits for the server that it has not tried, and leaves the tried one to others", async () => {
    const { board, dialer } = stand([dead, server.port], "first");
    board.reserve(1);
    const seen = dialer();
    seen.dialer.choose();
    await until("it to wait", () => seen.dialer.phase === "queued");
    expect({ boundTo: seen.dialer.boundTo, queuedOn: board.queuedOn(1), served: board.served(0) }).toEqual({
      boundTo: 1,
      queuedOn: 1,
      served: 0,
    });
    expect(seen.dialer.leaveQueue()).toBe(false);
    board.release(1);
    expect(seen.dialer.leaveQueue()).toBe(true);
    await until("the connection", () => seen.connected === 1);
    seen.dialer.release();
  });

  test("that waits when all have gone takes whoever returns, tried or not", async () => {
    const { board, dialer } = stand([dead, server.port], "first");
    board.reserve(1);
    const seen = dialer();
    seen.dialer.choose();
    await until("it to wait", () => seen.dialer.phase === "queued");
    for (const slot of [0, 1]) board.setServer(slot, { weight: 0, maxconn: 1 });
    seen.dialer.choose();
    expect(seen.dialer.boundTo).toBe(ANY_SERVER);
    board.setAddress(0, encodeSockaddr({ kind: "tcp", host: "127.0.0.1", port: server.port }));
    board.setServer(0, { weight: 16, maxconn: 1 });
    expect(seen.dialer.leaveQueue()).toBe(true);
    await until("the connection", () => seen.connected === 1);
    expect(seen.dialer.server).toBe(0);
    seen.dialer.release();
  });

  test("is not made when we lack something ourselves, and control is told", async () => {
    const notOurs = encodeSockaddr({ kind: "tcp", host: "192.0.2.200", port: 0 });
    const { board, dialer } = stand([server.port, server.port], "roundrobin", [[notOurs], []]);
    const seen = dialer();
    seen.dialer.choose();
    await until("it to give up", () => seen.gaveUp.length > 0);
    expect(seen.gaveUp).toEqual(["RC"]);
    expect(reports).toEqual([{ kind: "shortage", listen: 7, server: 0, errno: "EADDRNOTAVAIL" }]);
    seen.dialer.release();
    expect([board.served(0), board.served(1)]).toEqual([0, 0]);
  });
});
