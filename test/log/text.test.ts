import { describe, expect, test } from "bun:test";
import { cutToBytes, printable } from "../../src/log/text.ts";

describe("printable", () => {
  test.each([
    ["a newline", "a\nb", "a#0Ab"],
    ["a carriage return", "a\rb", "a#0Db"],
    ["NUL", "a\0b", "a#00b"],
    ["ESC of a terminal sequence", "\x1b[2J", "#1B[2J"],
    ["DEL", "\x7f", "#7F"],
    ["CSI, the one-character form of ESC [", "\u009b2J", "#C2#9B2J"],
    ["the Unicode line separator", "a\u2028b", "a#E2#80#A8b"],
  ])("escapes %s", (_, text, expected) => expect(printable(text)).toBe(expected));

  test("leaves everything else alone", () => {
    const text = '220 "smtp" £ € 日本 😀 #0A';
    expect(printable(text)).toBe(text);
  });
});

describe("cutToBytes", () => {
  test.each([
    ["fits", "abc", 3, "abc"],
    ["one byte too long", "abcd", 3, "abc"],
    ["a two-byte character at the edge", "ab£", 3, "ab"],
    ["a four-byte character at the edge", "a😀", 4, "a"],
    ["a four-byte character that just fits", "a😀b", 5, "a😀"],
    ["nothing allowed", "abc", 0, ""],
  ])("%s", (_, text, maxBytes, expected) => expect(cutToBytes(text, maxBytes)).toBe(expected));
});
