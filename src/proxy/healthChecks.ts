import type { Config, ListenConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { Endpoint } from "../core/endpoint.ts";
import { Checker } from "../health/checker.ts";
import { statusText } from "../health/counter.ts";
import type { CheckResult, HealthState } from "../health/result.ts";
import { startOffsetsMs } from "../health/schedule.ts";
import type { Pool } from "../pool/pool.ts";
import type { CheckView } from "../stats/view.ts";
import type { InheritedCheck } from "./inheritance.ts";

/** What wires health to the pools: every checked server's checker, started spread out, its results given to its pool. */
export class HealthChecks {
  private readonly checkers = new Map<string, Checker>();
  private readonly lastCheckMs = new Map<string, number>();

  constructor(
    private readonly config: Config,
    private readonly pools: ReadonlyMap<string, Pool>,
    private readonly clock: Clock,
    /** The kernel's form of an address; null while its name has none. */
    private readonly encode: (endpoint: Endpoint) => Uint8Array | null,
    /** Hears each result before the pool does. */
    private readonly onResult: (listen: string, slot: number, result: CheckResult) => void,
  ) {}

  /** Starts all checks: not at once, but spread over the interval, as HAProxy does. `inherited`: what is known already. */
  start(inherited: (listen: string, server: string) => InheritedCheck | null = () => null): void {
    const checked = this.config.listens.flatMap((listen) =>
      listen.servers.flatMap((server, slot) =>
        server.check === null ? [] : [{ listen, server, slot, check: server.check }],
      ),
    );
    const offsets = startOffsetsMs(checked.map(({ check }) => check));
    for (const [i, { listen, server, slot, check }] of checked.entries()) {
      const pool = this.pools.get(listen.name);
      const known = inherited(listen.name, server.name);
      if (known !== null && known.lastCheckAgoMs !== null)
        this.lastCheckMs.set(key(listen.name, slot), this.clock.nowMs() - known.lastCheckAgoMs);
      const options = {
        check,
        address: () => this.encode(check.address),
        connectTimeoutMs: listen.timeout.connectMs,
        onError: server.onError,
        startDelayMs: known === null ? (offsets[i] ?? 0) : Math.min(known.memory.nextInMs, check.intervalMs),
        spreadPercent: this.config.global.spreadChecksPercent,
        clock: this.clock,
        random: Math.random,
        onResult: (result: CheckResult, state: HealthState) => {
          this.lastCheckMs.set(key(listen.name, slot), this.clock.nowMs());
          this.onResult(listen.name, slot, result);
          if (result.passed) pool?.board.clearConsecutiveErrors(slot);
          pool?.setUp(slot, state.up);
        },
      };
      const checker = new Checker(options, known?.memory ?? null);
      this.checkers.set(key(listen.name, slot), checker);
      // Without an address there is nothing to check: maintenance until the name resolves, as in HAProxy.
      if (!server.disabled && this.encode(server.address) !== null) checker.start();
    }
  }

  /** A server's name has an address now: its checks begin. */
  resolved(listen: ListenConfig, slot: number): void {
    const server = listen.servers[slot];
    if (server?.check && !server.disabled) this.checkers.get(key(listen.name, slot))?.resume(server.check.initState);
  }

  stop(): void {
    for (const checker of this.checkers.values()) checker.stop();
  }

  /** Traffic has met so many connect errors in a row: see `observe`. */
  observed(listen: string, slot: number, errorCount: number): void {
    this.checkers.get(key(listen, slot))?.observed(errorCount);
  }

  /** What the next process is to know of a server's checks; null: it is not checked. */
  memoryOf(listen: string, slot: number): InheritedCheck | null {
    const checker = this.checkers.get(key(listen, slot));
    if (checker === undefined) return null;
    const lastCheckMs = this.lastCheckMs.get(key(listen, slot));
    return {
      memory: checker.memory,
      lastCheckAgoMs: lastCheckMs === undefined ? null : this.clock.nowMs() - lastCheckMs,
    };
  }

  /** What is known of a server's checks; null: it is not checked. */
  view(listen: string, slot: number): CheckView | null {
    const checker = this.checkers.get(key(listen, slot));
    if (checker === undefined) return null;
    const { health, rise, fall, lastResult } = checker.state;
    const { failed, observed, inconclusive } = checker.counters;
    return {
      statusText: statusText(health, rise, fall),
      health,
      rise,
      fall,
      lastResult,
      lastCheckMs: this.lastCheckMs.get(key(listen, slot)) ?? null,
      failures: failed,
      observed,
      inconclusive,
    };
  }
}

function key(listen: string, slot: number): string {
  return `${listen}/${slot}`;
}
