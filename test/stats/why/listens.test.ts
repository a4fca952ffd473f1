import { describe, expect, test } from "bun:test";
import { listenWith, processWith, serverWith } from "../tableCases.ts";
import { factsWith, refusedWith, told, whyOf, worldWith } from "./cases.ts";

const FAILED = factsWith({ health: 0, row: { passed: false, count: 3, sinceAgoMs: 4000 }, last: refusedWith() });
const s1 = serverWith({ name: "s1", status: "DOWN", up: false, inStateMs: 3000 });
const s2 = serverWith({ name: "s2", status: "MAINT", admin: "maint", inStateMs: 60_000 });
const s3 = serverWith({ name: "s3" });

describe("why a listen", () => {
  test("is down: each server with its own reason, and what would help each", () => {
    const listen = listenWith({ name: "web", status: "DOWN", available: false, inStateMs: 3000, servers: [s1, s2] });
    const world = worldWith({ listens: [listen], check: (_, name) => (name === "s1" ? FAILED : null) });
    expect(whyOf("web", world)).toMatchObject({ kind: "listen", state: "DOWN", healthy: false });
    expect(told("web", world)).toBe(`web is DOWN for 3.0 s, since 16:05:06.000
  0 of 2 servers can take sessions; nobody serves it since 16:05:06.000, 3.0 s ago
    web/s1 is DOWN, for 3.0 s
      3 checks in a row have failed (fall 3), the first at 16:05:05.000, 4.0 s ago
      last check (16:05:08.000, 1.0 s ago): L4CON, Layer4 connection problem, "Connection refused", after 0 ms
        connecting to 192.0.2.11:4900: ECONNREFUSED (Connection refused)
      the last check that passed was at 16:05:08.600, 0.4 s ago
    web/s2 is MAINT, for 1m 0s
      it was put in maintenance (16:04:09.000, 1m 0s ago): it takes nobody and is not checked

what would help:
  web/s1: 2 successful checks in a row would bring it up (rise 2, 0 so far): the next check is in 1.2 s, then every 5.0 s while it is down
  web/s2: "set server web/s2 state ready", or "enable server web/s2"
`);
  });

  test("is open, with a server that is not well and clients that wait", () => {
    const busy = serverWith({ name: "s3", sessions: { current: 5, max: 5, limit: 5, total: 9 } });
    const listen = listenWith({ name: "web", servers: [s2, busy], queue: { current: 3, max: 8 } });
    const why = whyOf("web", worldWith({ listens: [listen] }));
    expect(why.healthy).toBeTrue();
    expect(why.reasons[0]?.text).toStartWith(
      "it accepts on 0.0.0.0:14900, and 1 of 2 servers can take sessions, since",
    );
    expect(why.reasons[0]?.because.map(({ text }) => text)).toEqual(["web/s2 is MAINT, for 1m 0s"]);
    expect(why.reasons[1]).toEqual({
      text: "3 connections wait for a server (8 at most so far)",
      because: [{ text: "s3 has 5 of 5 sessions", because: [] }],
    });
  });

  test.each([
    ["its own", 10, "it has 10 of 10 connections, its maxconn: further clients wait", '"set maxconn frontend web"'],
    ["the process's", null, "the process has 123 of 123 connections, the maxconn of [global]", '"set maxconn global"'],
  ] as const)("is full at %s limit", (_whose, limit, because, remedy) => {
    const sessions = { current: 10, max: 10, limit, total: 10 };
    const listen = listenWith({ name: "web", status: "FULL", sessions, acceptPauses: 2, servers: [s3] });
    const process = processWith({ connections: { current: 123, max: 123, limit: 123, total: 123 } });
    const why = whyOf("web", { ...worldWith(), snapshot: { process, listens: [listen], vrrp: null } });
    expect([why.healthy, why.summary]).toEqual([false, "web is FULL"]);
    expect(why.reasons[0]?.text).toStartWith(because);
    expect(why.reasons[0]?.because[0]?.text).toBe("accepting has stopped for a limit 2 times so far");
    expect(why.remedies[0]).toContain(remedy);
  });

  test("has so many servers that not all of them can be told of", () => {
    const servers = Array.from({ length: 40 }, (_, i) => serverWith({ ...s2, name: `s${i}` }));
    const listen = listenWith({ name: "web", status: "DOWN", available: false, servers });
    const [first] = whyOf("web", worldWith({ listens: [listen] })).reasons;
    expect([first?.because.length, first?.because.at(-1)?.text]).toEqual([11, "and 30 more"]);
  });

  test("leaves", () => {
    const listen = listenWith({ name: "web", status: "STOP", leavingForMs: 1000, servers: [s3] });
    expect(told("web", worldWith({ listens: [listen] }))).toContain(
      "a reload has removed it: it accepts nobody, 0 sessions go on",
    );
  });
});
