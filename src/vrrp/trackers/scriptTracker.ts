import type { VrrpScriptConfig } from "../../config/schema.ts";
import type { Clock } from "../../core/clock.ts";
import { type Account, findUser } from "../../net/accounts.ts";
import { endText, type Outcome, type Run, runProgram } from "../../net/runProgram.ts";
import { count, type RiseFall, standing } from "./riseFall.ts";

/** Of a script's complaint, so much fits a line of `status`. */
const MAX_STDERR_BYTES = 200;
/** A run that outlives its timeout by this much has survived SIGKILL. */
const STUCK_MS = 5000;

/** What a script says about this host. */
export interface ScriptResult {
  readonly state: "ok" | "failed";
  /** "exit status 1: what it wrote to stderr". */
  readonly detail: string;
}

/**
 * Runs one [[vrrp.script]] again and again, from start to start of a run in its interval; a run is left out while the one
 * before lives. Exit status 0 is success and nothing else is: what is missing, not executable, killed or over its time has
 * failed (keepalived 2.2.7 counts a script that it cannot run as well).
 *
 * One tracker serves every instance that names the script; weight and reverse are theirs.
 */
export class ScriptTracker {
  private now: RiseFall;
  private said = "not run yet";
  private run: Run | null = null;
  /** When the run that still lives timed out. */
  private timedOutMs: number | null = null;
  private dueMs = 0;
  private cancelNext: (() => void) | null = null;

  /** @param onResult told of the first result, and then of every change of state */
  constructor(
    private readonly config: VrrpScriptConfig,
    private readonly clock: Clock,
    private readonly onResult: (result: ScriptResult) => void,
  ) {
    this.now = { kind: "untried", initFail: config.initFail };
  }

  /** "unknown" before the first result, unless `init_fail` is set. */
  get state(): "unknown" | "ok" | "failed" {
    return standing(this.now);
  }

  /** The last run in words, whether it changed the state or not: "exit status 1 (1 of 3 failures)". */
  get detail(): string {
    return this.said;
  }

  /** Whether a run is under way. */
  get running(): boolean {
    return this.run !== null;
  }

  /** Runs it now and from now on. */
  start(): void {
    this.dueMs = this.clock.nowMs();
    this.onDue();
  }

  /** Ends a run that is under way (SIGTERM, 2 s later SIGKILL) and tells nothing more. Resolves when it is gone. */
  stop(): Promise<void> {
    this.cancelNext?.();
    this.cancelNext = null;
    const { run } = this;
    run?.kill();
    return run?.gone ?? Promise.resolve();
  }

  private onDue(): void {
    const nowMs = this.clock.nowMs();
    const { intervalMs } = this.config;
    // After a stall the runs that were missed stay missed.
    this.dueMs = this.dueMs + intervalMs > nowMs ? this.dueMs + intervalMs : nowMs + intervalMs;
    this.cancelNext = this.clock.after(this.dueMs - nowMs, () => this.onDue());
    if (this.run === null) this.begin();
    else if (this.timedOutMs !== null && nowMs - this.timedOutMs >= STUCK_MS) {
      // Hanging in the kernel, on a dead disk or file server: a lack of further results must not look like health.
      this.conclude(false, `still there ${Math.floor((nowMs - this.timedOutMs) / 1000)}s after it timed out`);
    }
  }

  private begin(): void {
    const user = this.user();
    if (user === undefined) {
      this.conclude(false, `user "${this.config.user}" does not exist`);
      return;
    }
    const { command, timeoutMs } = this.config;
    const run = runProgram(command, { timeoutMs, user, clock: this.clock, maxStderrBytes: MAX_STDERR_BYTES });
    this.run = run;
    this.timedOutMs = null;
    void run.done.then((outcome) => this.onOutcome(outcome));
    void run.gone.then(() => {
      this.run = null;
    });
  }

  /** null: we stay what we are, as configured or because only root can change; undefined: there is no such user. */
  private user(): Account | null | undefined {
    const { user } = this.config;
    if (user === null || process.geteuid?.() !== 0) return null;
    return findUser(user) ?? undefined;
  }

  private onOutcome(outcome: Outcome): void {
    if (outcome.kind === "timedOut") this.timedOutMs = this.clock.nowMs();
    const complaint = outcome.stderr === "" ? "" : `: ${outcome.stderr}`;
    this.conclude(outcome.kind === "exited" && outcome.code === 0, `${endText(outcome)}${complaint}`);
  }

  private conclude(passed: boolean, what: string): void {
    // Stopped: what we killed ourselves says nothing.
    if (this.cancelNext === null) return;
    const before = this.now;
    this.now = count(before, passed, this.config);
    this.said = `${what}${this.progress()}`;
    if (this.now.kind === "untried" || this.now.kind === before.kind) return;
    this.onResult({ state: this.now.kind, detail: this.said });
  }

  private progress(): string {
    const { now } = this;
    if (now.kind === "untried" || now.against === 0) return "";
    const { rise, fall } = this.config;
    return now.kind === "ok" ? ` (${now.against} of ${fall} failures)` : ` (${now.against} of ${rise} successes)`;
  }
}
