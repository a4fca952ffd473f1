import { expect, test } from "bun:test";
import { inetChecksum } from "../../src/net/inetChecksum.ts";
import { IPV4_HEADER_BYTES, readIpv4Packet, writeIpv4Header } from "../../src/net/ipv4Header.ts";
import { bytesOf } from "./within.ts";

// Adverts of keepalived 2.2.7: version 2 without authentication to the group, version 3 to one peer.
const CAPTURED = [
  "45c0002800010000ff70d0880a090001e0000012 2133650100016f5d 0a090064 0000000000000000",
  "45c0002000010000ff70a6980a0900010a090002 3133650100644a69 0a090064",
].map(bytesOf);

test("the Internet checksum is that of RFC 1071's example, also with odd lengths and in parts", () => {
  const example = bytesOf("0001f203f4f5f6f7");
  expect(inetChecksum(example)).toBe(~0xddf2 & 0xffff);
  expect(inetChecksum(example.subarray(0, 4), example.subarray(4))).toBe(~0xddf2 & 0xffff);
  expect(inetChecksum(bytesOf("0102 03"))).toBe(~0x0402 & 0xffff);
  expect(inetChecksum(new Uint8Array(1 << 20).fill(0xff))).toBe(0);
});

test.each(CAPTURED)("a captured packet is read and written again byte for byte", (captured) => {
  const packet = readIpv4Packet(captured);
  if (packet === null) throw new Error("not read");
  expect(packet).toMatchObject({ protocol: 112, ttl: 255, typeOfService: 0xc0, identification: 1 });
  const written = new Uint8Array(captured.length);
  writeIpv4Header(written, { ...packet, payloadBytes: packet.payload.length });
  written.set(packet.payload, IPV4_HEADER_BYTES);
  expect(written.toHex()).toBe(captured.toHex());
});

test("what lies behind the total length is padding, not payload", () => {
  const [captured] = CAPTURED as [Uint8Array];
  expect(readIpv4Packet(new Uint8Array([...captured, 1, 2, 3, 4, 5, 6]))?.payload).toEqual(captured.slice(20));
});

test("options are skipped", () => {
  const packet = bytesOf("4600001c00010000ff7000000a090001e0000012 94040000 aabbccdd");
  expect(readIpv4Packet(packet)?.payload).toEqual(bytesOf("aabbccdd"));
});

test.each([
  ["nothing", ""],
  ["less than a header", "45c0002800010000ff70d0880a090001e00000"],
  ["an IPv6 packet", "6c0cc0ba002870fffe80000000000000000000fffe000901ff02000000000000"],
  ["a header length below 20", "44c0001400010000ff70d0880a090001e0000012"],
  ["a header longer than the packet", "4fc0001400010000ff70d0880a090001e0000012"],
  ["a total length below the header's", "45c0001300010000ff70d0880a090001e0000012"],
  ["a total length above what came", "45c0001500010000ff70d0880a090001e0000012"],
])("%s is no packet", (_, hex) => {
  expect(readIpv4Packet(bytesOf(hex))).toBeNull();
});
