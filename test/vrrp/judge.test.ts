import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type ChecksumDialect, checksumOf } from "../../src/vrrp/checksum.ts";
import { type Expected, judgeAdvert } from "../../src/vrrp/judge.ts";
import { AUTH_PASS, encodeAdvert, NO_AUTHENTICATION, passwordBytes } from "../../src/vrrp/packet.ts";
import type { Datagram } from "../../src/vrrp/ports.ts";
import { REJECT_REASONS, type RejectReason } from "../../src/vrrp/rejection.ts";
import { readAdverts } from "../support/pcap.ts";

const ip = (text: string): Uint8Array => Uint8Array.from(text.split("."), Number);
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** The first advert of a capture, as it came. */
function captured(file: string): Datagram {
  const [first] = readAdverts(join(import.meta.dir, "../fixtures/vrrp", file));
  if (first === undefined) throw new Error(`${file} has no VRRP packet`);
  return first;
}

/** The datagram with some bytes of its message changed, the checksum as it was. */
function patched(datagram: Datagram, ...patches: [offset: number, ...bytes: number[]][]): Datagram {
  const payload = datagram.payload.slice();
  for (const [offset, ...bytes] of patches) payload.set(bytes, offset);
  return { ...datagram, payload };
}

/** The datagram with its checksum made right again. */
function resealed(datagram: Datagram, dialect: ChecksumDialect): Datagram {
  const checksum = checksumOf(datagram.payload, datagram, dialect);
  return patched(datagram, [6, checksum >> 8, checksum & 0xff]);
}

const v2: Expected = {
  version: 2,
  family: 4,
  virtualRouterId: 51,
  auth: NO_AUTHENTICATION,
  intervalMs: 1000,
  unicastPeers: null,
  addresses: [ip("10.9.0.100")],
  checksum: "auto",
  source: ip("10.9.0.2"),
};
const pass: Expected = { ...v2, auth: { type: AUTH_PASS, data: passwordBytes("myPassw0rd") } };
const v3: Expected = { ...v2, version: 3, auth: null, addresses: [ip("10.9.0.100"), ip("10.9.0.101")] };
const v6: Expected = {
  ...v3,
  family: 6,
  virtualRouterId: 61,
  addresses: [hex("fe800000000000000000000000000100"), hex("fd000009000000000000000000000100")],
  source: hex("fe800000000000000000 00ff fe00 0902"),
};
const peers: Expected = {
  ...v2,
  auth: { type: AUTH_PASS, data: passwordBytes("s3cret") },
  unicastPeers: [ip("10.9.0.2")],
};
const asPeer: Expected = { ...peers, source: ip("10.9.0.1") };

const noAuth = captured("v2-noauth.pcap");
const withPass = captured("v2-pass-track.pcap");
const ipv4 = captured("v3-ipv4.pcap");
const ipv6 = captured("v3-ipv6.pcap");
const unicast = captured("v2-unicast.pcap");
const signed = captured("v3-hmac.pcap");
const stranger = "; it announces 10.9.0.100: another virtual router with our id?";

describe("a valid advert is accepted", () => {
  test.each<[string, Datagram, Expected, ChecksumDialect]>([
    ["version 2", noAuth, v2, "plain"],
    ["version 2 with a password", withPass, pass, "plain"],
    ["version 2 to a peer", unicast, asPeer, "plain"],
    ["version 3", ipv4, v3, "pseudo"],
    ["version 3 over IPv6", ipv6, v6, "pseudo"],
  ])("%s", (_name, datagram, expected, dialect) => {
    const verdict = judgeAdvert(datagram, expected);
    expect(verdict).toMatchObject({ kind: "accepted", dialect, addressesDiffer: null });
  });
});

describe("one change makes a valid advert one that is rejected, and says why", () => {
  const cases: [RejectReason, string, Datagram, Expected, string][] = [
    [
      "own-address",
      "from our own address",
      noAuth,
      { ...v2, source: ip("10.9.0.1") },
      "it comes from our own address: a loop in the network, or another host that has it",
    ],
    ["length", "one byte", { ...noAuth, payload: noAuth.payload.slice(0, 1) }, v2, "length 1, less than a header"],
    [
      "length",
      "one byte short",
      { ...noAuth, payload: noAuth.payload.slice(0, 19) },
      v2,
      "length 19, but a count of 1 needs 20",
    ],
    ["length", "a count that is one too high", patched(ipv4, [3, 3]), v3, "length 16, but a count of 3 needs 20"],
    [
      "length",
      "the 6 bytes that Ethernet pads with",
      { ...noAuth, payload: Uint8Array.from([...noAuth.payload, 0, 0, 0, 0, 0, 0]) },
      v2,
      "length 26, 6 more than its fields need",
    ],
    ["ttl", "TTL 254 (RFC 9568 §5.1.1.3)", { ...noAuth, ttl: 254 }, v2, "TTL 254, must be 255 (another network?)"],
    [
      "ttl",
      "hop limit 64 (RFC 9568 §5.1.2.3)",
      { ...ipv6, ttl: 64 },
      v6,
      "hop limit 64, must be 255 (another network?)",
    ],
    ["version", "version 3 where 2 is spoken", ipv4, { ...v2, addresses: v3.addresses }, "version 3, ours is 2"],
    ["version", "version 2 where 3 is spoken", noAuth, { ...v3, addresses: v2.addresses }, "version 2, ours is 3"],
    ["version", "version 4", patched(noAuth, [0, 0x41]), v2, "version 4 is neither 2 nor 3"],
    ["version", "version 2 over IPv6", patched(ipv6, [0, 0x21]), v6, "version 2 does not exist over IPv6"],
    [
      "trailer",
      "signed by keepalived",
      signed,
      { ...v3, addresses: v2.addresses },
      "it is signed: keepalived's auth_hmac is set over there, and signed adverts are not supported here",
    ],
    ["auth-type", "a password nobody asked for", withPass, v2, "authentication: its type is PASS, ours none"],
    ["auth-type", "no password", noAuth, pass, "authentication: its type is none, ours PASS"],
    ["auth-type", "type 7", patched(withPass, [4, 7]), pass, "authentication: its type is 7, ours PASS"],
    ["auth-type", "type 2", patched(withPass, [4, 2]), pass, "authentication: its type is AH, ours PASS"],
    [
      "auth-password",
      "the eighth byte of the password differs",
      patched(withPass, [19, 0x31]),
      pass,
      "authentication: the password differs",
    ],
    ["interval", "RFC 3768 §7.1: 2 s", patched(noAuth, [5, 2]), v2, "advert interval 2 s, ours is 1 s"],
    ["interval", "version 3, none", patched(ipv4, [5, 0]), v3, "advert interval 0"],
    ["type", "RFC 9568 §5.2.2: type 2", patched(noAuth, [0, 0x22]), v2, "type 2 is no advertisement"],
    ["checksum", "another priority", patched(noAuth, [2, 200]), v2, "checksum 0x6f5d, must be 0x0c5d"],
    ["checksum", "another checksum", patched(ipv4, [6, 0x12, 0x34]), v3, "checksum 0x1234, must be 0x69ee"],
    ["checksum", "another address over IPv6", patched(ipv6, [23, 1]), v6, "checksum 0x65a2, must be 0x65a1"],
    [
      "checksum",
      "the other dialect",
      ipv4,
      { ...v3, checksum: "plain" },
      'checksum 0x69ee, must be 0x548b; it is right in the form "pseudo", and ours is set to "plain"',
    ],
    [
      "destination",
      "multicast to a unicast router",
      noAuth,
      { ...v2, unicastPeers: [ip("10.9.0.1")] },
      "it was sent by multicast to 224.0.0.18, and here unicast_peer is set",
    ],
    [
      "destination",
      "unicast to a multicast router",
      unicast,
      { ...asPeer, unicastPeers: null },
      "it was sent by unicast to 10.9.0.1, and here no unicast_peer is set",
    ],
    ["source", "from no peer", { ...unicast, source: ip("10.9.0.3") }, asPeer, "the sender is not one of unicast_peer"],
  ];

  test.each(cases)("%s: %s", (reason, _name, datagram, expected, detail) => {
    expect(judgeAdvert(datagram, expected)).toEqual({ kind: "rejected", reason, detail });
  });

  test("there is such a packet for every reason", () => {
    expect(new Set(cases.map(([reason]) => reason))).toEqual(new Set(REJECT_REASONS));
  });

  test("the first of two faults is the one that counts, in keepalived's order", () => {
    const broken = { ...patched(withPass, [0, 0x22], [5, 9]), ttl: 1, source: ip("10.9.0.9") };
    const far: Expected = { ...pass, unicastPeers: [ip("10.9.0.1")] };
    const reasons: [Datagram, Expected, RejectReason][] = [
      [{ ...broken, payload: broken.payload.slice(0, 12) }, pass, "length"],
      [broken, { ...pass, version: 3 }, "ttl"],
      [patched(broken, [0, 0x42]), pass, "ttl"],
      [broken, { ...far, version: 3 }, "version"],
      [broken, { ...far, auth: null }, "auth-type"],
      [patched(broken, [19, 0]), far, "auth-password"],
      [broken, far, "interval"],
      [broken, { ...far, intervalMs: 9000 }, "type"],
      [patched(broken, [0, 0x21]), { ...far, intervalMs: 9000 }, "checksum"],
      [resealed(patched(broken, [0, 0x21]), "plain"), { ...far, intervalMs: 9000 }, "destination"],
    ];
    for (const [datagram, expected, reason] of reasons)
      expect(judgeAdvert(datagram, expected)).toMatchObject({ reason });
  });
});

describe("RFC 9568 §7.1: what another virtual router says is not ours", () => {
  test("another VRID is foreign, whatever else is wrong with it", () => {
    const broken = { ...patched(noAuth, [0, 0xff], [1, 52], [6, 0, 0]), ttl: 3, source: ip("10.9.0.2") };
    expect(judgeAdvert(broken, v2)).toEqual({ kind: "foreign" });
    expect(judgeAdvert({ ...broken, payload: broken.payload.slice(0, 2) }, v2)).toEqual({ kind: "foreign" });
  });

  test("what has no VRID is rejected: it is nobody's", () => {
    expect(judgeAdvert({ ...noAuth, payload: new Uint8Array(0) }, v2)).toMatchObject({ reason: "length" });
  });
});

describe("what is no reason to refuse", () => {
  const accepted = (datagram: Datagram, expected: Expected) => {
    const verdict = judgeAdvert(datagram, expected);
    if (verdict.kind !== "accepted") throw new Error(JSON.stringify(verdict));
    return verdict;
  };

  test("other addresses: both lists are told, each in its order", () => {
    const ours = { ...v3, addresses: [ip("10.9.0.101"), ip("10.9.0.7")] };
    expect(accepted(ipv4, ours).addressesDiffer).toEqual({
      theirs: ["10.9.0.100", "10.9.0.101"],
      ours: ["10.9.0.101", "10.9.0.7"],
    });
    expect(accepted(ipv6, { ...v6, addresses: [] }).addressesDiffer).toEqual({
      theirs: ["fe80::100", "fd00:9::100"],
      ours: [],
    });
  });

  test("one address more on either side is a difference", () => {
    expect(accepted(ipv4, { ...v3, addresses: [ip("10.9.0.100")] }).addressesDiffer).not.toBeNull();
    expect(accepted(noAuth, { ...v2, addresses: v3.addresses }).addressesDiffer).not.toBeNull();
  });

  test("the same addresses in another order, or twice, are none", () => {
    const [first, second] = [ip("10.9.0.100"), ip("10.9.0.101")];
    expect(accepted(ipv4, { ...v3, addresses: [second, first, second] }).addressesDiffer).toBeNull();
  });

  test("priority 0 is judged like any other", () => {
    const resigning = resealed(patched(withPass, [2, 0]), "plain");
    expect(accepted(resigning, pass).advert.priority).toBe(0);
    expect(judgeAdvert(resealed(patched(withPass, [2, 0], [12, 0x20]), "plain"), pass)).toMatchObject({
      reason: "auth-password",
    });
  });

  test("RFC 9568 §6.4.2: another interval in version 3", () => {
    const slower = resealed(patched(ipv4, [4, 0x03, 0xe8]), "pseudo");
    expect(accepted(slower, v3).advert.intervalMs).toBe(10_000);
  });

  test("RFC 9568 §5.2.6: reserved bits", () => {
    const odd = resealed(patched(ipv4, [4, 0xf0]), "pseudo");
    expect(accepted(odd, v3).advert).toMatchObject({ intervalMs: 1000, reserved: 15 });
  });

  test("RFC 3768 §5.3.10: bytes where no authentication is used", () => {
    const odd = resealed(patched(noAuth, [12, 1, 2, 3]), "plain");
    expect(accepted(odd, v2).dialect).toBe("plain");
  });

  test("the TTL between unicast peers", () => {
    expect(accepted({ ...unicast, ttl: 61 }, asPeer).dialect).toBe("plain");
  });

  test("any address of the sender while we have none", () => {
    expect(accepted(noAuth, { ...v2, source: null }).dialect).toBe("plain");
  });

  test("a checksum dialect set for version 3 over IPv4 binds neither version 2 nor IPv6", () => {
    expect(accepted(noAuth, { ...v2, checksum: "pseudo" }).dialect).toBe("plain");
    expect(accepted(ipv6, { ...v6, checksum: "plain" }).dialect).toBe("pseudo");
  });
});

describe("checksum dialects of version 3 over IPv4", () => {
  const dialects = ["pseudo", "plain", "pseudo-group"] as const;
  const ours: Expected = { ...v3, addresses: v2.addresses, unicastPeers: [ip("10.9.0.1")] };
  const ends = { source: ip("10.9.0.1"), destination: ip("10.9.0.2") };
  const heard = (dialect: ChecksumDialect): Datagram => {
    const decoded = judgeAdvert(captured("v3-unicast-oldcsum.pcap"), ours);
    if (decoded.kind !== "accepted") throw new Error(JSON.stringify(decoded));
    return { ...ends, ttl: 255, payload: encodeAdvert(decoded.advert, { ...ends, dialect }) };
  };

  test.each(dialects)('"auto" takes %s and names it', (dialect) => {
    expect(judgeAdvert(heard(dialect), ours)).toMatchObject({ kind: "accepted", dialect });
  });

  test.each(dialects)("%s set takes no other", (set) => {
    for (const dialect of dialects) {
      expect(judgeAdvert(heard(dialect), { ...ours, checksum: set }).kind).toBe(
        dialect === set ? "accepted" : "rejected",
      );
    }
  });
});

describe("a stranger with our id", () => {
  const elsewhere = { addresses: [ip("10.1.1.1")] };

  test.each<[RejectReason, Datagram, Expected]>([
    ["version", noAuth, { ...v3, ...elsewhere }],
    ["trailer", signed, { ...v3, ...elsewhere }],
    ["auth-type", withPass, { ...v2, ...elsewhere }],
    ["auth-password", withPass, { ...pass, ...elsewhere, auth: { type: AUTH_PASS, data: passwordBytes("other") } }],
    ["interval", noAuth, { ...v2, ...elsewhere, intervalMs: 2000 }],
    ["source", { ...unicast, source: ip("10.9.0.3") }, { ...asPeer, ...elsewhere }],
  ])("is known by its addresses: %s", (reason, datagram, expected) => {
    const verdict = judgeAdvert(datagram, expected);
    expect(verdict).toMatchObject({ kind: "rejected", reason });
    expect(verdict).toHaveProperty("detail", expect.stringContaining(stranger));
  });

  test("with many addresses fills no log", () => {
    const payload = new Uint8Array(8 + 255 * 4 + 8);
    payload.set([0x21, 51, 100, 255, 7, 1]);
    expect(judgeAdvert({ ...noAuth, payload }, v2)).toHaveProperty(
      "detail",
      "authentication: its type is 7, ours none; it announces 0.0.0.0, 0.0.0.0, 0.0.0.0, 0.0.0.0 and 251 more: another virtual router with our id?",
    );
  });
});
