import { beforeAll, describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { CheckStep } from "../../src/config/schema.ts";
import type { Endpoint } from "../../src/core/endpoint.ts";
import type { CheckResult } from "../../src/health/result.ts";
import { bindListeners, closeListeners } from "../../src/net/listen.ts";
import { atEnd } from "../support/cleanup.ts";
import { type Behaviour, type ListenOptions, serve } from "../support/echo.ts";
import { FakeClock } from "../support/fakeClock.ts";
import { freePort } from "../support/ports.ts";
import { tmpDir } from "../support/tmp.ts";
import { until } from "../support/until.ts";
import { connect, expectString, openFds, send } from "./checks.ts";
import { endpointOf, type Limits, probe, runProbe } from "./probing.ts";
import { withoutFreeFds } from "./shortages.ts";

const PING = [send("PING\r\n"), expectString("PONG")];
const DID_NOT_MATCH = ["L7RSP", null, "TCPCHK did not match content 'PONG' at step 2"];
const hasIPv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"));

const summary = ({ status, code, info }: CheckResult) => [status, code, info];

/** Answers the first bytes with a script of the test's own, and closes after the check (a unix socket carries no RST). */
const answering = (run: (socket: Socket) => void): Behaviour => ({
  kind: "custom",
  run: (socket) => socket.on("end", () => socket.end()).once("data", () => run(socket)),
});

/** Checks a server that lives only for this check, and that neither it nor the check leaves a socket open. */
async function checked(
  behaviour: Behaviour,
  steps: CheckStep[] = PING,
  limits: Limits = {},
  where: ListenOptions = { port: freePort() },
): Promise<CheckResult> {
  const before = openFds();
  const server = await serve(behaviour, where);
  const result = await runProbe(endpointOf(server), steps, limits);
  await until("the server saw the check's connection end", () => server.open.length === 0);
  await server.stop();
  await until("no file descriptor left over", () => openFds() <= before);
  return result;
}

/** A listener with room for two connections that nobody accepts, closed when the test ends. */
function unattended(at: Endpoint): Endpoint {
  const fds = bindListeners(at, { sockets: 1, backlog: 1 });
  atEnd(() => closeListeners(fds));
  return at;
}

const unattendedTcp = () => unattended({ kind: "tcp", host: "127.0.0.1", port: freePort() });

// The first socket of a process makes Bun open descriptors of its own.
beforeAll(async () => {
  await runProbe(endpointOf(await serve({ kind: "echo" })));
});

describe("a plain connect", () => {
  test("passes as soon as the connection is there", async () => {
    expect(await checked({ kind: "silent" }, [])).toMatchObject({
      status: "L4OK",
      code: null,
      info: null,
      passed: true,
    });
  });

  test("ends with a RST, so that nothing stays in TIME-WAIT", async () => {
    const errors: unknown[] = [];
    const run = (socket: Socket) =>
      void socket.on("error", (error) => errors.push((error as NodeJS.ErrnoException).code));
    await checked({ kind: "custom", run }, []);
    expect(errors).toEqual(["ECONNRESET"]);
  });

  test("tells the true error of a port that refuses", async () => {
    const before = openFds() + 1; // freePort holds a lock
    const result = await runProbe({ kind: "tcp", host: "127.0.0.1", port: freePort() });
    expect(result).toMatchObject({ status: "L4CON", code: null, info: "Connection refused", inconclusive: false });
    expect(openFds()).toBeLessThanOrEqual(before);
  });

  test("notices a process that no longer accepts once its backlog is full", async () => {
    const at = unattendedTcp();
    const before = openFds();
    const statuses: string[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await runProbe(at, [], { intervalMs: 150 })).status);
    // The kernel completes one connection more than the backlog; each check's stays in the queue although it was reset.
    expect(statuses).toEqual(["L4OK", "L4OK", "L4TOUT", "L4TOUT"]);
    expect(openFds()).toBeLessThanOrEqual(before);
  });
});

describe("a unix socket", () => {
  test("is checked like any other", async () => {
    const path = join(tmpDir(), "s");
    expect(
      summary(
        await checked(
          answering((s) => s.write("+PONG\r\n")),
          PING,
          {},
          { path },
        ),
      ),
    ).toEqual(["L7OK", 0, "(tcp-check)"]);
  });

  test("that is not there is a connection problem with its true name", async () => {
    const result = await runProbe({ kind: "unix", path: join(tmpDir(), "none") });
    expect(summary(result)).toEqual(["L4CON", null, "No such file or directory"]);
  });

  test("whose backlog is full times out", async () => {
    const at = unattended({ kind: "unix", path: join(tmpDir(), "s") });
    const before = openFds();
    const statuses: string[] = [];
    for (let i = 0; i < 3; i++) statuses.push((await runProbe(at, [], { intervalMs: 100 })).status);
    expect(statuses).toEqual(["L4OK", "L4OK", "L4TOUT"]);
    expect(openFds()).toBeLessThanOrEqual(before);
  });
});

test.skipIf(!hasIPv6)("IPv6 servers are checked", async () => {
  const where = { host: "::1", port: freePort() };
  expect(
    summary(
      await checked(
        answering((s) => s.write("+PONG\r\n")),
        PING,
        {},
        where,
      ),
    ),
  ).toEqual(["L7OK", 0, "(tcp-check)"]);
});

describe("an answer", () => {
  test("that is right passes at once", async () => {
    const result = await checked(answering((s) => s.write("+PONG\r\n")));
    expect(result).toMatchObject({ status: "L7OK", code: 0, info: "(tcp-check)", passed: true });
    expect(result.durationMs).toBeLessThan(100);
  });

  test("that is wrong fails in a fraction of the timeout", async () => {
    const result = await checked(
      answering((s) => s.write("+OK\r\n")),
      PING,
      { timeoutMs: 8000 },
    );
    expect(summary(result)).toEqual(DID_NOT_MATCH);
    expect(result.durationMs).toBeLessThan(2000);
  });

  test("that is split over segments passes", async () => {
    const run = async (socket: Socket) => {
      socket.setNoDelay(true);
      for (const part of ["+P", "O", "NG", "\r\n"]) {
        socket.write(part);
        await Bun.sleep(10);
      }
    };
    expect((await checked(answering((s) => void run(s)))).status).toBe("L7OK");
  });

  test("after a greeting that the script does not name passes", async () => {
    const run = (socket: Socket) => {
      socket.write("220 welcome\r\n");
      socket.once("data", () => setTimeout(() => socket.write("PONG\r\n"), 20));
    };
    expect((await checked({ kind: "custom", run })).status).toBe("L7OK");
  });

  test("that is a flood of garbage is judged by its first 16 kB", async () => {
    const megabyte = Buffer.alloc(1 << 20, 0x78);
    const flood = (socket: Socket) => {
      for (let i = 0; i < 8; i++) socket.write(megabyte);
    };
    const result = await checked(answering(flood));
    expect(summary(result)).toEqual(DID_NOT_MATCH);
    expect(result.durationMs).toBeLessThan(2000);
  });

  test("that stops half way and closes is a mismatch", async () => {
    expect(summary(await checked(answering((s) => s.end("+PO"))))).toEqual(DID_NOT_MATCH);
  });

  test("that is a RST is a socket error of the server, not ours", async () => {
    const result = await checked(answering((s) => s.resetAndDestroy()));
    expect(result).toMatchObject({
      status: "SOCKERR",
      info: "Connection reset by peer at step 2 of tcp-check (expect string 'PONG')",
      passed: false,
      inconclusive: false,
    });
  });

  test("that never comes ends with the timeout of the check", async () => {
    const result = await checked({ kind: "silent" }, PING, { timeoutMs: 100 });
    expect(summary(result)).toEqual(["L7TOUT", null, " at step 2 of tcp-check (expect string 'PONG')"]);
    expect(result.durationMs).toBeGreaterThanOrEqual(95);
  });

  test("that never comes ends with the interval when the check has no timeout", async () => {
    const result = await checked({ kind: "silent" }, PING, { intervalMs: 100 });
    expect(result.status).toBe("L7TOUT");
    expect(result.durationMs).toBeLessThan(2000);
  });
});

test("every segment starts the wait for quiet anew", async () => {
  const server = await serve({ kind: "silent" });
  const clock = new FakeClock();
  const results: CheckResult[] = [];
  probe(endpointOf(server), [expectString("PONG")], { clock }, (result) => results.push(result)).start();
  const say = async (text: string) => {
    const socket = await until("the connection", () => server.open[0]);
    socket.write(text);
    await until("a wait of 100 ms", () => clock.pendingMs[0] === 100);
    expect(clock.pendingMs).toHaveLength(2); // and the deadline
    clock.pass(99);
  };
  await say("one\r\n");
  await say("two\r\n");
  await say("three\r\n");
  expect(results).toEqual([]);
  clock.pass(1);
  expect(results.map(summary)).toEqual([["L7RSP", null, "TCPCHK did not match content 'PONG' at step 1"]]);
  expect(clock.pendingMs).toEqual([]);
});

test("an answer that came in time is seen although we are late ourselves", async () => {
  const server = await serve({ kind: "silent" });
  const stall = (ms: number) => {
    for (const startMs = performance.now(); performance.now() - startMs < ms; );
  };
  const found = runProbe(endpointOf(server), [expectString("PONG")], { timeoutMs: 200 });
  const socket = await until("the connection", () => server.open[0]);
  socket.write("220 hi\r\n");
  await Bun.sleep(20);
  // After the stall this answer, the quiet after the greeting and the deadline all fall due at once, in this order.
  setTimeout(() => socket.write("PONG\r\n"), 10);
  stall(400);
  expect(summary(await found)).toEqual(["L7OK", 0, "(tcp-check)"]);
});

describe("sending", () => {
  test("more than the kernel takes at once arrives whole", async () => {
    const question = `${"q".repeat(8 << 20)}!`;
    const run = (socket: Socket) =>
      void socket.on("data", (bytes) => String(bytes).includes("!") && socket.write("PONG"));
    expect((await checked({ kind: "custom", run }, [send(question), expectString("PONG")])).status).toBe("L7OK");
  });

  test("to a server that does not read ends with the timeout", async () => {
    const server = await serve({ kind: "deaf" });
    const result = await runProbe(endpointOf(server), [send("q".repeat(8 << 20))], { timeoutMs: 100 });
    expect(summary(result)).toEqual(["L7TOUT", null, " at step 1 of tcp-check (send)"]);
  });

  test("after the server has closed is an error, not a wait", async () => {
    const steps = [expectString("bye", { negate: true }), send("PING"), expectString("PONG")];
    const run = (socket: Socket) => void socket.write("220\r\n", () => socket.resetAndDestroy());
    const result = await checked({ kind: "custom", run }, steps);
    expect(summary(result)).toEqual(["SOCKERR", null, "Connection reset by peer at step 2 of tcp-check (send)"]);
  });
});

describe("connecting", () => {
  test.each([
    { timeoutMs: 8000, connectTimeoutMs: 100, intervalMs: 8000 },
    { timeoutMs: 8000, connectTimeoutMs: 8000, intervalMs: 100 },
    { timeoutMs: 8000, connectTimeoutMs: null, intervalMs: 100 },
    { timeoutMs: null, connectTimeoutMs: 8000, intervalMs: 100 },
  ])("takes at most the lower of connect timeout and interval: %p", async (limits) => {
    const at = unattendedTcp();
    for (let i = 0; i < 2; i++) await runProbe(at);
    const result = await runProbe(at, [expectString("220")], limits);
    expect(summary(result)).toEqual(["L4TOUT", null, " at initial connection step of tcp-check"]);
    expect(result.durationMs).toBeLessThan(2000);
  });

  test("a check timeout shorter than the connect counts from the connection on", async () => {
    const at = unattendedTcp();
    for (let i = 0; i < 2; i++) await runProbe(at);
    const result = await runProbe(at, PING, { timeoutMs: 20, connectTimeoutMs: 150 });
    expect(result.status).toBe("L4TOUT");
    expect(result.durationMs).toBeGreaterThanOrEqual(145);
  });

  test("anew in the middle of a script leaves the first connection", async () => {
    const closed: string[] = [];
    const first = await serve({
      kind: "custom",
      run: (s) => void s.on("close", () => closed.push("first")).write("220 a"),
    });
    const second = await serve({ kind: "custom", run: (s) => void s.write("+OK b") });
    const steps = [
      connect(first.port),
      expectString("220"),
      connect(second.port),
      expectString("+OK"),
      expectString("220"),
    ];
    const result = await runProbe(endpointOf(first), steps, { timeoutMs: 5000 });
    expect(summary(result)).toEqual(["L7RSP", null, "TCPCHK did not match content '220' at step 5"]);
    await until("the first connection closed", () => closed.length === 1);
  });
});

describe("our own shortage", () => {
  test("is inconclusive: no file descriptor left", async () => {
    const at = endpointOf(await serve({ kind: "silent" }));
    let result: CheckResult | null = null;
    withoutFreeFds(() => probe(at, [], {}, (found) => (result = found)).start());
    expect(result as CheckResult | null).toMatchObject({
      status: "SOCKERR",
      info: "Too many open files",
      passed: false,
      inconclusive: true,
    });
  });
});

describe("cancelling", () => {
  test.each([
    [
      "while connecting",
      async () => {
        const at = unattendedTcp();
        for (let i = 0; i < 2; i++) await runProbe(at);
        return at;
      },
    ],
    ["while waiting for an answer", async () => endpointOf(await serve({ kind: "silent" }))],
  ] as const)("closes the socket and reports nothing, %s", async (_, prepare) => {
    const at = await prepare();
    const before = openFds();
    const results: CheckResult[] = [];
    const cancelled = probe(at, PING, { timeoutMs: 60, connectTimeoutMs: 60 }, (result) => results.push(result));
    cancelled.start();
    await Bun.sleep(20);
    expect(openFds()).toBeGreaterThan(before);
    cancelled.cancel();
    cancelled.cancel();
    await until("the sockets closed", () => openFds() <= before);
    await Bun.sleep(80); // longer than every limit above
    expect(results).toEqual([]);
  });
});
