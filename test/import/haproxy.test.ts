import { describe, expect, test } from "bun:test";
import { splitLine } from "../../src/import/haproxy/words.ts";
import { ImportError } from "../../src/import/source.ts";
import { imported } from "./importing.ts";

const words = (line: string, variables = {}) => splitLine(line, variables).words.map(({ text }) => text);

describe("a line of HAProxy's", () => {
  const cases: readonly (readonly [line: string, words: readonly string[]])[] = [
    ["  server a  b # c", ["server", "a", "b"]],
    ["x a\\ b\\#c", ["x", "a b#c"]],
    ["x 'a \"$V\" \\n'", ["x", 'a "$V" \\n']],
    ['x "a $V $\u007bV}b $\u007bNO-else} \\$V"', ["x", "a 1 1b else $V"]],
    ["x \\x41\\r\\n\\d", ["x", "A\r\n\\d"]],
    ['x ""', ["x", ""]],
  ];
  for (const [line, expected] of cases) test(line, () => expect(words(line, { V: "1" })).toEqual([...expected]));

  test("says what it breaks off in, and where each word stands", () => {
    expect(splitLine('x "a', {}).open).toBe('"');
    expect(splitLine("  ab cd", {}).words.map(({ column }) => column)).toEqual([3, 6]);
  });
});

/** A listen with these lines, and one server. */
const listen = (...lines: string[]) =>
  imported(
    ["defaults", " timeout connect 1s", "listen a", " bind 127.0.0.1:7000", ...lines.map((line) => ` ${line}`)].join(
      "\n",
    ),
  );
const server = (options: string) => listen(`server s 127.0.0.1:7001 ${options}`);

describe("what a file says and what it becomes", () => {
  const cases: readonly (readonly [options: string, lines: readonly string[]])[] = [
    [
      "check inter 500 fastinter 100ms downinter 1m rise 3 fall 4",
      ['interval = "500ms"', 'fast_interval = "100ms"', 'down_interval = "1m"', "rise = 3", "fall = 4"],
    ],
    [
      "weight 0 maxconn 10 backup slowstart 1500",
      ["weight = 0", "maxconn = 10", "backup = true", 'slowstart = "1500ms"'],
    ],
    ["send-proxy-v2 on-marked-down shutdown-sessions", ['send_proxy = "v2"', 'on_marked_down = "shutdown-sessions"']],
    [
      "check observe layer4 error-limit 3 on-error mark-down",
      ['observe = "layer4"', "error_limit = 3", 'on_error = "mark-down"'],
    ],
    ["check port 80 addr 127.0.0.9", ["check_port = 80", 'check_address = "127.0.0.9"']],
    ["source 127.0.0.5 init-addr last,libc,none", ['source = "127.0.0.5"', 'init_addr = "none"']],
  ];
  for (const [options, lines] of cases) {
    test(`server … ${options}`, () => {
      const { toml } = server(options);
      for (const line of lines) expect(toml).toContain(`\n${line}\n`);
    });
  }

  test("defaults of both are not written", () => {
    const { toml } = server("check inter 2s rise 2 fall 3 weight 1");
    expect(toml).not.toMatch(/interval|rise|fall|weight/);
  });

  test("retries go to the same server unless redispatch is asked for, where there is another", () => {
    const two = ["server s 127.0.0.1:7001", "server t 127.0.0.1:7002"];
    expect(listen(...two).toml).toContain("redispatch = false");
    expect(listen("option redispatch", ...two).toml).not.toContain("redispatch");
    expect(server("").toml).not.toContain("redispatch");
  });

  test("timeouts are milliseconds unless they say otherwise, and 0 is none", () => {
    const { toml } = listen("timeout client 5000", "timeout server 90s", "timeout tunnel 0", "server s 127.0.0.1:7001");
    expect(toml).toContain('client = "5s"');
    expect(toml).toContain('server = "90s"');
    expect(toml).not.toContain("tunnel");
  });

  test("a shared backend becomes one listen with both addresses, or a copy for each where clients are treated differently", () => {
    const both = (limit: string) =>
      imported(
        `frontend f\n bind :1001\n${limit} default_backend b\nfrontend g\n bind :1002\n default_backend b\nbackend b\n server s 127.0.0.1:1\n`,
      );
    expect(both("").toml).toContain('[listen.b]\nbind = [":1001", ":1002"]');
    const apart = both(" maxconn 5\n");
    expect(apart.toml).toMatch(/\[listen\.f\].*\[listen\.g\]/s);
    expect(apart.findings.map(({ why }) => why).join()).toContain("shared by several frontends");
  });

  test("an IPv6 wildcard takes IPv4 along unless v6only", () => {
    expect(imported("listen a\n bind :::80\n server s 127.0.0.1:1\n").toml).toContain('bind = [":80", "[::]:80"]');
    expect(imported("listen a\n bind :::80 v6only\n server s 127.0.0.1:1\n").toml).toContain('bind = "[::]:80"');
  });

  test("a variable that is not set is said to be missing", () => {
    const { findings } = imported('listen a\n bind "127.0.0.1:$NOT_THERE"\n');
    const note = findings.find(({ kind }) => kind === "note");
    expect(note).toMatchObject({ line: 2, why: expect.stringContaining("NOT_THERE") });
  });
});

test("what is no file of HAProxy's is refused with the place", () => {
  expect(() => imported("hello world\n")).toThrow(ImportError);
  expect(() => imported("global\0\n")).toThrow("NUL");
});
