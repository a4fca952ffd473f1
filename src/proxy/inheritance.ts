import type { CheckerMemory } from "../health/checker.ts";
import { serverCounter } from "../pool/board.ts";
import { ListenCounter, ServerCounter } from "../pool/layout.ts";
import type { ServerMemory } from "../pool/memory.ts";
import type { Accepting, Pool } from "../pool/pool.ts";
import { type ProcessBoard, ThreadCounter } from "../pool/processBoard.ts";
import type { RuntimeServers } from "./runtimeServers.ts";

/**
 * What a proxy process knows, for the one that takes its place at an upgrade. Plain JSON between two versions of this
 * program: everything goes by name, and whoever reads it leaves out what it does not know.
 */
export interface Inheritance {
  /** For how long its counters have been counting, those included that it inherited itself. */
  readonly countedForMs: number;
  readonly process: Counts;
  /** This and what is optional below is missing in what earlier versions say. */
  readonly runtimeServers?: RuntimeServers;
  /** Most connections, and what the file asked for. */
  readonly maxconn?: SetLimit<number>;
  readonly listens: readonly InheritedListen[];
}

/** A limit as it is, which somebody may have set at run time, and as the file had it. */
export interface SetLimit<T> {
  readonly is: T;
  readonly inFile: T;
}

export interface InheritedListen {
  readonly name: string;
  readonly counts: Counts;
  readonly accepting?: Accepting;
  readonly maxconn?: SetLimit<number | null>;
  readonly servers: readonly InheritedServer[];
}

export interface InheritedServer {
  readonly name: string;
  readonly counts: Counts;
  readonly standing: ServerMemory;
  readonly check: InheritedCheck | null;
}

/** What is known of a server's checks; `lastCheckAgoMs` null: there has been none. */
export interface InheritedCheck {
  readonly memory: CheckerMemory;
  readonly lastCheckAgoMs: number | null;
}

/** Values of counters by their names in pool/layout.ts; those that stand at 0 are left out. */
export type Counts = Readonly<Record<string, number>>;

/** Counters that say how things are now: who takes over has its own. */
const MOMENTARY: ReadonlySet<string> = new Set(["oldestWaiting", "heartbeat"]);
/** Counters of which the highest counts, not the sum. */
const HIGHEST: ReadonlySet<string> = new Set([
  ...["maxCurrent", "maxQueued", "lastSession"],
  ...["maxQueueTime", "maxConnectTime", "maxTotalTime"],
]);

/** What of a process is not on its boards and in its pools. */
export type Circumstances = Required<Pick<Inheritance, "countedForMs" | "runtimeServers" | "maxconn">>;

/** Writes it all down. `check` tells what is known of a server's checks. */
export function describeInheritance(
  board: ProcessBoard,
  pools: readonly Pool[],
  circumstances: Circumstances,
  check: (pool: Pool, slot: number) => InheritedCheck | null,
): Inheritance {
  return {
    ...circumstances,
    process: countsOf(ThreadCounter, (index, name) => (HIGHEST.has(name) ? board.max(index) : board.sum(index))),
    listens: pools.map((pool) => ({
      name: pool.config.name,
      counts: listenCounts(pool),
      accepting: pool.accepting,
      maxconn: { is: pool.maxconn, inFile: pool.config.maxconn },
      // One that was removed may share its name with one that has come after it.
      servers: pool.servers
        .filter(({ leavingUntilMs }) => leavingUntilMs === null)
        .map(({ slot, config }) => ({
          name: config.name,
          counts: serverCounts(pool, slot),
          standing: pool.memoryOf(slot),
          check: check(pool, slot),
        })),
    })),
  };
}

/** The same of an account of `agoMs` ago, without counters: those of a process that has crashed are gone with it. */
export function standingAfter({ listens, ...process }: Inheritance, agoMs: number): Inheritance {
  const older = (ms: number | null): number | null => (ms === null ? null : ms + agoMs);
  return {
    ...process,
    countedForMs: 0,
    process: {},
    listens: listens.map(({ servers, ...listen }) => ({
      ...listen,
      counts: {},
      servers: servers.map(({ name, standing, check }) => ({
        name,
        counts: {},
        standing: { ...standing, inStateMs: standing.inStateMs + agoMs, rampingMs: older(standing.rampingMs) },
        check: check && { ...check, lastCheckAgoMs: older(check.lastCheckAgoMs) },
      })),
    })),
  };
}

/** What has been counted since: `after` without `before`, and only what has. The highest values stay what they are. */
export function countedSince(before: Inheritance, after: Inheritance): Inheritance {
  return {
    ...after,
    process: difference(before.process, after.process),
    listens: after.listens
      .map((listen) => {
        const old = before.listens.find(({ name }) => name === listen.name);
        const servers = listen.servers.map((server) => {
          const oldServer = old?.servers.find(({ name }) => name === server.name);
          return { ...server, counts: difference(oldServer?.counts ?? {}, server.counts) };
        });
        return {
          ...listen,
          counts: difference(old?.counts ?? {}, listen.counts),
          servers: servers.filter(({ counts }) => !isEmpty(counts)),
        };
      })
      .filter(({ counts, servers }) => !isEmpty(counts) || servers.length > 0),
  };
}

function isEmpty(counts: Counts): boolean {
  return Object.keys(counts).length === 0;
}

/** Adds what another process has counted to what this one shows. */
export function inheritCounts(inheritance: Inheritance, board: ProcessBoard, pools: ReadonlyMap<string, Pool>): void {
  add(inheritance.process, ThreadCounter, (index, value, isHighest) => board.inherit(index, value, isHighest));
  for (const { name, counts, servers } of inheritance.listens) {
    const pool = pools.get(name);
    if (pool === undefined) continue;
    add(counts, ListenCounter, (index, value, isHighest) => pool.board.inherit(index, value, isHighest));
    for (const server of servers) {
      const slot = slotOf(pool, server.name);
      if (slot === null) continue;
      add(server.counts, ServerCounter, (index, value, isHighest) =>
        pool.board.inherit(serverCounter(slot, index), value, isHighest),
      );
    }
  }
}

/** Puts listens and servers where they stood. */
export function inheritStanding(inheritance: Inheritance, pools: ReadonlyMap<string, Pool>): void {
  for (const { name, servers, accepting, maxconn } of inheritance.listens) {
    const pool = pools.get(name);
    if (pool === undefined) continue;
    pool.accepting = accepting ?? "open";
    if (maxconn !== undefined && maxconn.inFile === pool.config.maxconn) pool.setListenMaxconn(maxconn.is);
    pool.together(() => {
      for (const { name: server, standing } of servers) {
        const slot = slotOf(pool, server);
        if (slot !== null) pool.remember(slot, standing);
      }
    });
  }
}

/** What was known of a server's checks; null: nothing. */
export function inheritedCheck(inheritance: Inheritance | null, listen: string, server: string): InheritedCheck | null {
  const servers = inheritance?.listens.find(({ name }) => name === listen)?.servers;
  return servers?.find(({ name }) => name === server)?.check ?? null;
}

function slotOf({ servers }: Pool, name: string): number | null {
  return servers.find(({ config }) => config.name === name)?.slot ?? null;
}

function listenCounts({ board }: Pool): Counts {
  return countsOf(ListenCounter, (index, name) => (HIGHEST.has(name) ? board.max(index) : board.sum(index)));
}

function serverCounts({ board }: Pool, slot: number): Counts {
  return countsOf(ServerCounter, (counter, name) => {
    const index = serverCounter(slot, counter);
    return HIGHEST.has(name) ? board.max(index) : board.sum(index);
  });
}

function countsOf(counters: Readonly<Record<string, number>>, value: (index: number, name: string) => number): Counts {
  const named = Object.entries(counters).filter(([name]) => !MOMENTARY.has(name));
  return Object.fromEntries(
    named.map(([name, index]) => [name, value(index, name)] as const).filter(([, n]) => n !== 0),
  );
}

function difference(before: Counts, after: Counts): Counts {
  const changed = Object.entries(after).map(
    ([name, value]) =>
      [name, HIGHEST.has(name) && value !== before[name] ? value : value - (before[name] ?? 0)] as const,
  );
  return Object.fromEntries(changed.filter(([, value]) => value !== 0));
}

function add(
  counts: Counts,
  counters: Readonly<Record<string, number>>,
  inherit: (index: number, value: number, isHighest: boolean) => void,
): void {
  for (const [name, value] of Object.entries(counts)) {
    const index = Object.hasOwn(counters, name) && !MOMENTARY.has(name) ? counters[name] : undefined;
    if (index !== undefined && Number.isFinite(value)) inherit(index, value, HIGHEST.has(name));
  }
}
