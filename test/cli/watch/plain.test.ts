import { describe, expect, test } from "bun:test";
import { NOTHING_TOLD, tell, watchPlainly } from "../../../src/cli/watch/plain.ts";
import { isUnicode, readInterval } from "../../../src/cli/watch/start.ts";
import { UserError } from "../../../src/core/errors.ts";
import type { Snapshot } from "../../../src/stats/snapshot.ts";
import { checkedAs, listenWith, processWith, serverWith } from "../../stats/tableCases.ts";
import { instanceWith } from "../../stats/vrrpCases.ts";
import { WALL_MS } from "./cases.ts";

const CON = checkedAs("L4CON", { info: "Connection\u001b[2Jrefused", durationMs: 0 });
const standing = (
  over: { up?: boolean; servers?: string[]; proxyUptimeMs?: number; bytesIn?: number } = {},
): Snapshot => {
  const { up = true, servers = ["a", "b"], proxyUptimeMs = 1000, bytesIn = 0 } = over;
  return {
    process: processWith({ proxyUptimeMs, connections: { current: 2, max: 2, limit: 100, total: 10 } }),
    vrrp: null,
    listens: [
      listenWith({
        name: "web",
        bytesIn,
        servers: servers.map((name) =>
          serverWith({ name, ...(name === "a" && !up && { up, status: "DOWN", check: CON }) }),
        ),
      }),
    ],
  };
};

describe("without a terminal", () => {
  test("the first look is the whole table, without any code", () => {
    const [lines] = tell(NOTHING_TOLD, standing({ up: false }), WALL_MS, 100);
    expect(lines[0]).toBe("2026-11-22 16:05:09");
    expect(lines[1]).toStartWith("haproxy-lite 0.1.0");
    expect(lines.join("\n")).toContain("1 server down: web/a");
    expect(lines.join("\n")).not.toContain("\u001b");
  });

  test("every other one is what has changed, and a line of how it goes", () => {
    let [, told] = tell(NOTHING_TOLD, standing(), WALL_MS, 100);
    let lines: string[];
    [lines, told] = tell(told, standing({ up: false, proxyUptimeMs: 2000, bytesIn: 2048 }), WALL_MS + 1000, 100);
    expect(lines).toEqual([
      "2026-11-22 16:05:10 server web/a UP -> DOWN: L4CON Connection?[2Jrefused",
      "2026-11-22 16:05:10 1/1 listens up, 1/2 servers up, 2/100 connections, 0/s, in 2.0K/s, out 0/s",
    ]);
    [lines, told] = tell(told, standing({ servers: ["b", "c"], proxyUptimeMs: 3000 }), WALL_MS + 2000, 100);
    expect(lines.slice(0, -1)).toEqual([
      "2026-11-22 16:05:11 server web/a is gone",
      "2026-11-22 16:05:11 server web/c is new: UP",
    ]);
  });

  test("a virtual router's change has its cause", () => {
    const withRouter = (state: "MASTER" | "BACKUP"): Snapshot => ({
      ...standing(),
      vrrp: {
        routerId: "lb01",
        ageMs: 0,
        instances: [
          instanceWith({
            state,
            lastTransition: { from: "BACKUP", to: "MASTER", cause: "no advert for 3 s", wallMs: 0 },
          }),
        ],
      },
    });
    const [, told] = tell(NOTHING_TOLD, withRouter("BACKUP"), WALL_MS, 100);
    expect(tell(told, withRouter("MASTER"), WALL_MS, 100)[0][0]).toEndWith(
      "VRRP VI_1 BACKUP -> MASTER: no advert for 3 s",
    );
  });

  test("silence is said once, and its end with how long it was", () => {
    let [, told] = tell(NOTHING_TOLD, standing(), WALL_MS, 100);
    let lines: string[];
    [lines, told] = tell(told, { reason: "not running" }, WALL_MS + 1000, 100);
    expect(lines).toEqual(["2026-11-22 16:05:10 NO ANSWER: not running"]);
    [lines, told] = tell(told, { reason: "not running" }, WALL_MS + 2000, 100);
    expect(lines).toEqual([]);
    [lines, told] = tell(told, standing(), WALL_MS + 62_000, 100);
    expect(lines[0]).toBe("2026-11-22 16:06:11 answers again, after 1m 1s");
  });

  test("it goes on until nobody reads", async () => {
    const said: string[] = [];
    const answers = [JSON.stringify(standing()), null, JSON.stringify(standing({ up: false }))];
    const oracle = {
      ask: async () => {
        const answer = answers.shift();
        if (typeof answer !== "string") throw new UserError("not running", 3);
        return answer;
      },
      parse: (answer: string) => JSON.parse(answer) as Snapshot,
    };
    expect(await watchPlainly(oracle, 1, 100, (text) => said.push(text) < 3)).toBe(0);
    expect(said[0]).toContain("NAME");
    expect(said[1]).toContain("NO ANSWER: not running");
    expect(said[2]).toContain("server web/a UP -> DOWN");
  });

  test("a fault of our own is not taken for silence of the balancer", () => {
    const oracle = { ask: async () => "", parse: () => JSON.parse("") as Snapshot };
    expect(watchPlainly(oracle, 1, 100, () => true)).rejects.toThrow(SyntaxError);
  });
});

test.each([
  ["1s", 1000],
  ["250ms", 250],
  ["1m", 60_000],
])("--interval %s is %i ms", (text, intervalMs) => {
  expect(readInterval(text)).toBe(intervalMs);
});

test.each(["5", "10ms", "2h", "soon", ""])("--interval %j is refused with what would be right", (text) => {
  expect(() => readInterval(text)).toThrow(/^--interval .*: .*write /);
});

test("the first locale variable that is set decides about characters", () => {
  expect(isUnicode({ LANG: "de_DE.UTF-8" })).toBeTrue();
  expect(isUnicode({ LANG: "C.utf8", LC_ALL: "C" })).toBeFalse();
  expect(isUnicode({ LANG: "C", LC_CTYPE: "en_US.UTF-8", LC_ALL: "" })).toBeTrue();
  expect(isUnicode({})).toBeFalse();
});
