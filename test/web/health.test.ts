import { describe, expect, test } from "bun:test";
import { standingIn, standingOf } from "../../src/stats/standing.ts";
import { takeSnapshot } from "../../src/stats/takeSnapshot.ts";
import type { ProxyView } from "../../src/stats/view.ts";
import { healthResponse, judgeHealth } from "../../src/web/health.ts";
import { standOf } from "../stats/stand.ts";

const TWO = `
[defaults.timeout]
connect = "1s"
client = "10s"
server = "10s"
[listen.a]
bind = "127.0.0.1:26402"
[[listen.a.server]]
name = "a1"
address = "127.0.0.1:26507"
[listen.b]
bind = "127.0.0.1:26403"
[[listen.b.server]]
name = "b1"
address = "127.0.0.1:26508"
`;

describe("a monitor is told", () => {
  const ofTwo = () => {
    const stand = standOf(TWO);
    return {
      ...stand,
      judge(wanted: string[] = [], over: Partial<ProxyView> = {}) {
        const view = { ...stand.view, ...over };
        const judged = judgeHealth(standingOf(view), wanted);
        expect(judgeHealth(standingIn(takeSnapshot(view)), wanted)).toEqual(judged);
        return judged;
      },
    };
  };

  test("that all is well while every listen has a server", () => {
    expect(ofTwo().judge()).toEqual({
      healthy: true,
      text: "ok: 2 listens served",
      process: "serving",
      listens: [
        { name: "a", healthy: true, usable: 1 },
        { name: "b", healthy: true, usable: 1 },
      ],
      vrrp: {},
    });
  });

  test("which listens have none, and of those alone that it asks for", () => {
    const { pools, judge } = ofTwo();
    pools[1]?.setAdmin(0, "maint");
    expect(judge()).toMatchObject({ healthy: false, text: "no server for b" });
    expect(judge(["a"])).toMatchObject({ healthy: true, text: "ok: 1 listen served" });
    expect(judge(["b", "a"])).toMatchObject({ healthy: false });
  });

  test("that there is no such listen", () => {
    expect(ofTwo().judge(["a", "x"])).toBeNull();
  });

  test("that it stops, or that a thread hangs, whatever the servers do", () => {
    const { view, judge } = ofTwo();
    expect(judge([], { lateThread: 1 })).toMatchObject({ healthy: false, process: "hung" });
    view.stopping = true;
    expect(judge(["a"])).toMatchObject({ healthy: false, process: "stopping" });
  });

  test("that no process serves, whatever it asks for", () => {
    const snapshot = takeSnapshot(standOf(TWO).view);
    const crashLoop = { crashes: 3, reason: "killed by signal SIGSEGV", nextStartMs: 100 };
    const gone = (over: object) =>
      judgeHealth(standingIn({ ...snapshot, listens: [], process: { ...snapshot.process, ...over } }), ["a"]);
    expect(gone({ crashLoop })).toMatchObject({ healthy: false, process: "crashed" });
    expect(gone({ hang: "the proxy process hangs" })).toMatchObject({
      healthy: false,
      text: "the proxy process hangs",
    });
  });

  test("in a line, or in JSON, and one word only if it may not see the page", () => {
    const answer = ofTwo().judge();
    if (answer === null) throw new Error("there is no such listen");
    expect(healthResponse(answer, false, true)).toMatchObject({ status: 200, body: "ok: 2 listens served\n" });
    expect(healthResponse(answer, false, false)).toMatchObject({ status: 200, body: "ok\n" });
    expect(healthResponse({ ...answer, healthy: false }, false, false)).toMatchObject({
      status: 503,
      body: "unavailable\n",
    });
    const json = (mayKnow: boolean) => JSON.parse(String(healthResponse(answer, true, mayKnow).body));
    expect(json(false)).toEqual({ status: "ok" });
    expect(json(true)).toMatchObject({
      status: "ok",
      process: "serving",
      vrrp: {},
      listens: [{ name: "a" }, { name: "b" }],
    });
  });
});
