import type { VrrpInstanceConfig } from "../../config/schema.ts";
import type { VrrpStateName } from "../../stats/vrrpSnapshot.ts";
import { leaseSeconds } from "../leases.ts";
import { prioritySum, type Weighing } from "../priority.ts";
import { masterDownMs } from "../timers.ts";
import type { Fault } from "./faults.ts";
import { BOTH, other, type Pair, type Subject, type Which } from "./pair.ts";
import { PairLan } from "./pairLan.ts";
import { type Spell, Watch } from "./watch.ts";

/** How one virtual router stood on one host, in words. */
export interface Standing {
  /** keepalived's word for it; "down": it does not run; "frozen": nor does it, but it will go on where it was. */
  readonly state: VrrpStateName | "down" | "frozen";
  /** Why it is in FAULT. */
  readonly faults: readonly string[];
  /** "81 = 101 - 20 (listen web failed)": what changes the sum, term by term; "" for a router that does not run. */
  readonly sum: string;
  /** null: it does not run. */
  readonly priority: Pick<Weighing, "total" | "effective" | "parts"> | null;
}

/** What a fault did to one virtual router. */
export interface Played {
  /** Who owned it before. */
  readonly before: readonly Which[];
  readonly during: Spell;
  readonly after: Spell;
  /** It came to rest. */
  readonly settled: boolean;
  /** On each host, at rest under the fault. */
  readonly standings: readonly [Standing, Standing];
  /** Whether each host could have served all of its clients, and any of them, under the fault. */
  readonly could: readonly [Ability, Ability];
}

/** What a host can do for the clients of a virtual router. */
export interface Ability {
  readonly all: boolean;
  readonly something: boolean;
}

const NOT_RUNNING: Standing = { state: "down", faults: [], sum: "", priority: null };
/** After its last advert: the worst moment to die. */
const JUST_AFTER_MS = 2;

/** How the hosts come to life. */
export type Start = { readonly kind: "first"; readonly which: Which } | { readonly kind: "together" };

/** Who may change their minds, and for how long they wait. */
interface Waits {
  /** Until the pair has come to rest after anything that it has noticed: two takeovers, and the delay of preempting. */
  readonly restMs: number;
  /** Silence that shows that it has. */
  readonly calmMs: number;
}

/** The longest waits of the pair's routers, whatever their trackers do to the priorities. */
export function waitsOf(pair: Pair): Waits {
  const instances = pair.flatMap(({ vrrp }) => vrrp.instances);
  const intervalMs = Math.max(...instances.map(({ advertIntMs }) => advertIntMs));
  const longest = (measure: (instance: VrrpInstanceConfig) => number): number => Math.max(...instances.map(measure));
  const downMs = longest(({ version, downTimerAdverts }) =>
    masterDownMs({ version, downTimerAdverts, priority: 1 }, intervalMs),
  );
  const leaseMs = longest(({ downTimerAdverts, advertIntMs }) => 1000 * leaseSeconds(downTimerAdverts, advertIntMs));
  const onceMs = Math.max(downMs, leaseMs);
  return { restMs: 2 * onceMs + 2 * intervalMs + longest((each) => each.preemptDelayMs), calmMs: onceMs / 4 };
}

/** Plays one fault at one moment between two adverts; `phase` 0 to 1. What came of it, by subject. */
export function playFault(pair: Pair, subjects: readonly Subject[], fault: Fault, phase: number): Played[] {
  const lan = new PairLan(pair, subjects);
  const watch = new Watch(lan, subjects);
  const { world } = lan;
  const { restMs, calmMs } = waitsOf(pair);
  start(lan, { kind: "together" }, restMs);
  const intervalMs = untilAdvert(lan);
  world.runUntil(world.nowMs + JUST_AFTER_MS + phase * intervalMs);
  const before = subjects.map((subject) => lan.owners(subject));
  const startMs = world.nowMs;
  fault.start(lan);
  watch.look();
  world.runUntil(startMs + fault.noticedMs + restMs);
  const standings = subjects.map((subject) => standingsOf(lan, subject));
  const could = subjects.map((subject) => abilities(lan, subject));
  const healMs = world.nowMs;
  fault.heal(lan);
  watch.look();
  world.runUntil(healMs + fault.noticedMs + restMs);
  return subjects.map((_, index) => {
    const during = watch.spell(index, startMs, healMs);
    return {
      before: before[index] ?? [],
      during,
      after: watch.spell(index, healMs, world.nowMs),
      settled: healMs - during.lastChangeMs > calmMs,
      standings: standings[index] as Played["standings"],
      could: could[index] as Played["could"],
    };
  });
}

/** Plays a start without any fault. */
export function playStart(pair: Pair, subjects: readonly Subject[], how: Start): Played[] {
  const lan = new PairLan(pair, subjects);
  const watch = new Watch(lan, subjects);
  const { restMs, calmMs } = waitsOf(pair);
  start(lan, how, restMs);
  const endMs = lan.world.nowMs;
  return subjects.map((subject, index) => {
    const during = watch.spell(index, 0, endMs);
    return {
      before: [],
      during,
      after: watch.spell(index, endMs, endMs),
      settled: endMs - during.lastChangeMs > calmMs,
      standings: standingsOf(lan, subject),
      could: abilities(lan, subject),
    };
  });
}

/** Both are up and at rest. */
function start(lan: PairLan, how: Start, restMs: number): void {
  const { hosts, world } = lan;
  if (how.kind === "together") {
    for (const which of BOTH) hosts[which].boot();
  } else {
    hosts[how.which].boot();
    world.runUntil(restMs);
    hosts[other(how.which)].boot();
  }
  world.runUntil(world.nowMs + restMs);
}

/** Goes on to the next advert of anybody; the longest time between two. */
function untilAdvert(lan: PairLan): number {
  const intervals = lan.pair.flatMap(({ vrrp }) => vrrp.instances.map(({ advertIntMs }) => advertIntMs));
  const longestMs = Math.max(...intervals);
  const { frames, world } = lan;
  const endMs = world.nowMs + 2 * longestMs;
  while (lan.frames === frames && world.nowMs < endMs) world.runUntil(world.nowMs + longestMs / 1000);
  return longestMs;
}

function standingsOf(lan: PairLan, subject: Subject): [Standing, Standing] {
  const standing = (which: Which): Standing => {
    const router = lan.router(which, subject);
    if (router === undefined) return NOT_RUNNING;
    if (lan.hosts[which].node.frozen !== "no") return { ...NOT_RUNNING, state: "frozen" };
    const { total, effective, parts } = router.weighed;
    const counting = parts.filter(({ amount }) => amount !== 0);
    const base = subject.instances[which]?.priority ?? effective;
    const sum = prioritySum(base, { ...router.weighed, parts: counting });
    return { state: router.state, faults: router.faults, sum, priority: { total, effective, parts } };
  };
  return [standing(0), standing(1)];
}

function abilities(lan: PairLan, { instances }: Subject): [Ability, Ability] {
  const ability = (which: Which): Ability => {
    const instance = instances[which];
    if (instance === null) return { all: false, something: false };
    const host = lan.hosts[which];
    return { all: host.impairments(instance).length === 0, something: host.servesSomething(instance) };
  };
  return [ability(0), ability(1)];
}
