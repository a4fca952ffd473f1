import { describe, expect, test } from "bun:test";
import { filesNeeded, maxconnWithin } from "../../src/config/fileBudget.ts";
import type { Config } from "../../src/config/schema.ts";

/** As much of a configuration as costs descriptors. */
function config({ threads = 2, listens = 1, binds = 1, servers = 2, pages = 0 } = {}): Config {
  const listen = {
    binds: Array(binds).fill({ kind: "tcp", host: "127.0.0.1", port: 1 }),
    servers: Array(servers).fill({}),
  };
  const stats = pages === 0 ? null : { maxconn: 10, binds: Array(pages).fill(listen.binds[0]) };
  return {
    global: { threads },
    listens: Array(listens).fill(listen),
    stats,
    admin: { binds: [] },
  } as unknown as Config;
}

describe("the open files that a proxy process needs", () => {
  test("are two for each connection, beyond a fixed part", () => {
    expect(filesNeeded(config(), 1000) - filesNeeded(config(), 0)).toBe(2000);
  });

  test("grow with threads, binds and servers", () => {
    const base = filesNeeded(config(), 10);
    expect(filesNeeded(config({ threads: 3 }), 10)).toBeGreaterThan(base);
    expect(filesNeeded(config({ binds: 2 }), 10)).toBe(base + 4);
    expect(filesNeeded(config({ servers: 3 }), 10)).toBe(base + 1);
    expect(filesNeeded(config({ pages: 2 }), 10)).toBe(base + 10 + 4);
  });

  test("decide how many connections fit: one more would not", () => {
    for (const files of [200, 256, 1024, 20_000]) {
      for (const each of [config(), config({ threads: 8, listens: 3, binds: 2, servers: 10 })]) {
        const fitting = maxconnWithin(each, files);
        if (fitting > 0) expect(filesNeeded(each, fitting)).toBeLessThanOrEqual(files);
        expect(filesNeeded(each, fitting + 1)).toBeGreaterThan(files);
      }
    }
  });

  test("fit nobody, rather than a negative number, below the fixed part", () => {
    expect(maxconnWithin(config(), 0)).toBe(0);
    expect(maxconnWithin(config(), filesNeeded(config(), 0) + 1)).toBe(0);
    expect(maxconnWithin(config(), filesNeeded(config(), 0) + 2)).toBe(1);
  });
});
