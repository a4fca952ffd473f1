import { describe, expect, test } from "bun:test";
import type { Endpoint } from "../../src/core/endpoint.ts";
import { decodeSockaddr, encodeSockaddr, familyOf, parseIp, SOCKADDR_MAX } from "../../src/net/sockaddr.ts";

const tcp = (host: string, port = 4900): Endpoint => ({ kind: "tcp", host, port });
const unix = (path: string): Endpoint => ({ kind: "unix", path });
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("the kernel's form of an endpoint", () => {
  test.each([
    [tcp("192.0.2.1", 80), "0200 0050 c0000201 0000000000000000"],
    [tcp("255.255.255.255", 65535), "0200 ffff ffffffff 0000000000000000"],
    [tcp("2001:db8::a1", 14900), "0a00 3a34 00000000 20010db80000000000000000000000a1 00000000"],
    [tcp("::", 1), "0a00 0001 00000000 00000000000000000000000000000000 00000000"],
    [unix("/run/a"), "0100 2f72756e2f61 00"],
    [unix("@a/b"), "0100 00612f62"],
  ] as [Endpoint, string][])("%p is %s", (endpoint, bytes) => {
    expect(hex(encodeSockaddr(endpoint))).toBe(bytes.replaceAll(" ", ""));
  });

  test.each([
    [tcp("192.0.2.1"), 2],
    [tcp("::1"), 10],
    [unix("/run/a"), 1],
  ] as [Endpoint, number][])("%p is of family %i", (endpoint, family) => {
    expect(familyOf(encodeSockaddr(endpoint))).toBe(family);
  });

  test.each(["localhost", "", "192.0.2", "192.0.2.256", "192.0.02.1", "2001:db8::1::2", "[::1]", "*", "fe80::1%eth0"])(
    "a host that is no IP address the kernel takes is refused: %p",
    (host) => {
      expect(() => encodeSockaddr(tcp(host))).toThrow(RangeError);
    },
  );

  test("a unix path may be 107 bytes long, and bytes are what counts", () => {
    expect(encodeSockaddr(unix(`/${"x".repeat(106)}`))).toHaveLength(SOCKADDR_MAX);
    expect(encodeSockaddr(unix(`/${"ü".repeat(53)}`))).toHaveLength(SOCKADDR_MAX);
    expect(() => encodeSockaddr(unix(`/${"x".repeat(107)}`))).toThrow("107");
    expect(() => encodeSockaddr(unix(`/${"ü".repeat(54)}`))).toThrow("107");
  });
});

describe("an endpoint that the kernel returned", () => {
  // RFC 5952: lower case, no leading zeros, "::" for the longest run of two or more zero groups, the first of equals;
  // IPv4-mapped addresses in mixed notation (section 5).
  test.each([
    ["0.0.0.0", "0.0.0.0"],
    ["10.20.30.40", "10.20.30.40"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["0:0:0:1:2:3:4:5", "::1:2:3:4:5"],
    ["1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["fe80::ffff:0:1", "fe80::ffff:0:1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    ["::ffff:c000:201", "::ffff:192.0.2.1"],
  ])("%s comes back as %s", (host, shown) => {
    expect(decodeSockaddr(encodeSockaddr(tcp(host, 65535)))).toEqual(tcp(shown, 65535));
  });

  test.each([["/run/haproxy-lite/a.sock"], ["/tmp/größe"], ["@abstract/name"], [`/${"x".repeat(106)}`]])(
    "%s comes back as it was",
    (path) => {
      expect(decodeSockaddr(encodeSockaddr(unix(path)))).toEqual(unix(path));
    },
  );

  test("a path that fills its room without a closing zero is read whole", () => {
    const bytes = Buffer.concat([Uint8Array.of(1, 0), Buffer.from(`/${"y".repeat(107)}`)]);
    expect(decodeSockaddr(bytes)).toEqual(unix(`/${"y".repeat(107)}`));
  });

  test("an unnamed unix socket and a family that is not ours have none", () => {
    expect(decodeSockaddr(Uint8Array.of(1, 0))).toBeNull();
    expect(decodeSockaddr(Uint8Array.of(16, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0))).toBeNull();
    expect(decodeSockaddr(new Uint8Array(0))).toBeNull();
  });
});

describe("the bytes of an IP address", () => {
  test.each([
    ["192.0.2.1", "c0000201"],
    ["2001:db8::1", "20010db8000000000000000000000001"],
    ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
    ["", ""],
    ["localhost", ""],
  ])("of %p are %p", (host, bytes) => {
    expect(hex(parseIp(host))).toBe(bytes);
  });
});
