import { describe, expect, test } from "bun:test";
import { explain, look, type Oracle, order } from "../../../src/cli/watch/look.ts";
import { UserError } from "../../../src/core/errors.ts";
import type { Snapshot } from "../../../src/stats/snapshot.ts";
import { crowd } from "./cases.ts";

const SNAPSHOT = crowd(1, 1);

/** A balancer that answers these commands, and refuses all others as HAProxy does. */
function balancer(answers: Readonly<Record<string, string>>): Oracle {
  return {
    ask: async (command) => {
      const asked = command.replace("set severity-output number;", "");
      const mark = asked === command ? "" : "\n";
      return answers[asked] ?? `${mark}[3]: Unknown command, but maybe …\n`;
    },
    parse: (answer) => JSON.parse(answer) as Snapshot,
  };
}

const STATUS = { "show status": JSON.stringify(SNAPSHOT) };

describe("a look", () => {
  test("has how things stand, the last events newest first, and what the socket allows", async () => {
    const events = [{ id: 1 }, { id: 2 }];
    const sample = await look(
      balancer({
        ...STATUS,
        "show cli level": "\n[6]: operator\n",
        "show events 100 json": `\n${JSON.stringify(events)}\n`,
      }),
    );
    expect(sample).toEqual({ snapshot: SNAPSHOT, level: "operator", events: events.toReversed() as never });
  });

  test("at a balancer that knows less has less", async () => {
    expect(await look(balancer(STATUS))).toEqual({ snapshot: SNAPSHOT, level: null, events: null });
  });

  test("fails as the asking does", () => {
    const silent: Oracle = { ask: () => Promise.reject(new UserError("not running", 3)), parse: () => SNAPSHOT };
    expect(look(silent)).rejects.toThrow("not running");
  });
});

test("a command is refused by its severity, whatever it says", async () => {
  const said = balancer({ a: "\n", b: "\n[3]: No such server.\n", c: "\n[6]: IP changed\n" });
  expect(await order(said, "a")).toEqual({ text: "", refused: false });
  expect(await order(said, "b")).toEqual({ text: "No such server.\n", refused: true });
  expect(await order(said, "c")).toEqual({ text: "IP changed\n", refused: false });
});

test("an explanation is null where there is none", async () => {
  expect(await explain(balancer({ "show why web/s1": "\nbecause\n" }), "web/s1")).toBe("because\n");
  expect(await explain(balancer({}), "web/s1")).toBeNull();
});
