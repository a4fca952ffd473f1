import { describe, expect, test } from "bun:test";
import { troublesOf } from "../../../src/stats/page/troubles.ts";
import { verdictOf } from "../../../src/stats/page/verdict.ts";
import type { ListenSnapshot, ServerSnapshot, Snapshot } from "../../../src/stats/snapshot.ts";
import { BUSY, checkedAs, listenWith, processWith, serverWith } from "../tableCases.ts";
import { instanceWith, vrrpStatusWith } from "../vrrpCases.ts";

const up = serverWith({ name: "up", check: checkedAs("L4OK") });
const rising = serverWith({ name: "rising", status: "UP 2/3" });
const down = serverWith({
  name: "down",
  status: "DOWN",
  up: false,
  inStateMs: 61_000,
  check: checkedAs("L4CON", { info: "Connection refused" }),
});
const maint = serverWith({ name: "maint", status: "MAINT", admin: "maint", inStateMs: 5000 });
const draining = serverWith({ name: "draining", status: "DRAIN", admin: "drain" });
const unchecked = serverWith({ name: "unchecked", status: "no check" });
const nameless = serverWith({ name: "nameless", status: "MAINT (resolution)", unresolved: true });

const listen = (name: string, ...servers: ServerSnapshot[]) => listenWith({ name, servers });
const unserved = (name: string, ...servers: ServerSnapshot[]) =>
  listenWith({ name, servers, status: "DOWN", available: false, inStateMs: 59_000 });
const snapshotOf = (listens: ListenSnapshot[], over: Partial<Snapshot> = {}): Snapshot => ({
  process: processWith(),
  vrrp: null,
  listens,
  ...over,
});

describe("the verdict", () => {
  test.each<[look: string, text: string, listens: ListenSnapshot[]]>([
    ["ok", "the one server is up", [listen("web", up)]],
    ["ok", "all 3 servers up", [listen("web", up, rising), listen("mail", up)]],
    [
      "ok",
      "1 of 4 servers up, 1 not checked, 1 in maintenance, 1 draining",
      [listen("web", up, maint, draining, unchecked)],
    ],
    ["ok", "1 server, 1 not checked", [listen("web", unchecked)]],
    ["ok", "no servers", [listen("web")]],
    ["ok", "no listens", []],
    [
      "warn",
      "2 servers down in 1 of 3 listens",
      [listen("web", up, down, nameless), listen("mail", up), listen("x", up)],
    ],
    ["warn", "1 of 2 servers down", [listen("web", up, down)]],
    ["bad", "nobody serves web, 1 server down in 1 of 2 listens", [unserved("web", down), listen("mail", up)]],
    ["bad", "nobody serves any of 2 listens", [unserved("web", maint), unserved("mail", maint)]],
    ["bad", "nobody serves 2 listens", [unserved("web", maint), unserved("mail", maint), listen("x", up)]],
  ])("is %s: %s", (look, text, listens) => {
    expect(verdictOf(snapshotOf(listens))).toEqual({ look, text } as ReturnType<typeof verdictOf>);
  });

  test("speaks of virtual routers, and not of one that is BACKUP", () => {
    const fault = instanceWith({ state: "FAULT", faults: ["interface eth0 is down"] });
    const of = (...instances: Parameters<typeof vrrpStatusWith>) =>
      verdictOf(snapshotOf([listen("web", up)], { vrrp: vrrpStatusWith(...instances) })).text;
    expect(of(fault)).toBe("VI_1 is in FAULT");
    expect(of(fault, { ...fault, name: "VI_2" })).toBe("2 of 2 virtual routers in trouble");
    expect(of(instanceWith({ state: "BACKUP", addresses: [] }))).toBe("the one server is up");
  });

  test("says that a process is stopping, or cannot be started", () => {
    expect(verdictOf(snapshotOf([listen("web", up)], { process: processWith({ stopping: true }) }))).toEqual({
      look: "warn",
      text: "stopping: no new connections are accepted",
    });
    const crashLoop = { crashes: 3, reason: "exit code 70", nextStartMs: 900 };
    expect(verdictOf(snapshotOf([], { process: processWith({ crashLoop }) }))).toEqual({
      look: "bad",
      text: "crash loop: nobody is served",
    });
  });
});

describe("what is wrong", () => {
  test("comes in the order of how bad it is, each with since when and why", () => {
    const { look, name, id, ...rest } = troublesOf(BUSY)[0] ?? { look: "", name: "", id: "" };
    expect([look, name, id]).toEqual(["bad", "b", "l:b"]);
    expect(rest).toEqual({ what: "nobody serves it", forMs: 59_000, why: "of 2 servers 1 down, 1 in maintenance" });
    expect(troublesOf(BUSY).map(({ name, what, why }) => `${name} ${what}: ${why}`)).toEqual([
      "b nobody serves it: of 2 servers 1 down, 1 in maintenance",
      "tcp_service_a/tcp_service_a_02 DOWN 1/2: L4CON Connection refused",
      "b/b2 DOWN: L7STS 421 4.3.2 too busy, please come back",
      "b/b1 MAINT: taken out by hand",
    ]);
  });

  test("is nothing when all is well", () => {
    expect(troublesOf(snapshotOf([listen("web", up, rising, unchecked)]))).toEqual([]);
  });

  test("has a name without an address, a limit that is reached and a weight of 0", () => {
    const weightless = serverWith({ name: "w", status: "DRAIN", weight: { configured: 0, effective: 0 } });
    const full = listenWith({
      name: "full",
      status: "FULL",
      sessions: { current: 50, max: 50, limit: 50, total: 99 },
      servers: [nameless, weightless],
    });
    expect(troublesOf(snapshotOf([full])).map(({ look, what, why }) => [look, what, why])).toEqual([
      ["bad", "MAINT (resolution)", "its name has no address"],
      ["warn", "FULL: new clients wait", "50 sessions are its limit"],
      ["drain", "DRAIN", "its weight is 0"],
    ]);
  });

  test("leads to the virtual router that it is about", () => {
    const vrrp = vrrpStatusWith(instanceWith({ state: "FAULT", faults: ["interface eth0 is down"], inStateMs: 3000 }));
    expect(troublesOf(snapshotOf([], { vrrp }))).toEqual([
      { look: "bad", name: "VI_1", id: "v:VI_1", what: "is in FAULT: interface eth0 is down", forMs: 3000, why: "" },
    ]);
  });

  test("leaves out a server that was removed", () => {
    const leaving = serverWith({ ...down, name: "gone", status: "DRAIN (removed)", leavingForMs: 3000 });
    expect(troublesOf(snapshotOf([listen("web", up, leaving)]))).toEqual([]);
  });
});
