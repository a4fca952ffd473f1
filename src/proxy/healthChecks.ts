import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { Endpoint } from "../core/endpoint.ts";
import { Checker } from "../health/checker.ts";
import type { CheckResult, HealthState } from "../health/result.ts";
import { startOffsetsMs } from "../health/schedule.ts";
import type { Pool } from "../pool/pool.ts";

/** What wires health to the pools: every checked server's checker, started spread out, its results given to its pool. */
export class HealthChecks {
  private readonly checkers = new Map<string, Checker>();

  constructor(
    private readonly config: Config,
    private readonly pools: ReadonlyMap<string, Pool>,
    private readonly clock: Clock,
    /** The kernel's form of an address; null while its name has none. */
    private readonly encode: (endpoint: Endpoint) => Uint8Array | null,
    /** Hears each result before the pool does. */
    private readonly onResult: (listen: string, slot: number, result: CheckResult, state: HealthState) => void,
  ) {}

  /** Starts all checks: not at once, but spread over the interval, as HAProxy does. */
  start(): void {
    const checked = this.config.listens.flatMap((listen) =>
      listen.servers.flatMap((server, slot) => (server.check === null ? [] : [{ listen, server, slot, check: server.check }])),
    );
    const offsets = startOffsetsMs(checked.map(({ check }) => check));
    for (const [i, { listen, server, slot, check }] of checked.entries()) {
      const pool = this.pools.get(listen.name);
      const checker = new Checker({
        check,
        address: () => this.encode(check.address),
        connectTimeoutMs: listen.timeout.connectMs,
        onError: server.onError,
        startDelayMs: offsets[i] ?? 0,
        spreadPercent: this.config.global.spreadChecksPercent,
        clock: this.clock,
        random: Math.random,
        onResult: (result, state) => {
          this.onResult(listen.name, slot, result, state);
          pool?.setUp(slot, state.up);
        },
      });
      this.checkers.set(key(listen.name, slot), checker);
      if (!server.disabled) checker.start();
    }
  }

  stop(): void {
    for (const checker of this.checkers.values()) checker.stop();
  }

  checker(listen: string, slot: number): Checker | null {
    return this.checkers.get(key(listen, slot)) ?? null;
  }
}

function key(listen: string, slot: number): string {
  return `${listen}/${slot}`;
}
