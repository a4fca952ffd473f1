import { expect } from "bun:test";
import type { Ending, TestClient } from "../../../support/client.ts";
import type { Balancer } from "./balancer.ts";
import type { SessionLine } from "./logReceiver.ts";

/** What became of one client. */
export interface Outcome {
  line: SessionLine;
  /** How the connection ended for the client, and when, in ms since it set out; "open": it had not when the line came. */
  ending: Ending | "open";
  endedMs: number;
  received: Buffer;
  /** The longest that this process's own loop had to wait meanwhile. */
  lagMs: number;
}

/** What is expected of an {@link Outcome}; times are in ms and may be exceeded by {@link LATE_MS}, never undercut. */
export interface Expected {
  code: string;
  ttMs?: number;
  bytes?: number;
  server?: string;
  retries?: string;
  twMs?: number;
  tcMs?: number;
  ending?: Ending | "open";
  endedMs?: number;
  received?: string | number;
}

/** A busy machine may be this late. */
const LATE_MS = 700;
/** A machine that let our own loop wait this long may have done so with anybody's, and what was seen proves nothing. */
const TOO_BUSY_MS = 60;
const ATTEMPTS = 4;
/** Clocks and timers round. */
const EARLY_MS = 15;

/** Connects a client, runs the script, and waits for the log line. */
export async function play(
  balancer: Balancer,
  listen: string,
  script: (client: TestClient) => unknown = () => {},
  options: { timeoutMs?: number } & Parameters<Balancer["client"]>[1] = {},
): Promise<Outcome> {
  const { timeoutMs = 8000, ...clientOptions } = options;
  const startedMs = performance.now();
  const lag = watchLag();
  const client = balancer.client(listen, clientOptions);
  const outcome: Pick<Outcome, "ending" | "endedMs"> = { ending: "open", endedMs: -1 };
  await client.connected;
  const port = client.socket.localPort as number;
  void client.ended.then((ending) => {
    Object.assign(outcome, { ending, endedMs: performance.now() - startedMs });
  });
  await script(client);
  const line = await balancer.logs.ofClient(listen, port, timeoutMs);
  // The line can overtake the FIN.
  if (outcome.ending === "open") await Promise.race([client.ended, Bun.sleep(1000)]);
  return { line, ...outcome, received: client.received(), lagMs: lag.stop() };
}

/** Plays it, and again while it is not as expected and the machine was too busy to tell. */
export async function expectPlayed(
  balancer: Balancer,
  listen: string,
  script: ((client: TestClient) => unknown) | undefined,
  expected: Expected,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await play(balancer, listen, script);
    try {
      expectOutcome(outcome, expected);
      return;
    } catch (failure) {
      if (attempt === ATTEMPTS || outcome.lagMs < TOO_BUSY_MS) throw failure;
    }
  }
}

function watchLag(): { stop(): number } {
  const everyMs = 10;
  let longestMs = 0;
  let expectedMs = performance.now() + everyMs;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - expectedMs);
    expectedMs = nowMs + everyMs;
  }, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return longestMs;
    },
  };
}

/** Fails with the whole outcome unless it is as expected. */
export function expectOutcome(outcome: Outcome, expected: Expected): void {
  const { line } = outcome;
  const { code, server, retries, bytes, ending, received } = expected;
  const seen = {
    ...outcome,
    received: outcome.received.length > 200 ? outcome.received.length : outcome.received.toString(),
  };
  const exact = {
    code: line.code,
    server: server === undefined ? undefined : line.server,
    retries: retries === undefined ? undefined : line.retries,
    bytes: bytes === undefined ? undefined : line.bytes,
    ending: ending === undefined ? undefined : outcome.ending,
    received:
      received === undefined
        ? undefined
        : typeof received === "number"
          ? outcome.received.length
          : outcome.received.toString(),
    times: {
      ttMs: near(line.ttMs, expected.ttMs),
      twMs: near(line.twMs, expected.twMs),
      tcMs: near(line.tcMs, expected.tcMs),
      endedMs: near(outcome.endedMs, expected.endedMs),
    },
  };
  const asked = {
    code,
    server,
    retries,
    bytes,
    ending,
    received,
    times: { ttMs: expected.ttMs, twMs: expected.twMs, tcMs: expected.tcMs, endedMs: expected.endedMs },
  };
  expect({ ...exact, seen }).toEqual({ ...asked, seen });
}

/** The expected value when the measured one is near enough, so that a failure shows both. */
function near(ms: number, expectedMs: number | undefined): number | undefined {
  if (expectedMs === undefined) return undefined;
  if (expectedMs < 0) return ms;
  return ms >= expectedMs - EARLY_MS && ms <= expectedMs + LATE_MS ? expectedMs : ms;
}
