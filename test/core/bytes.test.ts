import { expect, test } from "bun:test";
import { sameBytes } from "../../src/core/bytes.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

test("addresses are the same when all bytes are, and never across families", () => {
  expect(sameBytes(hex("0a090064"), hex("0a090064"))).toBe(true);
  expect(sameBytes(hex("0a090064"), hex("0a090065"))).toBe(false);
  expect(sameBytes(hex("00000000"), new Uint8Array(16))).toBe(false);
  expect(sameBytes(new Uint8Array(16), hex("00000000"))).toBe(false);
});
