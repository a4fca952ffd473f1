import { describe, expect, test } from "bun:test";
import type { CheckFacts } from "../../../src/stats/checkFacts.ts";
import type { ServerSnapshot } from "../../../src/stats/snapshot.ts";
import { listenWith, serverWith } from "../tableCases.ts";
import { factsWith, passedWith, refusedWith, told, whyOf, worldWith } from "./cases.ts";

const DOWN = { status: "DOWN", up: false, inStateMs: 12_300 } as const;

function worldOf(server: Partial<ServerSnapshot>, facts: CheckFacts | null) {
  const s1 = serverWith({ name: "s1", inStateMs: 3_600_000, ...server });
  const s2 = serverWith({ name: "s2", inStateMs: 3_600_000 });
  return worldWith({
    listens: [listenWith({ name: "web", servers: [s1, s2] })],
    check: (_, name) => (name === "s1" ? facts : null),
  });
}

describe("why a server", () => {
  test("is down: since when, how many in a row, what the last check found, and what would bring it up", () => {
    const facts = factsWith({
      health: 0,
      row: { passed: false, count: 17, sinceAgoMs: 20_000 },
      last: refusedWith(),
      lastFailure: refusedWith(),
      lastPassAgoMs: 22_000,
      trail: [
        { ...refusedWith({ agoMs: 20_000 }), statusText: "UP 2/3" },
        { ...refusedWith({ agoMs: 12_300 }), statusText: "DOWN" },
      ],
    });
    expect(told("web/s1", worldOf(DOWN, facts))).toBe(`web/s1 is DOWN for 12s, since 16:04:56.700
  17 checks in a row have failed (fall 3), the first at 16:04:49.000, 20s ago
    16:04:49.000  L4CON Connection refused -> UP 2/3
    16:04:56.700  L4CON Connection refused -> DOWN
  last check (16:05:08.000, 1.0 s ago): L4CON, Layer4 connection problem, "Connection refused", after 0 ms
    connecting to 192.0.2.11:4900: ECONNREFUSED (Connection refused)
  the last check that passed was at 16:04:47.000, 22s ago

what would help:
  2 successful checks in a row would bring it up (rise 2, 0 so far): the next check is in 1.2 s, then every 5.0 s while it is down
  "set server web/s1 health up" counts it as up until checks find otherwise
`);
  });

  test("is on its way up: the last failure is told beside the pass", () => {
    const facts = factsWith({
      health: 1,
      row: { passed: true, count: 1, sinceAgoMs: 400 },
      lastFailure: refusedWith(),
      inProgress: true,
      nextInMs: null,
    });
    const text = told("web/s1", worldOf({ ...DOWN, status: "DOWN 1/2" }, facts));
    expect(text).toContain("1 check in a row has passed (rise is 2)\n");
    expect(text).toContain(
      '  last failure (16:05:08.000, 1.0 s ago): L4CON, Layer4 connection problem, "Connection refused"',
    );
    expect(text).toContain("1 successful check in a row would bring it up (rise 2, 1 so far): a check is on its way");
  });

  test("answered wrongly: the step, the bytes, escaped, whatever they are", () => {
    const evidence = {
      target: "192.0.2.11:4900",
      step: { number: 2, of: 2, doing: "expect string 'PONG'" },
      errno: null,
      sent: { bytes: 6, text: "PING\\r\\n" },
      received: { bytes: 9, text: "\\x1b[31mNO\\r\\n" },
    };
    const last = refusedWith({ status: "L7RSP", info: "\u001b[31m did not match\u0007", evidence });
    const text = told(
      "web/s1",
      worldOf(DOWN, factsWith({ health: 0, row: { passed: false, count: 3, sinceAgoMs: 5000 }, last })),
    );
    expect(text).toContain(`    connected to 192.0.2.11:4900; step 2 of 2: expect string 'PONG'
    sent 6 bytes "PING\\r\\n"
    received 9 bytes "\\x1b[31mNO\\r\\n"
`);
    expect(text).toContain('"?[31m did not match?"');
  });

  test("is well: the last check, how long it has been up, its share, and what would take it down", () => {
    const world = worldOf({ downs: 2, downtimeMs: 60_000 }, factsWith({ last: passedWith() }));
    expect(whyOf("web/s1", world).healthy).toBeTrue();
    expect(told("web/s1", world)).toBe(`web/s1 is UP for 1h 0m, since 15:05:09.000
  last check (16:05:08.600, 0.4 s ago): L4OK, Layer4 check passed, after 3 ms; 7 in a row have passed, since 16:04:57.000
  up since 15:05:09.000, 1h 0m ago; it was down 2 times, for 1m 0s in all
  50 % of new sessions by weight

what would change it:
  3 failed checks in a row would take it down (fall 3): the next check is in 1.2 s, then every 2.0 s
  "set server web/s1 state drain", or "maint"
`);
  });

  test("wavers: up, but one failure nearer to falling", () => {
    const facts = factsWith({ health: 3, row: { passed: false, count: 1, sinceAgoMs: 1000 }, last: refusedWith() });
    const world = worldOf({ status: "UP 2/3" }, facts);
    expect(whyOf("web/s1", world).healthy).toBeTrue();
    const text = told("web/s1", world);
    expect(text).toContain("  1 check in a row has failed (fall is 3)\n  last check (16:05:08.000");
    expect(text).toContain(
      "2 failed checks in a row would take it down (fall 3, 1 already): the next check is in 1.2 s, then every 0.5 s",
    );
  });

  test.each([
    [
      "in maintenance",
      { status: "MAINT", admin: "maint" },
      "it was put in maintenance (15:05:09.000, 1h 0m ago)",
      '"set server web/s1 state ready", or "enable server web/s1"',
    ],
    ["draining", { status: "DRAIN", admin: "drain" }, "it was told to drain", '"set server web/s1 state ready"'],
    [
      "of weight 0",
      { status: "DRAIN", weight: { configured: 0, effective: 0 } },
      "its weight is 0: it takes nobody new",
      '"set server web/s1 weight" with more than 0',
    ],
    [
      "removed",
      { status: "DRAIN (removed)", leavingForMs: 25_000 },
      "a reload has removed it",
      "a reload of a file that has it again",
    ],
    [
      "without an address",
      { status: "MAINT (resolution)", unresolved: true, address: "db:80" },
      "its name, in db:80, has no address",
      "a name server that knows the name",
    ],
  ] as const)("is %s", (_what, server, because, remedy) => {
    const world = worldOf(server as Partial<ServerSnapshot>, factsWith());
    const why = whyOf("web/s1", world);
    expect(why.healthy).toBeFalse();
    expect(why.reasons[0]?.text).toStartWith(because);
    expect(why.remedies[0]).toStartWith(remedy);
  });

  test("is not checked, full, ramping, or a backup", () => {
    expect(
      told(
        "web/s1",
        worldOf(
          { status: "no check", errors: { connect: 3, retries: 0, redispatches: 0, clientAborts: 0, serverAborts: 0 } },
          null,
        ),
      ),
    ).toContain("nobody checks it: it counts as up whatever it does; 3 connects to it have failed");
    const sessions = { current: 200, max: 200, limit: 200, total: 999 };
    expect(told("web/s1", worldOf({ sessions, queue: { current: 4, max: 5 } }, null))).toContain(
      "it has 200 of 200 sessions, its maxconn: 4 more wait for it",
    );
    expect(told("web/s1", worldOf({ throttlePercent: 40 }, null))).toContain(
      "slow start: it has 40 % of its weight so far",
    );
    expect(told("web/s1", worldOf({ backup: true }, null))).toContain(
      "it is a backup: it takes sessions only when no other",
    );
  });
});
