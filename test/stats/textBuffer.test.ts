import { describe, expect, test } from "bun:test";
import { TextBuffer } from "../../src/stats/textBuffer.ts";

const written = (write: (buffer: TextBuffer) => void): string => {
  const buffer = new TextBuffer();
  write(buffer);
  return Buffer.from(buffer.take()).toString();
};

describe("a text buffer", () => {
  test.each([
    0, 7, 9, 10, 99, 100, 12_345, 2_147_483_647, 2_147_483_648, 9_007_199_254_740_991, -1, -2_147_483_648, 0.5, -0.25,
    1e21,
  ])("writes %p as a string would have it", (value) => {
    expect(written((buffer) => buffer.number(value))).toBe(String(value));
  });

  test.each(["", "plain", "Ünïcode in the middle of it", "ascii first, then ☃ and 🦊", "☃", "x".repeat(300_000)])(
    "keeps text as it is: %.20s",
    (text) => expect(written((buffer) => buffer.text(text))).toBe(text),
  );

  test("puts everything one behind the other, however long", () => {
    const long = new TextEncoder().encode("-".repeat(40));
    const text = written((buffer) => {
      for (let i = 0; i < 20_000; i++) {
        buffer.number(i);
        buffer.text("é,");
        buffer.raw(long);
      }
    });
    expect(text).toBe(Array.from({ length: 20_000 }, (_, i) => `${i}é,${"-".repeat(40)}`).join(""));
  });

  test("begins anew when it was taken, and what was taken stays as it is", () => {
    const buffer = new TextBuffer();
    buffer.text("first");
    const first = buffer.take();
    buffer.text("SECOND");
    expect([Buffer.from(first).toString(), Buffer.from(buffer.take()).toString(), buffer.length]).toEqual([
      "first",
      "SECOND",
      0,
    ]);
  });
});
