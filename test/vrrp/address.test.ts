import { expect, test } from "bun:test";
import { formatAddress } from "../../src/vrrp/address.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

test.each([
  ["0a090064", "10.9.0.100"],
  ["e0000012", "224.0.0.18"],
  ["fe80 0000 0000 0000 0000 00ff fe00 0901", "fe80::ff:fe00:901"],
  ["ff02 0000 0000 0000 0000 0000 0000 0012", "ff02::12"],
  ["2001 0db8 0000 0001 0001 0001 0001 0001", "2001:db8:0:1:1:1:1:1"],
  ["0000 0000 0000 0000 0000 0000 0000 0000", "::"],
])("%s is written as RFC 5952 says: %s", (bytes, text) => {
  expect(formatAddress(hex(bytes))).toBe(text);
});
