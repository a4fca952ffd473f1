import { expect, test } from "bun:test";
import { type CheckEvidence, EXCERPT_BYTES, escapeBytes, excerpt } from "../../src/core/checkEvidence.ts";
import { evidenceSentence, excerptText } from "../../src/stats/evidence.ts";

const PLAIN: CheckEvidence = {
  target: "192.0.2.11:4900",
  step: { number: 0, of: 0, doing: "connect" },
  errno: null,
  sent: null,
  received: null,
};

test("bytes are a string literal, whatever they are", () => {
  expect(escapeBytes(Buffer.from('a "\\\r\n\t\0\x7f\xff', "latin1"))).toBe('a \\"\\\\\\r\\n\\t\\x00\\x7f\\xff');
  expect(escapeBytes(new TextEncoder().encode("é\u001b[31m"))).toBe("\\xc3\\xa9\\x1b[31m");
});

test("an excerpt is the beginning, and knows how much there was", () => {
  expect(excerpt(new Uint8Array())).toBeNull();
  const long = excerpt(new Uint8Array(1000).fill(97), 5000);
  expect([long?.bytes, long?.text.length]).toEqual([5000, EXCERPT_BYTES]);
});

test.each([
  [{ bytes: 6, text: "PING\\r\\n" }, Infinity, '6 bytes "PING\\r\\n"'],
  [{ bytes: 1, text: "\\x00" }, Infinity, '1 byte "\\x00"'],
  [{ bytes: 300, text: "a".repeat(256) }, Infinity, `300 bytes "${"a".repeat(256)}…"`],
  [{ bytes: 5, text: "abcde" }, 3, '5 bytes "abc…"'],
] as const)("%p at most %d", (part, most, text) => {
  expect(excerptText(part, most)).toBe(text);
});

test.each([
  [PLAIN, "at 192.0.2.11:4900"],
  [{ ...PLAIN, errno: { name: "ECONNREFUSED", text: "Connection refused" } }, "at 192.0.2.11:4900: ECONNREFUSED"],
  [{ ...PLAIN, step: { number: 0, of: 2, doing: "connect" } }, "at 192.0.2.11:4900, connecting"],
  [
    {
      ...PLAIN,
      step: { number: 2, of: 2, doing: "expect string 'PONG'" },
      sent: { bytes: 4, text: "PING" },
      received: { bytes: 2, text: "no" },
    },
    'at 192.0.2.11:4900, step 2 of 2 (expect string \'PONG\'): sent 4 bytes "PING", received 2 bytes "no"',
  ],
  [
    { ...PLAIN, step: { number: 2, of: 2, doing: "expect string 'PONG'" }, sent: { bytes: 4, text: "PING" } },
    "at 192.0.2.11:4900, step 2 of 2 (expect string 'PONG'): sent 4 bytes \"PING\", received nothing",
  ],
] as const)("a sentence of it", (evidence, sentence) => {
  expect(evidenceSentence(evidence)).toBe(sentence);
});
