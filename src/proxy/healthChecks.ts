import { isDeepStrictEqual } from "node:util";
import type { CheckConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { Endpoint } from "../core/endpoint.ts";
import { Checker, type CheckerMemory } from "../health/checker.ts";
import { statusText } from "../health/counter.ts";
import type { CheckResult } from "../health/result.ts";
import { startOffsetsMs } from "../health/schedule.ts";
import type { Pool } from "../pool/pool.ts";
import { addressOf, checkAddressOf, isUpAtFirst, type PoolServer } from "../pool/server.ts";
import type { CheckFacts } from "../stats/checkFacts.ts";
import type { CheckView } from "../stats/view.ts";
import { checkFacts } from "./checkFacts.ts";
import type { InheritedCheck } from "./inheritance.ts";

/** What decides how a server is checked: while it stays the same, so does the checker. */
interface Terms {
  readonly check: CheckConfig;
  readonly connectTimeoutMs: number | null;
  readonly onError: PoolServer["config"]["onError"];
  readonly spreadPercent: number;
}

interface Watched {
  readonly terms: Terms;
  readonly checker: Checker;
  lastCheckMs: number | null;
}

/** What wires health to the pools: every checked server's checker, started spread out, its results given to its pool. */
export class HealthChecks {
  private readonly watched = new Map<PoolServer, Watched>();

  constructor(
    /** `spread_checks`, 0..50, for checkers that begin from now on or are updated. */
    public spreadPercent: number,
    private readonly clock: Clock,
    /** The kernel's form of an address; null while its name has none. */
    private readonly encode: (endpoint: Endpoint) => Uint8Array | null,
    /** Hears each result before the pool does. */
    private readonly onResult: (server: PoolServer, result: CheckResult) => void,
  ) {}

  /**
   * Starts the checks of pools: not at once, but spread over the interval, as HAProxy does. `inherited`: what the process
   * before this one knew of a server.
   */
  start(
    pools: readonly Pool[],
    inherited: (pool: Pool, server: PoolServer) => InheritedCheck | null = () => null,
  ): void {
    const checked = pools.flatMap((pool) =>
      pool.servers.flatMap((server) => (server.config.check === null ? [] : [{ pool, server }])),
    );
    const checks = checked.map(({ server }) => server.config.check as CheckConfig);
    const offsets = startOffsetsMs(checks);
    for (const [i, { pool, server }] of checked.entries()) {
      const known = inherited(pool, server);
      if (known === null) {
        this.watch(pool, server, offsets[i] ?? 0, null);
        continue;
      }
      const { memory, lastCheckAgoMs } = known;
      const watched = this.watch(pool, server, Math.min(memory.nextInMs, checks[i]?.intervalMs ?? 0), memory);
      if (lastCheckAgoMs !== null) watched.lastCheckMs = this.clock.nowMs() - lastCheckAgoMs;
    }
  }

  /** A server has been added: its checks begin at once. */
  add(pool: Pool, server: PoolServer): void {
    if (server.config.check !== null) this.watch(pool, server, 0, null);
  }

  /** Checks it no more. */
  remove(server: PoolServer): void {
    this.watched.get(server)?.checker.stop();
    this.watched.delete(server);
  }

  /**
   * A server, or what its listen says of checks, was changed. What checks have found stays, unless `moved`: another
   * address is another server.
   */
  update(pool: Pool, server: PoolServer, moved: boolean): void {
    const before = this.watched.get(server);
    const terms = this.termsOf(pool, server);
    if (terms === null) {
      this.remove(server);
      if (before !== undefined) pool.setUp(server.slot, true);
      return;
    }
    if (before !== undefined && !moved && isDeepStrictEqual(before.terms, terms)) {
      this.admitted(server);
      return;
    }
    const memory = moved ? null : (before?.checker.memory ?? null);
    this.remove(server);
    const delayMs = memory === null ? 0 : Math.min(memory.nextInMs, terms.check.intervalMs);
    const after = this.watch(pool, server, delayMs, memory);
    if (memory === null) pool.setUp(server.slot, isUpAtFirst(server.config));
    else after.lastCheckMs = before?.lastCheckMs ?? null;
  }

  /** A server's name has an address now, or its maintenance may have ended or begun: its checks do the same. */
  admitted(server: PoolServer): void {
    const { check } = server.config;
    const checker = this.watched.get(server)?.checker;
    if (check === null || checker === undefined) return;
    if (!this.canCheck(server)) checker.pause();
    else if (!checker.isRunning) checker.resume(check.initState);
  }

  /** `PoolServer.checking` was changed: its checks end, or go on where they stood. */
  switched(server: PoolServer): void {
    const checker = this.watched.get(server)?.checker;
    if (!this.canCheck(server)) checker?.pause();
    else checker?.goOn();
  }

  /** An operator says how a server is: checks go on from there. */
  force(server: PoolServer, up: boolean): void {
    this.watched.get(server)?.checker.force(up);
  }

  /** The counts of all checks are 0 from now on. */
  clearCounters(): void {
    for (const { checker } of this.watched.values()) checker.clearCounters();
  }

  stop(): void {
    for (const { checker } of this.watched.values()) checker.stop();
  }

  /** Traffic has met so many connect errors in a row: see `observe`. */
  observed(server: PoolServer, errorCount: number): void {
    this.watched.get(server)?.checker.observed(errorCount);
  }

  /** What the next process is to know of a server's checks; null: it is not checked. */
  memoryOf(server: PoolServer): InheritedCheck | null {
    const watched = this.watched.get(server);
    if (watched === undefined) return null;
    const { checker, lastCheckMs } = watched;
    // What was sent and received is for people who ask here and now, and too much to be told of every server.
    const { state, ...memory } = checker.memory;
    const lastResult = state.lastResult && { ...state.lastResult, evidence: null };
    return {
      memory: { ...memory, state: { ...state, lastResult } },
      lastCheckAgoMs: lastCheckMs === null ? null : this.clock.nowMs() - lastCheckMs,
    };
  }

  /** All that is known of a server's checks; null: it is not checked, or not at present. */
  facts(server: PoolServer): CheckFacts | null {
    const watched = this.watched.get(server);
    if (watched === undefined || !server.checking) return null;
    return checkFacts(watched.checker, watched.terms.check, watched.lastCheckMs, this.clock.nowMs());
  }

  /** What is known of a server's checks; null: it is not checked, or not at present. */
  view(server: PoolServer): CheckView | null {
    const watched = this.watched.get(server);
    if (watched === undefined || !server.checking) return null;
    const { checker, lastCheckMs } = watched;
    const { health, rise, fall, lastResult } = checker.state;
    const { failed, observed, inconclusive } = checker.counters;
    return {
      statusText: statusText(health, rise, fall),
      health,
      rise,
      fall,
      lastResult,
      lastCheckMs,
      inProgress: checker.inProgress,
      failures: failed,
      observed,
      inconclusive,
    };
  }

  private termsOf(pool: Pool, { config }: PoolServer): Terms | null {
    if (config.check === null) return null;
    return {
      check: config.check,
      connectTimeoutMs: pool.config.timeout.connectMs,
      onError: config.onError,
      spreadPercent: this.spreadPercent,
    };
  }

  private watch(pool: Pool, server: PoolServer, startDelayMs: number, memory: CheckerMemory | null): Watched {
    const terms = this.termsOf(pool, server);
    if (terms === null) throw new RangeError(`server ${server.config.name} is not checked`);
    const checker = new Checker(
      {
        ...terms,
        address: () => this.encode(checkAddressOf(server) ?? terms.check.address),
        startDelayMs,
        clock: this.clock,
        random: Math.random,
        onResult: (result, state) => {
          watched.lastCheckMs = this.clock.nowMs();
          this.onResult(server, result);
          if (result.passed) pool.board.clearConsecutiveErrors(server.slot);
          pool.setUp(server.slot, state.up);
        },
      },
      memory,
    );
    const watched: Watched = { terms, checker, lastCheckMs: null };
    this.watched.set(server, watched);
    if (this.canCheck(server)) checker.start();
    return watched;
  }

  /** Without an address there is nothing to check: maintenance until the name resolves, as in HAProxy. */
  private canCheck(server: PoolServer): boolean {
    return server.checking && server.admin !== "maint" && this.encode(addressOf(server)) !== null;
  }
}
