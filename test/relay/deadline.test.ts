import { describe, expect, test } from "bun:test";
import type { TimeoutConfig } from "../../src/config/schema.ts";
import { type IdleState, idleDeadlines, queueTimeout } from "../../src/relay/deadline.ts";

const NONE: TimeoutConfig = {
  connectMs: null,
  clientMs: null,
  serverMs: null,
  queueMs: null,
  tunnelMs: null,
  clientFinMs: null,
  serverFinMs: null,
};
const BOTH = { clientMs: 100, serverMs: 700 };
const FINS = { ...BOTH, clientFinMs: 20, serverFinMs: 30 };
/** Last traffic at 1000, both sides open and reading. */
const OPEN: IdleState = {
  lastActivityMs: 1000,
  clientEndedMs: null,
  serverEndedMs: null,
  clientBlocked: false,
  serverBlocked: false,
};
const NEVER = Infinity;

describe("who is to be given up on, and when", () => {
  const table: [
    what: string,
    state: Partial<IdleState>,
    timeout: Partial<TimeoutConfig>,
    client: number,
    server: number,
  ][] = [
    ["no timeouts", {}, {}, NEVER, NEVER],
    ["both open", {}, BOTH, 1100, 1700],
    ["one timeout only", {}, { serverMs: 700 }, NEVER, 1700],
    ["tunnel replaces both", {}, { ...BOTH, tunnelMs: 5000 }, 6000, 6000],
    ["tunnel replaces them when it is shorter too", {}, { ...BOTH, tunnelMs: 10 }, 1010, 1010],
    ["fin timeouts do not count while both are open", {}, FINS, 1100, 1700],
    ["the client has ended: only the server is waited for", { clientEndedMs: 1000 }, BOTH, NEVER, 1700],
    ["… and then by its fin timeout", { clientEndedMs: 1000 }, FINS, NEVER, 1030],
    ["… counted from the end, when that came after the last byte", { clientEndedMs: 1050 }, FINS, NEVER, 1080],
    ["… or from the last byte, when that came after the end", { clientEndedMs: 900 }, FINS, NEVER, 1030],
    ["… in place of the tunnel's", { clientEndedMs: 1000 }, { ...FINS, tunnelMs: 5000 }, NEVER, 1030],
    ["… but the tunnel's where there is none", { clientEndedMs: 1000 }, { ...BOTH, tunnelMs: 5000 }, NEVER, 6000],
    ["the server has ended: only the client is waited for", { serverEndedMs: 1000 }, BOTH, 1100, NEVER],
    ["… and then by its fin timeout", { serverEndedMs: 1010 }, FINS, 1030, NEVER],
    [
      "a server that does not read is watched, and its client is not, for we do not read it",
      { serverBlocked: true },
      BOTH,
      NEVER,
      1700,
    ],
    ["a client that does not read is watched, and its server is not", { clientBlocked: true }, BOTH, 1100, NEVER],
    ["neither reads: both are watched", { clientBlocked: true, serverBlocked: true }, BOTH, 1100, 1700],
    ["a client that has ended must still read", { clientEndedMs: 1000, clientBlocked: true }, BOTH, 1100, NEVER],
    ["a server that has ended must still read", { serverEndedMs: 1000, serverBlocked: true }, BOTH, NEVER, 1700],
  ];
  test.each(table)("%s", (_what, state, timeout, clientMs, serverMs) => {
    expect(idleDeadlines({ ...OPEN, ...state }, { ...NONE, ...timeout })).toEqual({ clientMs, serverMs });
  });
});

test("waiting for a slot is limited by timeout queue, else by timeout connect, else not at all", () => {
  expect(queueTimeout({ ...NONE, queueMs: 5, connectMs: 9 })).toBe(5);
  expect(queueTimeout({ ...NONE, connectMs: 9 })).toBe(9);
  expect(queueTimeout(NONE)).toBe(Infinity);
});
