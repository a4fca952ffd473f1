import { expect, test } from "bun:test";
import { writingCommands } from "../../../src/admin/commands/writing.ts";
import { answer } from "../../../src/admin/protocol.ts";
import { FakeOperator } from "../fakeOperator.ts";

test.each([
  ["", {}],
  ["weight 7 maxconn 3 backup", { weight: 7, maxconn: 3, backup: true }],
  ["check", { check: {} }],
  [
    "check inter 500 fastinter 1s downinter 1m rise 3 fall 2",
    {
      check: { interval: "500ms", fast_interval: "1s", down_interval: "1m", rise: 3, fall: 2 },
    },
  ],
  ["inter 500ms check", { check: { interval: "500ms" } }],
  ["check port 81 addr 192.0.2.8", { check: {}, check_port: 81, check_address: "192.0.2.8" }],
  ["no-check", { check: false }],
  // Intervals and the like turn no check on, and 0 is no port and no limit.
  ["inter 500ms rise 3", {}],
  ["check port 0 maxconn 0", { check: {} }],
  ["disabled enabled", {}],
  ["send-proxy-v2 slowstart 2000 source 192.0.2.3", { send_proxy: "v2", slowstart: "2000ms", source: "192.0.2.3" }],
  [
    "observe layer4 error-limit 3 on-error mark-down on-marked-down shutdown-sessions",
    {
      observe: "layer4",
      error_limit: 3,
      on_error: "mark-down",
      on_marked_down: "shutdown-sessions",
    },
  ],
])("add server web/x … %s", async (keywords, keys) => {
  const operator = new FakeOperator();
  const words = `add server web/x 192.0.2.9:80 ${keywords}`.split(" ").filter((word) => word !== "");
  expect(await answer(words, writingCommands(operator))).toBe("New server registered.\n\n");
  expect(operator.web.added).toEqual([{ name: "x", address: "192.0.2.9:80", keys }]);
  expect(operator.web.servers.at(-1)?.admin).toBe("maint");
});

test.each([
  ["weight", "'weight' expects an argument."],
  ["weight abc", 'weight: "abc" is not a number: write a whole number, 0..256'],
  ["minconn 3", "'minconn' option is not accepted for dynamic server"],
  ["agent-check", "'agent-check' option is not accepted for dynamic server"],
  ["constructor", "unknown keyword 'constructor'."],
])("add server web/x … %s is refused", async (keywords, said) => {
  const operator = new FakeOperator();
  const words = ["add", "server", "web/x", "192.0.2.9:80", ...keywords.split(" ")];
  expect(await answer(words, writingCommands(operator))).toBe(`${said}\n\n`);
  expect(operator.web.added).toEqual([]);
});

test("a server with sessions cannot be deleted", async () => {
  const operator = new FakeOperator();
  const [server] = operator.web.servers;
  if (server === undefined) throw new Error("no server");
  Object.assign(server, { admin: "maint", hasSessions: true });
  const del = () => answer(["del", "server", "web/a"], writingCommands(operator));
  expect(await del()).toBe("Server still has connections attached to it, cannot remove it.\n");
  server.endSessions();
  expect(await del()).toBe("Server deleted.\n");
  expect(operator.web.servers).toHaveLength(1);
});

test("a listen with static weights takes none but the file's, and 0", async () => {
  const operator = new FakeOperator();
  const set = (weight: string) => answer(["set", "weight", "static/s", weight], writingCommands(operator));
  expect(await set("5")).toBe("Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.\n\n");
  for (const weight of ["0", "100%", "10"]) expect(await set(weight)).toBe("\n");
});
