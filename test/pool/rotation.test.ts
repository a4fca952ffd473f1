import { describe, expect, test } from "bun:test";
import { buildRotation } from "../../src/pool/rotation.ts";

const LIMIT = 4096;
const rotationOf = (weights: number[], limit = LIMIT): number[] => [...buildRotation(weights, limit)];
const count = (rotation: number[], server: number): number => rotation.filter((turn) => turn === server).length;

/** Distances from each turn of a server to its next one, around the cycle. */
function gaps(rotation: number[], server: number): number[] {
  const at = rotation.flatMap((turn, i) => (turn === server ? [i] : []));
  return at.map((place, i) => (at[i + 1] ?? (at[0] as number) + rotation.length) - place);
}

/** Every weight vector of `size` servers with weights 1 … most, heaviest first. */
function* vectors(size: number, most: number): Generator<number[]> {
  if (size === 0) yield [];
  else
    for (let weight = 1; weight <= most; weight++)
      for (const rest of vectors(size - 1, weight)) yield [weight, ...rest];
}

describe("a rotation", () => {
  test.each([
    [
      [1, 1, 1],
      [0, 1, 2],
    ],
    [
      [7, 7],
      [0, 1],
    ],
    [
      [0, 5, 0, 5],
      [1, 3],
    ],
    [[3], [0]],
  ])("of weights %p is %p", (weights, rotation) => {
    expect(rotationOf(weights)).toEqual(rotation);
  });

  test.each([[[]], [[0]], [[0, 0, 0]]])("of weights %p is empty: nobody takes sessions", (weights) => {
    expect(rotationOf(weights)).toEqual([]);
  });

  test.each([
    [[1, 2, 5], 8],
    [[100, 100, 50], 5],
    [[16, 32, 80], 8],
    [[256, 1], 257],
    [[6, 10, 15], 31],
  ])("of weights %p has %i turns: the weights without their common divisor", (weights, length) => {
    const rotation = rotationOf(weights);
    expect(rotation).toHaveLength(length);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [server, weight] of weights.entries()) expect(count(rotation, server)).toBe((weight * length) / total);
  });

  test("gives every server its exact share and spreads its turns: no gap is twice the even one", () => {
    for (const weights of vectors(4, 6)) {
      const rotation = rotationOf(weights);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (const [server, weight] of weights.entries()) {
        expect(count(rotation, server) * total).toBe(weight * rotation.length);
        const even = rotation.length / count(rotation, server);
        expect(Math.max(...gaps(rotation, server))).toBeLessThanOrEqual(2 * even);
      }
    }
  });

  test("keeps every stretch of it close to the weights: nobody runs two turns ahead or behind", () => {
    for (const weights of [
      [1, 2, 5],
      [100, 100, 50],
      [256, 128, 1],
      [3, 3, 2, 2, 1],
      [5, 1, 1, 1, 1],
    ]) {
      const rotation = rotationOf(weights);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (const [server, weight] of weights.entries()) {
        let seen = 0;
        for (const [turn, who] of rotation.entries()) {
          if (who === server) seen++;
          expect(Math.abs(seen - ((turn + 1) * weight) / total)).toBeLessThan(2);
        }
      }
    }
  });

  test("has no server twice in a row where the weights allow it, the seam of the cycle included", () => {
    const doubled: string[] = [];
    for (const size of [2, 3, 4, 5]) {
      for (const weights of vectors(size, 5)) {
        const rotation = rotationOf(weights);
        const most = Math.max(...weights.map((_, server) => count(rotation, server)));
        const avoidable = 2 * most <= rotation.length;
        const twice = rotation.some((server, i) => server === rotation[(i + 1) % rotation.length]);
        if (avoidable && twice) doubled.push(`${weights.join("/")}: ${rotation.join(" ")}`);
      }
    }
    expect(doubled).toEqual([]);
  });

  test("has a server of more than half of the turns in a row only as often as it must", () => {
    const rotation = rotationOf([1, 2, 5]);
    const doubles = rotation.filter((server, i) => server === rotation[(i + 1) % 8]);
    expect(doubles).toEqual([2, 2]);
  });
});

describe("a rotation that would be longer than its limit", () => {
  test.each([
    [[4095, 1, 1], 768],
    [[4095, 4094, 4093], 768],
    [[1000, 1, 1, 1, 1, 1, 1, 1], 16],
    [[4095, 1], 2],
    [[997, 991, 983, 977], 100],
  ])("of weights %p fits into %i turns, and nobody loses their last one", (weights, limit) => {
    const rotation = rotationOf(weights, limit);
    expect(rotation.length).toBeLessThanOrEqual(limit);
    for (const server of weights.keys()) expect(count(rotation, server)).toBeGreaterThan(0);
  });

  test("keeps shares to within one turn of the right ones", () => {
    const weights = [4095, 2001, 1003, 509];
    const rotation = rotationOf(weights, 1024);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [server, weight] of weights.entries()) {
      expect(Math.abs(count(rotation, server) - (weight * rotation.length) / total)).toBeLessThanOrEqual(1);
    }
  });

  test("of a thousand servers is made in a moment, whatever their weights", () => {
    const servers = 1000;
    const weights = Array.from({ length: servers }, (_, i) => 1 + ((i * 37) % 256));
    const startedMs = performance.now();
    const rotation = rotationOf(weights, 256 * servers);
    // A tenth of a second; looking at all servers at each turn took more than one.
    expect(performance.now() - startedMs).toBeLessThan(1000);
    expect(rotation).toHaveLength(weights.reduce((sum, weight) => sum + weight));
  });
});
