import { describe, expect, test } from "bun:test";
import {
  type Advert,
  type AdvertV2,
  type AdvertV3,
  AUTH_PASS,
  decodeAdvert,
  encodeAdvert,
  GROUP_IPV4,
  GROUP_IPV6,
  HMAC_TRAILER_BYTES,
  NO_AUTHENTICATION,
  passwordBytes,
} from "../../src/vrrp/packet.ts";
import { vrrpIn } from "../support/pcap.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const ip = (text: string): Uint8Array => Uint8Array.from(text.split("."), Number);
const NOTHING = new Uint8Array(0);

const v2: AdvertV2 = {
  version: 2,
  virtualRouterId: 51,
  priority: 101,
  addresses: [ip("10.9.0.100")],
  intervalMs: 1000,
  auth: NO_AUTHENTICATION,
  trailer: NOTHING,
};
const v3: AdvertV3 = { ...v2, version: 3, auth: null, reserved: 0 };
const toGroup = { source: ip("10.9.0.1"), destination: GROUP_IPV4, dialect: "pseudo" } as const;
const toPeer = { ...toGroup, destination: ip("10.9.0.2") } as const;
const toGroup6 = {
  source: hex("fe80000000000000000000fffe000901"),
  destination: GROUP_IPV6,
  dialect: "pseudo",
} as const;

/** IP packets that keepalived sent (2.2.7; signed and RFC 9568: 2.4.3), and what they say. */
const GOLDEN: [string, string, Advert, Parameters<typeof encodeAdvert>[1]][] = [
  [
    "version 2 without authentication",
    "45c0002800010000ff70d0880a090001e0000012 2133650100016f5d 0a090064 0000000000000000",
    v2,
    toGroup,
  ],
  [
    "version 2 with a password",
    "45c0002800010000ff70d0880a090001e0000012 213367010101c3de 0a090064 6d79506173737730",
    { ...v2, priority: 103, auth: { type: AUTH_PASS, data: passwordBytes("myPassw0rd") } },
    toGroup,
  ],
  [
    "version 3, two addresses",
    "45c0002400010000ff70d08c0a090001e0000012 31336502006469ee 0a090064 0a090065",
    { ...v3, addresses: [ip("10.9.0.100"), ip("10.9.0.101")] },
    toGroup,
  ],
  [
    "version 3 every 10 cs",
    "45c0002000010000ff70d0900a090001e0000012 31336501000a74bb 0a090064",
    { ...v3, intervalMs: 100 },
    toGroup,
  ],
  ["version 3 to a peer", "45c0002000010000ff70a6980a0900010a090002 3133650100644a69 0a090064", v3, toPeer],
  [
    "version 3 to a peer, old checksum",
    "45c0002000010000ff70a6980a0900010a090002 3133650100647461 0a090064",
    v3,
    { ...toPeer, dialect: "pseudo-group" },
  ],
  [
    "version 3, checksum of RFC 9568",
    "45c0002000010000ff70d08f0a090002e0000012 3133640100645ffa 0a090064",
    { ...v3, priority: 100 },
    { source: ip("10.9.0.2"), destination: GROUP_IPV4, dialect: "plain" },
  ],
  [
    "version 3, signed",
    "45c0003c00010000ff70d0740a090001e0000012 3133650100647461 0a090064 01070000 6b02f910 b4950000 59442d18f3c73eb11e252c4766091c29",
    { ...v3, trailer: hex("01070000 6b02f910 b4950000 59442d18f3c73eb11e252c4766091c29") },
    toGroup,
  ],
];

describe("golden bytes", () => {
  test.each(GOLDEN)("%s", (_name, packet, advert, how) => {
    const datagram = vrrpIn(hex(`0000000000000000000000000800 ${packet}`));
    if (datagram === null) throw new Error("no VRRP packet");
    expect({ source: datagram.source, destination: datagram.destination, ttl: datagram.ttl }).toEqual({
      source: how.source,
      destination: how.destination,
      ttl: 255,
    });
    expect(encodeAdvert(advert, how)).toEqual(datagram.payload);
    expect(decodeAdvert(datagram.payload, 4)).toMatchObject({ ok: true, advert });
  });

  test("version 3 over IPv6", () => {
    const payload = hex("313d6502006465a2 fe800000000000000000000000000100 fd000009000000000000000000000100");
    const addresses = [hex("fe800000000000000000000000000100"), hex("fd000009000000000000000000000100")];
    const advert: Advert = { ...v3, virtualRouterId: 61, addresses };
    expect(encodeAdvert(advert, toGroup6)).toEqual(payload);
    expect(decodeAdvert(payload, 6)).toMatchObject({ ok: true, advert, checksum: 0x65a2 });
  });
});

describe("fields", () => {
  const reread = (advert: Advert): Advert => {
    const decoded = decodeAdvert(encodeAdvert(advert, toGroup), 4);
    if (!decoded.ok) throw new Error(decoded.detail);
    return decoded.advert;
  };

  test.each<[string, Advert]>([
    ["RFC 3768 §5.3.7: version 2 counts the interval in seconds, up to 255", { ...v2, intervalMs: 255_000 }],
    ["RFC 9568 §5.2.7: version 3 in centiseconds of 12 bits", { ...v3, intervalMs: 40_950 }],
    ["RFC 9568 §5.2.7: one centisecond", { ...v3, intervalMs: 10 }],
    ["RFC 9568 §5.2.6: reserved bits are not the interval's", { ...v3, intervalMs: 2560, reserved: 0xf }],
    ["RFC 9568 §5.2.4: priority 0", { ...v3, priority: 0 }],
    ["RFC 9568 §5.2.4: priority 255", { ...v3, priority: 255 }],
    ["RFC 9568 §5.2.3: router 255", { ...v3, virtualRouterId: 255 }],
    ["no address at all", { ...v3, addresses: [] }],
    ["RFC 9568 §5.2.5: 255 addresses", { ...v2, addresses: Array.from({ length: 255 }, (_, n) => ip(`10.1.0.${n}`)) }],
    ["a type of authentication that nobody knows", { ...v2, auth: { type: 7, data: passwordBytes("secret") } }],
    ["a signed advert of version 2", { ...v2, trailer: new Uint8Array(HMAC_TRAILER_BYTES).fill(1) }],
  ])("%s", (_name, advert) => {
    expect(reread(advert)).toEqual(advert);
  });

  test("the reserved bits stand above the interval", () => {
    const message = encodeAdvert({ ...v3, intervalMs: 0x123 * 10, reserved: 0xa }, toGroup);
    expect(message.subarray(4, 6)).toEqual(Uint8Array.of(0xa1, 0x23));
  });

  test("version 2 takes no notice of the dialect, nor does IPv6", () => {
    const plain = { dialect: "plain" } as const;
    expect(encodeAdvert(v2, toGroup)).toEqual(encodeAdvert(v2, { ...toGroup, ...plain }));
    const advert: Advert = { ...v3, addresses: [GROUP_IPV6] };
    expect(encodeAdvert(advert, toGroup6)).toEqual(encodeAdvert(advert, { ...toGroup6, ...plain }));
  });

  test("what was read stays when the buffer is used again", () => {
    const buffer = encodeAdvert({ ...v2, trailer: new Uint8Array(HMAC_TRAILER_BYTES).fill(1) }, toGroup);
    const decoded = decodeAdvert(buffer, 4);
    buffer.fill(0xee);
    expect(decoded.advert).toEqual({ ...v2, trailer: new Uint8Array(HMAC_TRAILER_BYTES).fill(1) });
  });

  test.each<[string, Advert, string]>([
    ["a fraction of a second in version 2", { ...v2, intervalMs: 1500 }, "interval in seconds is 1.5"],
    ["256 s in version 2", { ...v2, intervalMs: 256_000 }, "interval in seconds is 256"],
    ["41 s in version 3", { ...v3, intervalMs: 41_000 }, "interval in centiseconds is 4100"],
    ["5 ms in version 3", { ...v3, intervalMs: 5 }, "interval in centiseconds is 0.5"],
    ["priority 256", { ...v3, priority: 256 }, "priority is 256"],
    ["priority -1", { ...v3, priority: -1 }, "priority is -1"],
    ["router 256", { ...v3, virtualRouterId: 256 }, "virtual router id is 256"],
    ["256 addresses", { ...v3, addresses: Array.from({ length: 256 }, () => ip("10.9.0.1")) }, "count of addresses"],
    ["five reserved bits", { ...v3, reserved: 16 }, "reserved bits is 16"],
    ["an IPv6 address in an IPv4 advert", { ...v3, addresses: [GROUP_IPV6] }, "addresses of another family"],
    ["a password of seven bytes", { ...v2, auth: { type: 1, data: new Uint8Array(7) } }, "has 8 bytes"],
  ])("%s does not fit: RangeError", (_name, advert, message) => {
    expect(() => encodeAdvert(advert, toGroup)).toThrow(RangeError);
    expect(() => encodeAdvert(advert, toGroup)).toThrow(message);
  });
});

describe("passwords", () => {
  test.each([
    ["myPassw0rd", "6d79506173737730"],
    ["s3cret", "7333637265740000"],
    ["exactly8", "65786163746c7938"],
    ["", "0000000000000000"],
  ])("%p is %s on the wire", (password, wire) => {
    expect(passwordBytes(password)).toEqual(hex(wire));
  });
});

describe("messages that cannot be read", () => {
  const whole2 = encodeAdvert({ ...v2, addresses: [ip("10.9.0.100"), ip("10.9.0.101")] }, toGroup);
  const whole3 = encodeAdvert({ ...v3, addresses: [ip("10.9.0.100"), ip("10.9.0.101")] }, toGroup);
  const whole6 = encodeAdvert({ ...v3, addresses: [GROUP_IPV6, GROUP_IPV6] }, toGroup6);
  const signed = encodeAdvert({ ...v3, trailer: new Uint8Array(HMAC_TRAILER_BYTES).fill(1) }, toGroup);

  test.each<[string, Uint8Array, 4 | 6]>([
    ["version 2", whole2, 4],
    ["version 3", whole3, 4],
    ["version 3 over IPv6", whole6, 6],
  ])(
    "%s cut at every length and followed by up to 100 bytes: only the whole one is an advert",
    (_name, whole, family) => {
      for (let sizeBytes = 0; sizeBytes < whole.length; sizeBytes++) {
        expect(decodeAdvert(whole.subarray(0, sizeBytes), family)).toMatchObject({
          ok: false,
          reason: "length",
          advert: null,
        });
      }
      expect(decodeAdvert(whole, family).ok).toBe(true);
      for (let excessBytes = 1; excessBytes <= 100; excessBytes++) {
        const longer = new Uint8Array(whole.length + excessBytes);
        longer.set(whole);
        expect(decodeAdvert(longer, family)).toMatchObject({
          ok: false,
          reason: "length",
          detail: `length ${longer.length}, ${excessBytes} more than its fields need`,
        });
      }
    },
  );

  test("a signed advert cut anywhere in its trailer is not one", () => {
    const fieldsBytes = signed.length - HMAC_TRAILER_BYTES;
    for (let sizeBytes = fieldsBytes + 1; sizeBytes < signed.length; sizeBytes++) {
      expect(decodeAdvert(signed.subarray(0, sizeBytes), 4)).toMatchObject({ ok: false, reason: "length" });
    }
    expect(decodeAdvert(signed.subarray(0, fieldsBytes), 4)).toMatchObject({ ok: true, advert: { trailer: NOTHING } });
  });

  test("28 bytes that are no signature are bytes too many", () => {
    const other = signed.slice();
    other[signed.length - HMAC_TRAILER_BYTES] = 2;
    expect(decodeAdvert(other, 4)).toMatchObject({ ok: false, reason: "length" });
  });

  test.each([0, 1, 4, 15])("version %d is unknown", (version) => {
    const other = whole3.slice();
    other[0] = (version << 4) | 1;
    expect(decodeAdvert(other, 4)).toEqual({
      ok: false,
      reason: "version",
      detail: `version ${version} is neither 2 nor 3`,
      advert: null,
    });
  });

  test("a header that is cut says nothing of its version", () => {
    expect(decodeAdvert(hex("41330000000000"), 4)).toMatchObject({ ok: false, reason: "length" });
  });

  test("RFC 3768 §5.3.9: version 2 is IPv4 only", () => {
    expect(decodeAdvert(whole2, 6)).toMatchObject({
      ok: false,
      reason: "version",
      detail: "version 2 does not exist over IPv6",
    });
  });

  test.each([0, 2, 15])("RFC 9568 §5.2.2: type %d is no advertisement, whatever else it says", (type) => {
    const other = whole3.slice();
    other[0] = 0x30 | type;
    const decoded = decodeAdvert(other, 4);
    expect(decoded).toMatchObject({ ok: false, reason: "type", detail: `type ${type} is no advertisement` });
    expect(decoded.advert?.addresses.length).toBe(2);
  });
});
