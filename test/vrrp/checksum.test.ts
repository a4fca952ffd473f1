import { describe, expect, test } from "bun:test";
import { type ChecksumDialect, checksumOf, dialectsOf, fittingDialect } from "../../src/vrrp/checksum.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const A = Uint8Array.of(10, 9, 0, 1);
const B = Uint8Array.of(10, 9, 0, 2);
const GROUP = Uint8Array.of(224, 0, 0, 18);
const V6_A = hex("fe80 0000 0000 0000 0000 00ff fe00 0901");
const V6_GROUP = hex("ff02 0000 0000 0000 0000 0000 0000 0012");

/** Adverts of keepalived 2.2.7 and 2.4.3 as they were on the wire. */
const RECORDED: [string, string, Uint8Array, Uint8Array, ChecksumDialect][] = [
  ["version 2, no authentication", "2133650100016f5d 0a090064 0000000000000000", A, GROUP, "plain"],
  ["version 2, PASS", "213367010101c3de 0a090064 6d79506173737730", A, GROUP, "plain"],
  ["version 3, keepalived's default", "31336502006469ee 0a090064 0a090065", A, GROUP, "pseudo"],
  ["version 3, unicast", "3133650100644a69 0a090064", A, B, "pseudo"],
  ["version 3, old_unicast_checksum", "3133650100647461 0a090064", A, B, "pseudo-group"],
  ["version 3, v3_checksum_as_v2", "3133640100645ffa 0a090064", B, GROUP, "plain"],
  [
    "version 3, IPv6",
    "313d6502006465a2 fe800000000000000000000000000100 fd000009000000000000000000000100",
    V6_A,
    V6_GROUP,
    "pseudo",
  ],
];

describe("checksums that keepalived sent", () => {
  test.each(RECORDED)("%s", (_name, text, source, destination, dialect) => {
    const message = hex(text);
    expect(checksumOf(message, { source, destination }, dialect)).toBe(Buffer.from(message).readUInt16BE(6));
    expect(fittingDialect(message, { source, destination }, [dialect])).toBe(dialect);
  });

  test.each(RECORDED)("%s: one flipped bit anywhere fits no dialect", (_name, text, source, destination, dialect) => {
    const message = hex(text);
    for (let bit = 0; bit < message.length * 8; bit++) {
      const broken = message.slice();
      broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(fittingDialect(broken, { source, destination }, [dialect])).toBeNull();
    }
  });
});

describe("RFC 1071 §1", () => {
  test("words are summed with end-around carry, and the complement is the checksum", () => {
    // The example of §3: the sum is ddf2. Its words stand behind the field here, which is bytes 6 and 7.
    const message = hex("0000 0000 0000 ffff 0001 f203 f4f5 f6f7");
    expect(checksumOf(message, { source: A, destination: B }, "plain")).toBe(~0xddf2 & 0xffff);
  });

  test("the field itself counts as zero", () => {
    const ends = { source: A, destination: GROUP };
    const [zero, filled] = [hex("3133650100640000 0a090064"), hex("313365010064ffff 0a090064")];
    expect(checksumOf(filled, ends, "pseudo")).toBe(checksumOf(zero, ends, "pseudo"));
  });

  test("an odd last byte counts as the upper half of a word", () => {
    const ends = { source: A, destination: B };
    expect(checksumOf(hex("0000 0000 0000 0000 12"), ends, "plain")).toBe(~0x1200 & 0xffff);
  });

  test("a carry that carries again is added back, too", () => {
    expect(checksumOf(hex("0000 0000 0000 0000 ffff ffff 0001"), { source: A, destination: B }, "plain")).toBe(0xfffe);
  });

  test("the carries of the longest IP packet are all added back", () => {
    // 32767 words of ffff sum up to ffff, whose complement is 0; the field is one of them and counts as zero.
    const longest = new Uint8Array(65534).fill(0xff);
    expect(checksumOf(longest, { source: A, destination: B }, "plain")).toBe(0);
    longest[65533] = 0xfe;
    expect(checksumOf(longest, { source: A, destination: B }, "plain")).toBe(1);
  });
});

describe("dialects", () => {
  const message = hex("3133650100640000 0a090064");
  const seal = (source: Uint8Array, destination: Uint8Array, dialect: ChecksumDialect): Uint8Array => {
    const sealed = message.slice();
    new DataView(sealed.buffer).setUint16(6, checksumOf(sealed, { source, destination }, dialect));
    return sealed;
  };

  test.each(["pseudo", "plain", "pseudo-group"] as const)(
    "a unicast advert in %s is told from the others",
    (dialect) => {
      const ends = { source: A, destination: B };
      expect(fittingDialect(seal(A, B, dialect), ends, dialectsOf(3, 4))).toBe(dialect);
    },
  );

  test("to the group, pseudo-group is the same as pseudo and called so", () => {
    const ends = { source: A, destination: GROUP };
    expect(fittingDialect(seal(A, GROUP, "pseudo-group"), ends, dialectsOf(3, 4))).toBe("pseudo");
  });

  test("only those asked for are tried", () => {
    const ends = { source: A, destination: B };
    expect(fittingDialect(seal(A, B, "plain"), ends, ["pseudo", "pseudo-group"])).toBeNull();
  });

  test("RFC 3768 §5.3.8, RFC 8200 §8.1: only version 3 over IPv4 has a choice", () => {
    expect(dialectsOf(2, 4)).toEqual(["plain"]);
    expect(dialectsOf(3, 6)).toEqual(["pseudo"]);
    expect(dialectsOf(3, 4)).toEqual(["pseudo", "plain", "pseudo-group"]);
  });
});
