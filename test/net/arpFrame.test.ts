import { expect, test } from "bun:test";
import { ARP_REPLY, ARP_REQUEST, arpProbe, decodeArp, gratuitousArp } from "../../src/net/arpFrame.ts";
import { bytesOf } from "./within.ts";

const MAC = bytesOf("020000000901");
const VIP = Uint8Array.of(10, 9, 0, 100);

// A frame of keepalived 2.2.7's burst.
const CAPTURED = "ffffffffffff 020000000901 0806 0001 0800 06 04 0001 020000000901 0a090064 ffffffffffff 0a090064";

test("the request form is keepalived's, byte for byte", () => {
  expect(gratuitousArp(MAC, VIP, "request")).toEqual(bytesOf(CAPTURED));
});

test("the reply form repeats the sender as target", () => {
  expect(gratuitousArp(MAC, VIP, "reply")).toEqual(
    bytesOf("ffffffffffff 020000000901 0806 0001 0800 06 04 0002 020000000901 0a090064 020000000901 0a090064"),
  );
});

test("a probe asks everybody and claims no address", () => {
  expect(arpProbe(MAC, VIP)).toEqual(
    bytesOf("ffffffffffff 020000000901 0806 0001 0800 06 04 0001 020000000901 00000000 000000000000 0a090064"),
  );
});

test("what is written is read again, with or without Ethernet padding", () => {
  expect(decodeArp(gratuitousArp(MAC, VIP, "request"))).toEqual({
    frameSource: MAC,
    operation: ARP_REQUEST,
    senderMac: MAC,
    senderAddress: VIP,
    targetMac: new Uint8Array(6).fill(0xff),
    targetAddress: VIP,
  });
  const padded = new Uint8Array(60);
  padded.set(gratuitousArp(MAC, VIP, "reply"));
  expect(decodeArp(padded)?.operation).toBe(ARP_REPLY);
});

test("a frame cut anywhere is no ARP, and neither is one of other types or lengths", () => {
  const frame = bytesOf(CAPTURED);
  for (let length = 0; length < frame.length; length++) expect(decodeArp(frame.subarray(0, length))).toBeNull();
  for (let at = 12; at < 20; at++) {
    const other = frame.slice();
    other[at] = (other[at] ?? 0) ^ 1;
    expect(decodeArp(other)).toBeNull();
  }
});
