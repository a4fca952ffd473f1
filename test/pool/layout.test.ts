import { describe, expect, test } from "bun:test";
import {
  ADDRESS_BYTES,
  HEADER_WORDS,
  Header,
  LISTEN_COUNTERS,
  ListenCounter,
  SERVER_COUNTERS,
  SERVER_WORDS,
  ServerCounter,
  ServerWord,
  segmentLayout,
} from "../../src/pool/layout.ts";

/** First word after the last named one; the two double-buffered pairs take two words each. */
const wordsUsed = (words: Record<string, number>): number => Math.max(...Object.values(words)) + 1;

describe("the segment", () => {
  test("has parts that follow each other without overlap, aligned for their type, for any size", () => {
    for (const slots of [0, 1, 2, 3, 7, 16, 40, 400]) {
      for (const threads of [1, 2, 3, 8, 64]) {
        const layout = segmentLayout(slots, threads);
        const ends = {
          servers: HEADER_WORDS * 4,
          addresses: layout.servers + slots * SERVER_WORDS * 4,
          rotation: layout.addresses + slots * 2 * ADDRESS_BYTES,
          counters: layout.rotation + 2 * layout.rotationLimit * 2,
        };
        expect(layout.servers).toBeGreaterThanOrEqual(ends.servers);
        expect(layout.addresses).toBeGreaterThanOrEqual(ends.addresses);
        expect(layout.rotation).toBeGreaterThanOrEqual(ends.rotation);
        expect(layout.counters).toBeGreaterThanOrEqual(ends.counters);
        expect(layout.bytes).toBe(layout.counters + threads * layout.counterWords * 8);
        expect([layout.servers % 4, layout.addresses % 4, layout.rotation % 2]).toEqual([0, 0, 0]);
        expect(layout.counterWords).toBeGreaterThanOrEqual(LISTEN_COUNTERS + slots * SERVER_COUNTERS);
        expect(layout.rotationLimit).toBeGreaterThanOrEqual(slots * 256);
      }
    }
  });

  test("gives each thread's counters cache lines of their own", () => {
    for (const slots of [0, 1, 5, 40]) {
      const { counters, counterWords } = segmentLayout(slots, 4);
      expect([counters % 64, (counterWords * 8) % 64]).toEqual([0, 0]);
    }
  });

  test("names no word twice and none beyond its room", () => {
    for (const [words, room] of [
      [Header, HEADER_WORDS],
      [ServerWord, SERVER_WORDS],
      [ListenCounter, LISTEN_COUNTERS],
      [ServerCounter, SERVER_COUNTERS],
    ] as const) {
      const numbers = Object.values(words);
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(wordsUsed(words)).toBeLessThanOrEqual(room);
    }
    expect(Object.values(Header)).not.toContain(Header.rotationLength + 1);
    expect(Object.values(ServerWord)).not.toContain(ServerWord.addressLength + 1);
  });
});
