import { expect, test } from "bun:test";
import { hashBytes, mix } from "../../src/balance/hash.ts";

test.each([
  ["", 0x811c9dc5],
  ["a", 0xe40c292c],
  ["foobar", 0xbf9cf968],
])("hashBytes(%p) is the published FNV-1a vector", (text, hash) => {
  expect(hashBytes(new TextEncoder().encode(text))).toBe(hash);
});

test("hashBytes starts where it is told to", () => {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  expect(hashBytes(encode("..foobar"), 2)).toBe(hashBytes(encode("foobar")));
});

test.each([
  [0, 0],
  [1, 0x514e28b7],
  [0xffffffff, 0x81f16f39],
])("mix(%d) is what MurmurHash3's finaliser gives", (value, mixed) => {
  expect(mix(value)).toBe(mixed);
});

test("mix turns over half of the output bits when one input bit changes", () => {
  const bits = (value: number): number => value.toString(2).replaceAll("0", "").length;
  for (let bit = 0; bit < 32; bit++) {
    let turned = 0;
    for (let value = 0; value < 500; value++) turned += bits((mix(value) ^ mix(value ^ (1 << bit))) >>> 0);
    expect(turned / 500).toBeGreaterThan(15);
    expect(turned / 500).toBeLessThan(17);
  }
});
