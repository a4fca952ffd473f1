import { describe, expect, test } from "bun:test";
import { addAddressRequest, decodeAddress, removeAddressRequest } from "../../src/net/addressMessages.ts";
import { addMacvlanRequest, decodeLink, dumpLinksRequest } from "../../src/net/linkMessages.ts";
import { LinkTable } from "../../src/net/linkTable.ts";
import { dump } from "../../src/net/netlink.ts";
import {
  decodeAttributes,
  decodeMessages,
  decodeOutcome,
  encodeRequest,
  NLM_F_ACK,
  RTM_DELADDR,
  RTM_NEWADDR,
} from "../../src/net/netlinkMessages.ts";

const hex = (...parts: string[]): Uint8Array => Uint8Array.fromHex(parts.join("").replaceAll(" ", ""));
const VIP = { ifindex: 2, address: Uint8Array.of(192, 0, 2, 100), prefixLength: 24 };

/** Numbers that are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe("a netlink request", () => {
  // linux/netlink.h, linux/if_addr.h, linux/rtnetlink.h
  test("to add an IPv4 address is laid out as the kernel reads it", () => {
    const request = addAddressRequest({ ...VIP, validSeconds: 3, label: "eth0:1" });
    expect(encodeRequest(request, NLM_F_ACK, 7).toHex()).toBe(
      hex(
        "58000000 1400 0505 07000000 00000000", // 88 bytes, NEWADDR, REQUEST|ACK|REPLACE|CREATE
        "02 18 00 00 02000000",
        "0800 0200 c0000264", // IFA_LOCAL
        "0800 0100 c0000264", // IFA_ADDRESS
        "1400 0600 03000000 03000000 00000000 00000000", // IFA_CACHEINFO: preferred, valid
        "0800 0800 00000000", // IFA_FLAGS
        "0500 0b00 70 000000", // IFA_PROTO, padded
        "0b00 0300 657468303a3100 00", // IFA_LABEL, padded
      ).toHex(),
    );
  });

  test("to add an IPv6 address has it checked for no duplicate and never preferred", () => {
    const address = hex("20010db8 00000000 00000000 00000100");
    const bytes = encodeRequest(
      addAddressRequest({ ifindex: 2, address, prefixLength: 128, validSeconds: null, noPrefixRoute: true }),
      NLM_F_ACK,
      1,
    );
    const attributes = decodeAttributes(bytes.subarray(24));
    expect(attributes.get(6)?.toHex()).toBe("00000000ffffffff0000000000000000");
    expect(attributes.get(8)?.toHex()).toBe("02020000"); // NODAD, NOPREFIXROUTE
  });

  test("to remove an address names it in full", () => {
    expect(encodeRequest(removeAddressRequest(VIP), NLM_F_ACK, 7).toHex()).toBe(
      hex("28000000 1500 0500 07000000 00000000 02180000 02000000 08000200 c0000264 08000100 c0000264").toHex(),
    );
  });

  test("may nest attributes", () => {
    const request = addMacvlanRequest({ parentIndex: 2, name: "vrrp.51", mac: hex("00005e000133") });
    expect(encodeRequest(request, NLM_F_ACK, 1).subarray(32).toHex()).toBe(
      hex(
        "0c00 0300 767272702e353100", // IFLA_IFNAME
        "0800 0500 02000000", // IFLA_LINK
        "0a00 0100 00005e000133 0000", // IFLA_ADDRESS, padded
        "1c00 1200", // IFLA_LINKINFO
        "0c00 0100 6d6163766c616e00", // IFLA_INFO_KIND
        "0c00 0200 0800 0100 01000000", // IFLA_INFO_DATA: mode private
      ).toHex(),
    );
  });
});

describe("a netlink answer", () => {
  const ack = hex("24000000 0200 0000 07000000 01000000 00000000 28000000 1500 0500 07000000 00000000");
  const refusal = hex("24000000 0200 0000 08000000 01000000 9dffffff 28000000 1500 0500 08000000 00000000");

  test("is an acknowledgement, or an error number", () => {
    const [first, second] = decodeMessages(Buffer.concat([ack, refusal]));
    expect(first).toMatchObject({ type: 2, sequence: 7 });
    expect(first && decodeOutcome(first)).toBe(0);
    expect(second && decodeOutcome(second)).toBe(-99);
  });

  test("is read up to the first message that is cut or claims an impossible length", () => {
    expect(decodeMessages(Buffer.concat([ack, refusal.subarray(0, 35)]))).toHaveLength(1);
    for (const length of ["00000000", "0f000000", "ffffffff"]) {
      expect(decodeMessages(Buffer.concat([ack, hex(length), refusal.subarray(4)]))).toHaveLength(1);
    }
  });

  test("has attributes up to the first that is cut or claims an impossible length", () => {
    const whole = "0800 0200 c0000264";
    expect([...decodeAttributes(hex(whole, "0800 0100 c00002")).keys()]).toEqual([2]);
    expect([...decodeAttributes(hex(whole, "0300 0100 c0000264")).keys()]).toEqual([2]);
    expect([...decodeAttributes(hex(whole, "0800 0180 c0000264")).keys()]).toEqual([2, 1]); // nested
  });

  test.each([
    ["00000000", { up: false, running: false }],
    ["01000000", { up: true, running: false }],
    ["41000000", { up: true, running: false }], // RUNNING has not followed the carrier yet
    ["01000100", { up: true, running: false }], // a cable, but not ready
    ["41000100", { up: true, running: true }],
    ["c9000100", { up: true, running: true, noArp: true, loopback: true }],
  ])("with interface flags %s is a link that is %o", (flags, link) => {
    const payload = hex("0000 0100 02000000", flags, "00000000 0900 0300 6574683000 000000 0800 0400 dc050000");
    expect(decodeLink(payload)).toMatchObject({ index: 2, name: "eth0", mtuBytes: 1500, ...link });
  });

  test("is no link or address when what makes it one is missing", () => {
    expect(decodeLink(hex("0000 0100 02000000 43100100 00000000"))).toBeNull(); // no name
    expect(decodeAddress(hex("02 18 00 00 02000000"))).toBeNull(); // no address
    expect(decodeAddress(hex("02 18 00 00 02000000 0600 0200 c000 0000"))).toBeNull(); // two bytes of one
    expect(decodeAddress(hex("07 18 00 00 02000000 0800 0200 c0000264"))).toBeNull(); // neither family
  });
});

describe("the decoder", () => {
  test("takes any bytes for what they are: never throws, loops or reads beyond them", () => {
    const random = seeded(51);
    const real = dump(dumpLinksRequest());
    const frames = real.map(({ type, payload }) =>
      encodeRequest({ type, flags: 0, header: payload, attributes: [] }, 0, 1),
    );
    const table = new LinkTable();
    for (let round = 0; round < 20_000; round++) {
      const frame = frames[round % frames.length] as Uint8Array;
      const bytes = round % 2 === 0 ? new Uint8Array(Math.floor(random() * 200)) : frame.slice(0, random() * 2000);
      const damaged = round % 2 === 0 ? bytes.length : 1 + random() * 8;
      for (let i = 0; i < damaged; i++) bytes[Math.floor(random() * bytes.length)] = random() * 256;
      const messages = decodeMessages(bytes);
      expect(messages.length).toBeLessThanOrEqual(bytes.length / 16);
      table.apply(messages);
      for (const type of [RTM_NEWADDR, RTM_DELADDR, 16, 17]) {
        table.apply([{ type, flags: 0, sequence: 0, payload: bytes }]);
      }
    }
    // It took in what it was given: damaged frames still hold many whole interfaces.
    expect(table.links().length).toBeGreaterThan(1);
  });

  test("is made for a frame of 64 KiB of the smallest parts", () => {
    const smallest = new Uint8Array(65_536);
    for (let at = 0; at < smallest.length; at += 16) smallest[at] = 16;
    expect(decodeMessages(smallest)).toHaveLength(4096);
    for (let at = 0; at < smallest.length; at += 4) smallest.set([4, 0, at & 255, (at >> 8) & 0x3f], at);
    expect(decodeAttributes(smallest).size).toBe(4096);
  });
});
