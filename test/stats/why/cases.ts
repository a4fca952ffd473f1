import { suggest } from "../../../src/config/suggest.ts";
import type { CheckedFacts, CheckFacts } from "../../../src/stats/checkFacts.ts";
import { Journal } from "../../../src/stats/journal.ts";
import type { ListenSnapshot } from "../../../src/stats/snapshot.ts";
import { explain } from "../../../src/stats/why/explain.ts";
import { renderWhy } from "../../../src/stats/why/text.ts";
import type { Why, WhyWorld } from "../../../src/stats/why/why.ts";
import { processWith } from "../tableCases.ts";
import { WALL_MS } from "../vrrpCases.ts";

/** A check of 2 s, rise 2, fall 3, of a server that is up and well; the next one is due in 1.2 s. */
export function factsWith(over: Partial<CheckFacts> = {}): CheckFacts {
  return {
    health: 4,
    rise: 2,
    fall: 3,
    inProgress: false,
    nextInMs: 1200,
    intervalMs: 2000,
    fastIntervalMs: 500,
    downIntervalMs: 5000,
    row: { passed: true, count: 7, sinceAgoMs: 12_000 },
    last: passedWith(),
    lastFailure: null,
    lastPassAgoMs: 400,
    trail: [],
    ...over,
  };
}

export function passedWith(over: Partial<CheckedFacts> = {}): CheckedFacts {
  return { agoMs: 400, passed: true, status: "L4OK", code: null, info: null, durationMs: 3, evidence: null, ...over };
}

/** Connection refused, a second ago. */
export function refusedWith(over: Partial<CheckedFacts> = {}): CheckedFacts {
  return {
    agoMs: 1000,
    passed: false,
    status: "L4CON",
    code: null,
    info: "Connection refused",
    durationMs: 0,
    evidence: {
      target: "192.0.2.11:4900",
      step: { number: 0, of: 0, doing: "connect" },
      errno: { name: "ECONNREFUSED", text: "Connection refused" },
      sent: null,
      received: null,
    },
    ...over,
  };
}

/** A world at 16:05:09.000 by the clock on the wall. */
export function worldWith(over: Partial<WhyWorld> & { listens?: ListenSnapshot[] } = {}): WhyWorld {
  const { listens = [], ...rest } = over;
  return {
    snapshot: { process: processWith(), listens, vrrp: null },
    events: new Journal().events,
    wallMs: WALL_MS,
    check: () => null,
    suggest,
    ...rest,
  };
}

/** The answer about a name; throws when there is none. */
export function whyOf(name: string, world: WhyWorld): Why {
  const why = explain(name, world);
  if ("unknown" in why) throw new Error(why.unknown);
  return why;
}

/** The same as people read it, without its last events. */
export function told(name: string, world: WhyWorld): string {
  return renderWhy({ ...whyOf(name, world), events: [] }, world.wallMs);
}
