import type { CheckConfig, InitState, ServerConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { fullyUp, initialHealth, isUp, nextHealth } from "./counter.ts";
import { CheckHistory } from "./history.ts";
import { Probe } from "./probe.ts";
import type { CheckCounters, CheckResult, HealthState } from "./result.ts";
import { intervalMs, spreadMs } from "./schedule.ts";
import { compileScript, type Script } from "./script.ts";

/** What a checker is made of. */
export interface CheckerOptions {
  readonly check: CheckConfig;
  /** Encoded address to check (net/sockaddr.ts), read at each check; null while the server's name is not resolved. */
  readonly address: () => Uint8Array | null;
  /** The listen's `timeout.connect`. */
  readonly connectTimeoutMs: number | null;
  /** From `start` to the first check, see health/schedule.ts. */
  readonly startDelayMs: number;
  /** `spread_checks`, 0..50. */
  readonly spreadPercent: number;
  /** What {@link Checker.observed} does. */
  readonly onError: ServerConfig["onError"];
  readonly clock: Clock;
  /** Uniform in [0, 1), as Math.random. */
  readonly random: () => number;
  /** After every check, and for every conclusion from traffic; a pass also ends any row of traffic errors. */
  readonly onResult: (result: CheckResult, state: HealthState) => void;
}

/** What a checker knows, for the one that takes over from it with another configuration. */
export interface CheckerMemory {
  readonly state: HealthState;
  readonly checked: boolean;
  readonly counters: CheckCounters;
  /** Until the next check was to come. */
  readonly nextInMs: number;
}

/** What a check of a server without an address finds: such a server can have no traffic either, so it counts as failed. */
const NO_ADDRESS: CheckResult = {
  status: "SOCKERR",
  code: null,
  info: "The server's name is not resolved",
  durationMs: 0,
  passed: false,
  inconclusive: false,
  evidence: null,
};

/** Checks one server: when, what it means, and who is told. The end of a check schedules the next: never two at once. */
export class Checker {
  /** See {@link CheckCounters}. */
  readonly counters: Readonly<CheckCounters>;
  /** How it came to stand as it does, as far as this checker has seen it. */
  readonly history = new CheckHistory();
  private readonly counts: CheckCounters = { failed: 0, down: 0, observed: 0, inconclusive: 0 };
  private readonly script: Script;
  private health: number;
  private checked = false;
  private lastResult: CheckResult | null = null;
  private running = false;
  private probe: Probe | null = null;
  private nextAtMs = 0;
  private cancelNext = () => {};

  /** @param memory of the checker so far: a server that was up stays up, one that was down stays down */
  constructor(
    private readonly options: CheckerOptions,
    memory: CheckerMemory | null = null,
  ) {
    const { steps, initState, rise, fall } = options.check;
    this.counters = this.counts;
    this.script = compileScript(steps);
    this.health = memory === null ? initialHealth(initState, rise, fall) : sameStanding(memory.state, rise, fall);
    if (memory === null) return;
    this.checked = memory.checked;
    this.lastResult = memory.state.lastResult;
    Object.assign(this.counts, memory.counters);
  }

  /** What the next checker of this server is to know. */
  get memory(): CheckerMemory {
    const nextInMs = Math.max(0, this.nextAtMs - this.options.clock.nowMs());
    return { state: this.state, checked: this.checked, counters: { ...this.counts }, nextInMs };
  }

  /** Where the server stands now; `change` is null. */
  get state(): HealthState {
    return this.stateAfter(null);
  }

  /** It checks: started, and neither stopped nor paused. */
  get isRunning(): boolean {
    return this.running;
  }

  /** A check is on its way (HAProxy's CSV shows `* ` before check_status then). */
  get inProgress(): boolean {
    return this.probe !== null;
  }

  /** Until the next check; null: one is on its way, or none will come. */
  get nextInMs(): number | null {
    if (!this.running || this.inProgress) return null;
    return Math.max(0, this.nextAtMs - this.options.clock.nowMs());
  }

  /** Begins to check, after the start delay. */
  start(): void {
    this.run(this.options.startDelayMs);
  }

  /** Ends checking at once, a check on its way included; the state stays as it is. Idempotent. */
  stop(): void {
    this.running = false;
    this.cancelNext();
    this.probe?.cancel();
    this.probe = null;
  }

  /** Maintenance: nothing is checked and traffic errors conclude nothing. */
  pause(): void {
    this.stop();
  }

  /** End of a {@link pause} that is no maintenance: goes on where it stood. */
  goOn(): void {
    this.run(0);
  }

  /** An operator says how the server is: the counter stands at that end from now on, until checks find otherwise. */
  force(up: boolean): void {
    const { rise, fall } = this.options.check;
    this.health = up ? fullyUp(rise, fall) : 0;
  }

  /** All counts are 0 from now on. */
  clearCounters(): void {
    Object.assign(this.counts, { failed: 0, down: 0, observed: 0, inconclusive: 0 });
  }

  /** End of maintenance: the counter starts anew from `initState`, and a check runs at once to see whether that is true. */
  resume(initState: InitState): void {
    const { rise, fall } = this.options.check;
    this.stop();
    this.health = initialHealth(initState, rise, fall);
    this.history.row = null;
    this.checked = false;
    this.run(0);
  }

  /**
   * `observe = "layer4"`: traffic met `errorCount` connect errors in a row, which is the server's `error_limit`. In every
   * mode the next check comes within the fast interval. fail-check counts as one failed check, sudden-death as one after
   * which a single further failure takes the server down, mark-down takes it down (HAProxy's `on-error`).
   */
  observed(errorCount: number): void {
    if (!this.running) return;
    const { onError, check, clock } = this.options;
    this.counts.observed++;
    if (this.probe === null && this.nextAtMs > clock.nowMs() + check.fastIntervalMs)
      this.schedule(check.fastIntervalMs);
    if (onError === "fastinter") return;
    const info = `Detected ${errorCount} consecutive errors, last one was: L4 unsuccessful connection`;
    if (onError === "sudden-death") this.health = Math.min(this.health, check.rise + 1);
    if (onError === "mark-down") this.health = Math.min(this.health, check.rise);
    const nothing = { code: null, durationMs: null, passed: false, inconclusive: false, evidence: null };
    const result = { ...nothing, status: "HANA", info } as const;
    const change = this.count(result);
    this.options.onResult(result, this.stateAfter(change));
  }

  private run(delayMs: number): void {
    if (this.running) return;
    this.running = true;
    this.schedule(delayMs);
  }

  private schedule(delayMs: number): void {
    const { clock } = this.options;
    this.cancelNext();
    this.nextAtMs = clock.nowMs() + delayMs;
    this.cancelNext = clock.after(delayMs, () => this.check());
  }

  private check(): void {
    const { check, connectTimeoutMs, clock } = this.options;
    const address = this.options.address();
    if (address === null) {
      this.checkEnded(NO_ADDRESS);
      return;
    }
    const { intervalMs, timeoutMs } = check;
    const options = { script: this.script, address, intervalMs, timeoutMs, connectTimeoutMs, clock };
    this.probe = new Probe(options, (result) => this.checkEnded(result));
    this.probe.start();
  }

  private checkEnded(result: CheckResult): void {
    this.probe = null;
    this.checked ||= !result.inconclusive;
    const change = this.count(result);
    // Before telling: whoever is told may stop or pause us.
    this.scheduleNext();
    this.options.onResult(result, this.stateAfter(change));
  }

  /** Moves the counters; what became of the server. */
  private count(result: CheckResult): HealthState["change"] {
    const { rise, fall } = this.options.check;
    const { passed, inconclusive } = result;
    this.lastResult = result;
    if (inconclusive) {
      this.counts.inconclusive++;
      return null;
    }
    const wasUp = isUp(this.health, rise);
    if (!passed && this.health > 0) this.counts.failed++;
    const before = this.health;
    this.health = nextHealth(before, passed, rise, fall);
    this.history.note(result, this.options.clock.nowMs(), before, this.health);
    const up = isUp(this.health, rise);
    if (up === wasUp) return null;
    if (!up) this.counts.down++;
    return up ? "up" : "down";
  }

  private scheduleNext(): void {
    const { check, spreadPercent, random } = this.options;
    this.schedule(spreadMs(intervalMs(check, this.health, this.checked), spreadPercent, random));
  }

  private stateAfter(change: HealthState["change"]): HealthState {
    const { rise, fall } = this.options.check;
    const { health, lastResult } = this;
    return { health, rise, fall, up: isUp(health, rise), change, lastResult };
  }
}

/** The same place in a counter of another length: as far from falling, or from rising, as before, but not beyond its end. */
function sameStanding({ health, rise, fall, up }: HealthState, newRise: number, newFall: number): number {
  if (!up) return Math.min(health, newRise - 1);
  const isFullyUp = health - rise === fall - 1;
  return newRise + (isFullyUp ? newFall - 1 : Math.min(health - rise, newFall - 1));
}
