import { describe, expect, test } from "bun:test";
import { serve } from "../support/echo.ts";
import { freePort } from "../support/ports.ts";
import { expectString, send } from "./checks.ts";
import { endpointOf, runProbe } from "./probing.ts";

const PING = [send("PING\r\n"), expectString("PONG")];

describe("what a check did and saw is kept", () => {
  test("a wrong answer: the step, what was sent, what came", async () => {
    const server = await serve({ kind: "reply", reply: "+OK \u0000\r\n" });
    const { status, evidence } = await runProbe(endpointOf(server), PING);
    expect(status).toBe("L7RSP");
    expect(evidence).toEqual({
      target: server.address,
      step: { number: 2, of: 2, doing: "expect string 'PONG'" },
      errno: null,
      sent: { bytes: 6, text: "PING\\r\\n" },
      received: { bytes: 7, text: "+OK \\x00\\r\\n" },
    });
  });

  test("a pass, too; of much the beginning, and how much it was", async () => {
    const server = await serve({ kind: "reply", reply: `${"x".repeat(5000)}PONG` });
    const { passed, evidence } = await runProbe(endpointOf(server), PING);
    expect([passed, evidence?.received?.text]).toEqual([true, "x".repeat(256)]);
    expect(evidence?.received?.bytes).toBe(5004);
  });

  test("a refused connect: the system's word, and where to", async () => {
    const port = freePort();
    const { evidence } = await runProbe({ kind: "tcp", host: "127.0.0.1", port }, PING);
    expect(evidence).toEqual({
      target: `127.0.0.1:${port}`,
      step: { number: 0, of: 2, doing: "connect" },
      errno: { name: "ECONNREFUSED", text: "Connection refused" },
      sent: null,
      received: null,
    });
  });

  test("silence: sent, and nothing came", async () => {
    const server = await serve({ kind: "silent" });
    const { status, evidence } = await runProbe(endpointOf(server), PING, { intervalMs: 50 });
    expect(status).toBe("L7TOUT");
    expect(evidence).toMatchObject({ sent: { bytes: 6 }, received: null, errno: null });
  });

  test("what was said on an earlier connection is not what this one was told", async () => {
    const first = await serve({ kind: "reply", reply: "one" });
    const steps = [send("A"), expectString("one"), { kind: "connect", port: freePort(), comment: null } as const];
    const { evidence } = await runProbe(endpointOf(first), steps);
    expect(evidence).toMatchObject({
      step: { number: 3, of: 3 },
      errno: { name: "ECONNREFUSED" },
      sent: null,
      received: null,
    });
  });

  test("of several connects and questions the last ones", async () => {
    const [first, second] = [
      await serve({ kind: "reply", reply: "one" }),
      await serve({ kind: "reply", reply: "two" }),
    ];
    const steps = [
      send("A"),
      expectString("one"),
      { kind: "connect", port: second.port, comment: null } as const,
      send("B"),
      expectString("PONG"),
    ];
    const { evidence } = await runProbe(endpointOf(first), steps);
    expect(evidence).toMatchObject({
      target: second.address,
      step: { number: 5, of: 5 },
      sent: { text: "B" },
      received: { text: "two" },
    });
  });
});
