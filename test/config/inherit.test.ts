import { describe, expect, test } from "bun:test";
import { inherit, merge, mergeCheck } from "../../src/config/inherit.ts";

describe("inheritance", () => {
  test("merges tables key by key and replaces everything else whole", () => {
    const defaults = { retries: 3, timeout: { connect: "5s", client: "1m" }, source: ["192.0.2.1"] };
    const listen = { timeout: { client: "2m" }, source: ["192.0.2.2"] };
    expect(merge(defaults, listen)).toEqual({
      retries: 3,
      timeout: { connect: "5s", client: "2m" },
      source: ["192.0.2.2"],
    });
  });

  test("changes none of the tables it reads", () => {
    const defaults = { timeout: { connect: "5s" } };
    merge(defaults, { timeout: { connect: "1s" } });
    expect(defaults).toEqual({ timeout: { connect: "5s" } });
  });

  test.each([
    ["nothing over nothing", undefined, undefined, undefined],
    ["nothing over a table", { rise: 1 }, undefined, { rise: 1 }],
    ["true keeps a table", { rise: 1 }, true, { rise: 1 }],
    ["true over false", false, true, true],
    ["false drops a table", { rise: 1 }, false, false],
    ["a table over true", true, { rise: 1 }, { rise: 1 }],
    ["a table over false", false, { rise: 1 }, { rise: 1 }],
    ["tables merge", { rise: 1, fall: 1 }, { fall: 2 }, { rise: 1, fall: 2 }],
    ["send replaces send and expect", { rise: 1, send: "A", expect: "B" }, { send: "C" }, { rise: 1, send: "C" }],
    ["steps replace send and expect", { send: "A", expect: "B" }, { step: [] }, { step: [] }],
    ["expect replaces steps", { step: [] }, { expect: "B" }, { expect: "B" }],
  ])("checks: %s", (_name, below, over, merged) => {
    expect(mergeCheck(below, over)).toEqual(merged);
  });

  test("hands source and check to the servers, through default_server, the nearest word winning", () => {
    const defaults = { source: "192.0.2.1", check: { rise: 1, fall: 1 }, default_server: { weight: 5, maxconn: 9 } };
    const listen = {
      bind: ":80",
      check: { fall: 2 },
      default_server: { weight: 6, check: { fall: 3 } },
      server: [{ name: "a" }, { name: "b", weight: 7, source: "192.0.2.2", check: false }],
    };
    expect(inherit(defaults, listen)).toEqual({
      listen: { bind: ":80" },
      servers: [
        { name: "a", source: "192.0.2.1", check: { rise: 1, fall: 3 }, weight: 6, maxconn: 9 },
        { name: "b", source: "192.0.2.2", check: false, weight: 7, maxconn: 9 },
      ],
      serverDefaults: { source: "192.0.2.1", check: { rise: 1, fall: 3 }, weight: 6, maxconn: 9 },
    });
  });

  test("keeps the index of a server that is no table", () => {
    expect(inherit({}, { server: [5, { name: "b" }] }).servers).toEqual([null, { name: "b" }]);
  });
});
