import { describe, expect, test } from "bun:test";
import { KEPT_SAMPLES, measure, PROCESS } from "../../../src/cli/watch/flows.ts";
import { type Choice, rowsOf } from "../../../src/cli/watch/rows.ts";
import type { Snapshot } from "../../../src/stats/snapshot.ts";
import { listenWith, processWith, serverWith } from "../../stats/tableCases.ts";

const EVERYTHING: Choice = { order: "file", reversed: false, filter: "", troubledOnly: false };

const sessions = (current: number) => ({ current, max: 9, limit: null, total: 100 + current });
const SNAPSHOT: Snapshot = {
  process: processWith(),
  vrrp: null,
  listens: [
    listenWith({
      name: "web",
      servers: [
        serverWith({ name: "w1", sessions: sessions(1), inStateMs: 9000 }),
        serverWith({ name: "w2", sessions: sessions(5), status: "DOWN", up: false, inStateMs: 100 }),
        serverWith({ name: "w3", sessions: sessions(0), status: "MAINT", admin: "maint", inStateMs: 5000 }),
      ],
    }),
    listenWith({ name: "Mail", servers: [serverWith({ name: "mx", sessions: sessions(3), inStateMs: 7000 })] }),
  ],
};
const keys = (choice: Partial<Choice>, flows = new Map()) =>
  rowsOf(SNAPSHOT, flows, { ...EVERYTHING, ...choice })
    .map(({ key }) => key)
    .join(" ");

describe("the list", () => {
  test("is as configured, each listen before its servers", () => {
    expect(keys({})).toBe("web web/w1 web/w2 web/w3 Mail Mail/mx");
    expect(keys({ reversed: true })).toBe("Mail Mail/mx web web/w1 web/w2 web/w3");
  });

  test("sorted has all servers, the most interesting first", () => {
    expect(keys({ order: "sessions" })).toBe("web/w2 Mail/mx web/w1 web/w3");
    expect(keys({ order: "sessions", reversed: true })).toBe("web/w3 web/w1 Mail/mx web/w2");
    expect(keys({ order: "state" })).toBe("web/w2 web/w3 web/w1 Mail/mx");
    expect(keys({ order: "changed" })).toBe("web/w2 web/w3 Mail/mx web/w1");
    expect(keys({ order: "name" })).toBe("Mail/mx web/w1 web/w2 web/w3");
  });

  test("sorted by what passes puts servers first of which something is known", () => {
    const flow = { sessionsPerS: 2, inPerS: 0, outPerS: 7, sessions: [], bytes: [] };
    const flows = new Map([["Mail/mx", flow]]);
    expect(keys({ order: "rate" }, flows)).toStartWith("Mail/mx ");
    expect(keys({ order: "bytes" }, flows)).toStartWith("Mail/mx ");
  });

  test("filtered by a listen's name has all of it, by a server's only that", () => {
    expect(keys({ filter: "mail" })).toBe("Mail Mail/mx");
    expect(keys({ filter: "w2" })).toBe("web web/w2");
    expect(keys({ filter: "web/W3" })).toBe("web web/w3");
    expect(keys({ filter: "nobody" })).toBe("");
  });

  test("of what is troubled leaves healthy listens out", () => {
    expect(keys({ troubledOnly: true })).toBe("web web/w2 web/w3");
    expect(keys({ troubledOnly: true, filter: "mail" })).toBe("");
  });
});

describe("flows", () => {
  const at = (proxyUptimeMs: number, total: number, bytesIn: number): Snapshot => ({
    process: processWith({ proxyUptimeMs, connections: { current: 4, max: 9, limit: 100, total } }),
    vrrp: null,
    listens: [
      listenWith({
        name: "web",
        bytesIn,
        bytesOut: 2 * bytesIn,
        servers: [
          serverWith({
            name: "w1",
            bytesIn,
            bytesOut: 2 * bytesIn,
            sessions: { current: 2, max: 2, limit: null, total },
          }),
        ],
      }),
    ],
  });

  test("are per second of the balancer's own time", () => {
    const [first, second] = [at(1000, 10, 500), at(3000, 20, 1500)];
    const flows = measure(first, measure(null, new Map(), first), second);
    expect(flows.get("web/w1")).toMatchObject({
      sessionsPerS: 5,
      inPerS: 500,
      outPerS: 1000,
      sessions: [2, 2],
      bytes: [1500],
    });
    expect(flows.get(PROCESS)).toMatchObject({ sessionsPerS: 5, inPerS: 500, outPerS: 1000, sessions: [4, 4] });
  });

  test("are unknown at the first sample, and after a new start", () => {
    const first = at(100_000, 1000, 5000);
    const flows = measure(null, new Map(), first);
    expect(flows.get("web")).toMatchObject({ sessionsPerS: null, inPerS: null, bytes: [] });
    const restarted = measure(first, flows, at(500, 3, 10));
    expect(restarted.get("web/w1")).toMatchObject({ sessionsPerS: null, inPerS: null, outPerS: null });
  });

  test("of two samples of one moment are unknown", () => {
    const sample = at(1000, 10, 500);
    expect(measure(sample, new Map(), sample).get("web/w1")).toMatchObject({ sessionsPerS: null, inPerS: null });
  });

  test("of counters that were cleared are unknown, not negative", () => {
    const [first, second] = [at(1000, 10, 500), at(2000, 20, 0)];
    expect(measure(first, new Map(), second).get("web")).toMatchObject({ inPerS: null, outPerS: null });
    expect(measure(first, new Map(), second).get("web/w1")).toMatchObject({ sessionsPerS: 10 });
  });

  test("keep so many samples, and those of rows that are there", () => {
    let flows = measure(null, new Map(), at(0, 0, 0));
    for (let i = 1; i <= KEPT_SAMPLES + 5; i++) flows = measure(at(1000 * (i - 1), 0, 0), flows, at(1000 * i, 0, 0));
    expect(flows.get("web")?.sessions.length).toBe(KEPT_SAMPLES);
    expect(flows.get("web")?.bytes.length).toBe(KEPT_SAMPLES);
    const gone: Snapshot = { ...at(99_000_000, 0, 0), listens: [] };
    expect([...measure(at(0, 0, 0), flows, gone).keys()]).toEqual([PROCESS]);
  });
});
