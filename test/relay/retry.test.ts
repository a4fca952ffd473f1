import { describe, expect, test } from "bun:test";
import { type ConnectFailure, classifyConnectError, decideRetry, type RetryDecision } from "../../src/relay/retry.ts";

const refused: ConnectFailure = { kind: "refused", errno: "ECONNREFUSED" };
const timeout: ConnectFailure = { kind: "timeout" };
const shortage: ConnectFailure = { kind: "shortage", errno: "EMFILE" };
const fresh = { retriesLeft: 3, redispatch: true, untriedUsable: true, connectTimeoutMs: 5000 };
type State = typeof fresh | (Omit<typeof fresh, "connectTimeoutMs"> & { connectTimeoutMs: null });

describe("what follows a failed attempt", () => {
  const table: [what: string, failure: ConnectFailure, state: State, decision: RetryDecision][] = [
    ["an untried server, at once", refused, fresh, { kind: "redispatch" }],
    ["… after a timeout too", timeout, fresh, { kind: "redispatch" }],
    ["the last retry may go elsewhere", refused, { ...fresh, retriesLeft: 1 }, { kind: "redispatch" }],
    ["no retry left", refused, { ...fresh, retriesLeft: 0 }, { kind: "fail" }],
    [
      "all tried: anew after a second",
      refused,
      { ...fresh, untriedUsable: false },
      { kind: "again", delayMs: 1000, anyServer: true },
    ],
    [
      "without redispatch the same after a second",
      refused,
      { ...fresh, redispatch: false },
      { kind: "again", delayMs: 1000, anyServer: false },
    ],
    [
      "a timeout was pause enough",
      timeout,
      { ...fresh, redispatch: false },
      { kind: "again", delayMs: 0, anyServer: false },
    ],
    [
      "never a longer pause than timeout connect",
      refused,
      { ...fresh, redispatch: false, connectTimeoutMs: 300 },
      { kind: "again", delayMs: 300, anyServer: false },
    ],
    [
      "a second where there is none",
      refused,
      { ...fresh, redispatch: false, connectTimeoutMs: null },
      { kind: "again", delayMs: 1000, anyServer: false },
    ],
    ["what we lack, no other server would give us", shortage, fresh, { kind: "fail" }],
  ];
  test.each(table)("%s", (_what, failure, state, decision) => {
    expect(decideRetry(failure, state)).toEqual(decision);
  });
});

test("errors of connect are the server's, the clock's or ours", () => {
  const kinds = (names: string[]): string[] => names.map((name) => classifyConnectError(name).kind);
  expect(kinds(["ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "ENOENT", "EACCES", "EAGAIN"])).toEqual(
    Array(7).fill("refused"),
  );
  expect(kinds(["ETIMEDOUT"])).toEqual(["timeout"]);
  expect(kinds(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL", "EADDRINUSE"])).toEqual(
    Array(6).fill("shortage"),
  );
  expect(classifyConnectError("EHOSTUNREACH")).toEqual({ kind: "refused", errno: "EHOSTUNREACH" });
});
