import { expect, test } from "bun:test";
import { inetChecksum } from "../../src/net/inetChecksum.ts";
import {
  decodeNeighbourAdvertisement,
  duplicateAddressProbe,
  unsolicitedAdvertisement,
} from "../../src/net/ndpFrame.ts";
import { bytesOf } from "./within.ts";

const MAC = bytesOf("020000000901");
const VIP = bytesOf("fe800000000000000000000000000100");

// A frame of keepalived 2.2.7's burst; the flag octet at offset 58 is 0x20.
const CAPTURED = bytesOf(
  `333300000001 020000000901 86dd 6000000000203aff fe800000000000000000000000000100 ff020000000000000000000000000001
   8800 4c9d 20000000 fe800000000000000000000000000100 0201 020000000901`.replaceAll("\n", ""),
);

/** The capture with some octets changed and, unless asked otherwise, the checksum made right again. */
function changed(octets: Record<number, number>, mend = true): Uint8Array {
  const frame = CAPTURED.slice();
  for (const [at, octet] of Object.entries(octets)) frame[Number(at)] = octet;
  if (!mend) return frame;
  frame.set([0, 0], 56);
  const length = ((frame[18] ?? 0) << 8) | (frame[19] ?? 0);
  const pseudo = Uint8Array.of(0, 0, length >> 8, length & 0xff, 0, 0, 0, 58);
  const sum = inetChecksum(frame.subarray(22, 54), pseudo, frame.subarray(54, 54 + length));
  frame.set([sum >> 8, sum & 0xff], 56);
  return frame;
}

test("an unsolicited advertisement is keepalived's, byte for byte", () => {
  expect(unsolicitedAdvertisement(MAC, VIP, false).toHex()).toBe(CAPTURED.toHex());
});

test("a router says so", () => {
  expect(unsolicitedAdvertisement(MAC, VIP, true).toHex()).toBe(changed({ 58: 0xa0 }).toHex());
});

test("an advertisement is read", () => {
  expect(decodeNeighbourAdvertisement(CAPTURED)).toEqual({
    frameSource: MAC,
    source: VIP,
    target: VIP,
    targetMac: MAC,
    router: false,
    solicited: false,
    override: true,
  });
  expect(decodeNeighbourAdvertisement(changed({ 58: 0x80 }))).toMatchObject({ router: true, override: false });
  expect(decodeNeighbourAdvertisement(changed({ 38: 0xfe, 58: 0x60 }))).toMatchObject({ solicited: true });
});

test("options of other types are skipped; without the one there is no MAC", () => {
  expect(decodeNeighbourAdvertisement(changed({ 78: 14 }))).toMatchObject({ target: VIP, targetMac: null });
  expect(decodeNeighbourAdvertisement(changed({ 19: 24 }))).toMatchObject({ target: VIP, targetMac: null });
});

test("the probe goes from the unspecified address to the solicited-node group", () => {
  const frame = duplicateAddressProbe(MAC, bytesOf("fd000009000000000000000012345678"));
  expect(frame.subarray(0, 54)).toEqual(
    bytesOf(
      `3333ff345678 020000000901 86dd 6000000000183aff 00000000000000000000000000000000
       ff0200000000000000000001ff345678`.replaceAll("\n", ""),
    ),
  );
  expect(frame.subarray(58)).toEqual(bytesOf("00000000 fd000009000000000000000012345678"));
  expect([frame[54], frame[55]]).toEqual([135, 0]);
  expect(inetChecksum(frame.subarray(22, 54), Uint8Array.of(0, 0, 0, 24, 0, 0, 0, 58), frame.subarray(54))).toBe(0);
});

test.each([
  ["another ethertype", changed({ 13: 0xde })],
  ["another IP version", changed({ 14: 0x40 })],
  ["another next header", changed({ 20: 17 })],
  ["a hop limit that a router has lowered", changed({ 21: 254 })],
  ["another ICMPv6 type", changed({ 54: 135 })],
  ["a code", changed({ 55: 1 })],
  ["a wrong checksum", changed({ 57: 0x9e }, false)],
  ["a multicast target", changed({ 62: 0xff })],
  ["solicited, and sent to all", changed({ 58: 0x60 })],
  ["an option of length 0", changed({ 79: 0 })],
  ["an option that runs over the end", changed({ 79: 2 })],
  ["a message too short for its target", changed({ 19: 23 })],
  ["a message longer than the frame", changed({ 19: 40 })],
])("refused: %s", (_, frame) => {
  expect(decodeNeighbourAdvertisement(frame)).toBeNull();
});

test("a frame cut anywhere is refused", () => {
  for (let length = 0; length < CAPTURED.length; length++) {
    expect(decodeNeighbourAdvertisement(CAPTURED.subarray(0, length))).toBeNull();
  }
});
