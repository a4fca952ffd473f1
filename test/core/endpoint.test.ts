import { describe, expect, test } from "bun:test";
import {
  BIND_RULES,
  canonicalHost,
  DIAL_RULES,
  type Endpoint,
  formatEndpoint,
  ipVersion,
  isHostName,
  parseEndpoint,
  sameEndpoint,
} from "../../src/core/endpoint.ts";

const tcp = (host: string, port: number): Endpoint => ({ kind: "tcp", host, port });
const unix = (path: string): Endpoint => ({ kind: "unix", path });

describe("an endpoint", () => {
  test.each<[string, Endpoint]>([
    ["192.0.2.1:80", tcp("192.0.2.1", 80)],
    ["[2001:db8::1]:65535", tcp("2001:db8::1", 65535)],
    [":1", tcp("0.0.0.0", 1)],
    ["*:80", tcp("0.0.0.0", 80)],
    ["[::]:80", tcp("::", 80)],
    ["unix:/run/a.sock", unix("/run/a.sock")],
    ["/run/a.sock", unix("/run/a.sock")],
    ["unix:@abstract", unix("@abstract")],
    [`unix:/${"x".repeat(106)}`, unix(`/${"x".repeat(106)}`)],
  ])("to listen on: %s", (text, endpoint) => {
    expect(parseEndpoint(text, BIND_RULES)).toEqual({ ok: true, endpoint });
  });

  test.each<[string, Endpoint]>([
    ["db.example.com:5432", tcp("db.example.com", 5432)],
    ["localhost:80", tcp("localhost", 80)],
    ["my_host:80", tcp("my_host", 80)],
    ["192.0.2.1:80", tcp("192.0.2.1", 80)],
  ])("to connect to: %s", (text, endpoint) => {
    expect(parseEndpoint(text, DIAL_RULES)).toEqual({ ok: true, endpoint });
  });

  test.each([
    ["", "has no port"],
    [":", "has no port after its colon"],
    [":0", "has port 0"],
    [":65536", "has port 65536"],
    [":70000", "has port 70000"],
    [":99999999999", 'has "99999999999" where a port belongs'],
    [":-1", 'has "-1" where a port belongs'],
    [":80 ", 'has "80 " where a port belongs'],
    ["192.0.2.1", "has no port"],
    ["[2001:db8::1]", "has no port"],
    ["2001:db8::1", "is an IPv6 address without brackets"],
    ["[192.0.2.1]:80", "has no IPv6 address between its brackets"],
    ["[]:80", "has no IPv6 address between its brackets"],
    ["[::1]80", "has a bracket in the wrong place"],
    ["2001:db8::zz:80", "has an IPv6 address without brackets"],
    ["[fe80::1%eth0]:80", "has an IPv6 zone"],
    ["300.1.1.1:80", "has no valid address"],
    ["1.2.3:80", "has no valid address"],
    ["-a.example:80", "has no valid address"],
    ["a..b:80", "has no valid address"],
    ["host:80", "names a host where an IP address is needed"],
    ["unix:", "has no absolute path"],
    ["unix:run/a", "has no absolute path"],
    ["unix:/", "names no socket"],
    ["unix:/run/\n", "has a control character in its path"],
    [`unix:/${"x".repeat(107)}`, "has a path of 108 bytes"],
    [`unix:/${"é".repeat(54)}`, "has a path of 109 bytes"],
  ])("is refused to listen on: %p", (text, problem) => {
    expect(parseEndpoint(text, BIND_RULES)).toMatchObject({ ok: false, problem });
  });

  test("needs a host to connect to", () => {
    expect(parseEndpoint(":80", DIAL_RULES)).toMatchObject({ ok: false, problem: "has no host" });
    expect(parseEndpoint("*:80", DIAL_RULES)).toMatchObject({ ok: false, problem: "has no host" });
  });

  test("may leave out a port that has a default", () => {
    const rules = { ...DIAL_RULES, defaultPort: 514 };
    expect(parseEndpoint("192.0.2.1", rules)).toEqual({ ok: true, endpoint: tcp("192.0.2.1", 514) });
    expect(parseEndpoint("[2001:db8::1]", rules)).toEqual({ ok: true, endpoint: tcp("2001:db8::1", 514) });
    expect(parseEndpoint("", rules)).toMatchObject({ ok: false });
  });

  test("is written the way it is read", () => {
    for (const text of ["192.0.2.1:80", "[2001:db8::1]:80", "unix:/run/a.sock", "unix:@a", "db.example:1"]) {
      const parsed = parseEndpoint(text, DIAL_RULES);
      expect(parsed.ok && formatEndpoint(parsed.endpoint)).toBe(text);
    }
  });

  test("is the same place however it is spelled", () => {
    expect(sameEndpoint(tcp("2001:DB8:0::1", 80), tcp("2001:db8::1", 80))).toBe(true);
    expect(sameEndpoint(tcp("DB.example", 80), tcp("db.example", 80))).toBe(true);
    expect(sameEndpoint(tcp("192.0.2.1", 80), tcp("192.0.2.1", 81))).toBe(false);
    expect(sameEndpoint(unix("/a"), unix("/a"))).toBe(true);
    expect(sameEndpoint(unix("/a"), tcp("192.0.2.1", 80))).toBe(false);
  });
});

test("an IP literal is one that the kernel takes as it stands", () => {
  expect(["192.0.2.1", "::1", "::ffff:192.0.2.1"].map(ipVersion)).toEqual([4, 6, 6]);
  expect(["192.0.2.01", "192.0.2", "fe80::1%eth0", "localhost", ""].map(ipVersion)).toEqual([0, 0, 0, 0, 0]);
  expect(canonicalHost("2001:DB8:0:0:0:0:0:1")).toBe("2001:db8::1");
});

test("a host name is nothing that was meant to be an address", () => {
  expect(["a", "a.b", "a-1.example.", "x_y"].map(isHostName)).toEqual([true, true, true, true]);
  expect(["", ".", "1.2.3.4", "a b", "a-", `${"a".repeat(64)}.b`, `${"a.".repeat(130)}`].map(isHostName)).toEqual(
    Array(7).fill(false),
  );
});
