import type { CheckStep } from "../config/schema.ts";

type ExpectStep = Extract<CheckStep, { kind: "expect" }>;

/** What an `expect` step looks for, ready to be searched for in the received bytes. */
export interface Pattern {
  /** Fewer bytes than these cannot match. */
  readonly leastBytes: number;
  /** Searching may be slow: do it sparingly. */
  readonly costly: boolean;
  /** "string '220'", "regex": what was waited for, in HAProxy's words. */
  readonly awaited: string;
  /** "'220'", "(regex)", "(binary)": what did not match, in HAProxy's words. */
  readonly content: string;
  /** Found anywhere in the bytes. */
  matches(received: Buffer): boolean;
  /** The bytes end with the beginning of what is looked for; never for a regex, where that is anybody's guess. */
  begins(received: Buffer): boolean;
}

/**
 * A pattern from a configured step. Text is searched for as UTF-8. A regex sees the bytes as latin1 text, one character a
 * byte: `\xff` is the byte 255, and what UTF-8 writes in two bytes must be written as two. `.` matches newlines too.
 *
 * A regex is JavaScript's, which backtracks: over 16 kB a pattern with two `.*` in a row takes minutes, one with nested
 * repetition ("(a+)+$") for ever, and nothing can interrupt it. That much trust is put in the configuration file.
 */
export function compilePattern(step: ExpectStep): Pattern {
  switch (step.match) {
    case "string":
      return literal(Buffer.from(step.pattern, "utf8"), `string '${step.pattern}'`, `'${step.pattern}'`);
    case "binary": {
      const bytes = Buffer.from(step.pattern, "hex");
      return literal(bytes, `binary '${bytes.toString("latin1")}'`, "(binary)");
    }
    case "regex": {
      const regex = new RegExp(step.pattern, "s");
      return {
        leastBytes: 0,
        costly: true,
        awaited: "regex",
        content: "(regex)",
        matches: (received) => regex.test(received.toString("latin1")),
        begins: () => false,
      };
    }
  }
}

function literal(wanted: Buffer, awaited: string, content: string): Pattern {
  return {
    leastBytes: wanted.length,
    costly: false,
    awaited,
    content,
    matches: (received) => received.includes(wanted),
    begins(received) {
      const lastByte = received[received.length - 1];
      for (let length = Math.min(wanted.length - 1, received.length); length > 0; length--) {
        if (wanted[length - 1] !== lastByte) continue;
        if (received.subarray(received.length - length).equals(wanted.subarray(0, length))) return true;
      }
      return false;
    },
  };
}
