import { Level } from "../core/syslogCodes.ts";
import { endText, type Outcome, type Run, runProgram } from "../net/runProgram.ts";
import type { ScriptJob, Step } from "./scripts.ts";
import type { NotifyWorld } from "./world.ts";

/** A script that hangs may hold back the news of the next state for so long; most services restart in less. */
const SCRIPT_TIMEOUT_MS = 30_000;
/** A killed script that hangs in the kernel beyond this is left behind: SIGKILL comes 2 s after SIGTERM. */
const KILL_TIMEOUT_MS = 5_000;
/** Of a failed script's stderr, what a log line has room for. */
const MAX_STDERR_BYTES = 500;

/**
 * The notify scripts of one instance, one at a time and in order. States that come faster than scripts end are not queued
 * up: what waits is replaced by what is newer, so that the last script to run always tells the present state. STOP and
 * DELETED are never replaced.
 */
export class ScriptQueue {
  private readonly waiting: ScriptJob[] = [];
  private current: ScriptJob | null = null;
  /** The step under way, and its program. */
  private step: Step | null = null;
  private run: Run | null = null;
  /** Further steps of the current job. */
  private stepsLeft: Step[] = [];
  /** Changes of state that no script was told of since the last log line about it. */
  private skipped = 0;
  /** Ends {@link stop}; null: not stopping. */
  private stopped: (() => void) | null = null;

  /** @param instance whose scripts these are, for the log */
  constructor(
    private readonly instance: string,
    private readonly world: NotifyWorld,
  ) {}

  /** Returns before anything is started: a fork must not come between two effects of one transition. */
  add(job: ScriptJob): void {
    // Even a state that has no script makes an older one that waits untrue.
    this.replaceBy(job);
    if (job.steps.length > 0) this.waiting.push(job);
    if (this.current === null) this.startNext();
  }

  /**
   * Waits until all scripts have run, for at most `graceMs`. A script about an earlier state may use half of that, then it
   * is killed so that STOP has its turn; one about STOP is left running when the time is over. Nothing may be added afterwards.
   */
  async stop(graceMs: number): Promise<void> {
    this.skipAll();
    if (this.current === null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.stopped = resolve;
    const cancelHurry = this.world.clock.after(graceMs / 2, () => {
      if (this.current?.kind !== "final" && this.waiting.length > 0) this.killForStop();
    });
    const cancelGrace = this.world.clock.after(graceMs, resolve);
    await promise;
    cancelHurry();
    cancelGrace();
    this.reportLeftovers(graceMs);
  }

  private replaceBy(job: ScriptJob): void {
    const last = this.waiting.at(-1);
    const again = job.kind === "final" && last?.kind === "final" && last.tells === job.tells;
    const outdated = job.kind === "final" ? "state" : job.kind;
    const kept = this.waiting.filter((other) => other.kind !== outdated && !(again && other === last));
    this.skipped += job.kind === "rival" ? 0 : this.waiting.length - kept.length;
    this.waiting.splice(0, this.waiting.length, ...kept);
  }

  private startNext(): void {
    this.sayOfSkipped();
    const job = this.waiting.shift();
    this.current = job ?? null;
    this.stepsLeft = [...(job?.steps ?? [])];
    if (job === undefined) this.stopped?.();
    else this.world.clock.after(0, () => void this.runSteps(job));
  }

  private async runSteps(job: ScriptJob): Promise<void> {
    for (let step = this.stepsLeft.shift(); step !== undefined; step = this.stepsLeft.shift()) {
      if (this.stopped !== null && job.kind !== "final" && this.waiting.length > 0) break;
      await this.runStep(step);
    }
    this.startNext();
  }

  private async runStep(step: Step): Promise<void> {
    const { clock } = this.world;
    this.step = step;
    this.run = runProgram(step.command, {
      timeoutMs: SCRIPT_TIMEOUT_MS,
      user: null,
      clock,
      maxStderrBytes: MAX_STDERR_BYTES,
    });
    const outcome = await this.run.done;
    if (outcome.kind !== "exited" || outcome.code !== 0) this.sayFailed(step, outcome);
    await this.groupGone(this.run);
    this.run = null;
    this.step = null;
  }

  /** A killed script may have left children that still do what it told them to: they end before the next script starts. */
  private async groupGone(run: Run): Promise<void> {
    if (this.stopped !== null) return; // they have their SIGTERM, and STOP has no time to lose
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.world.clock.after(KILL_TIMEOUT_MS, resolve);
    await Promise.race([run.gone, promise]);
    cancel();
  }

  /** What waits and is not final is news of yesterday at the stop. */
  private skipAll(): void {
    const kept = this.waiting.filter(({ kind }) => kind === "final");
    this.waiting.splice(0, this.waiting.length, ...kept);
  }

  private sayOfSkipped(): void {
    if (this.skipped === 0) return;
    const changes = this.skipped === 1 ? "1 change" : `${this.skipped} changes`;
    this.say(Level.warning, `scripts did not keep up: ${changes} of state not told, for a newer one was there`);
    this.skipped = 0;
  }

  private killForStop(): void {
    this.say(Level.warning, `${this.step?.key} still runs and is killed: it is time for the scripts of the stop`);
    this.run?.kill();
  }

  private reportLeftovers(graceMs: number): void {
    if (this.step !== null) {
      this.say(Level.warning, `${this.step.key} still runs ${graceMs} ms after the stop and is left to itself`);
    }
    const missed = [...this.stepsLeft, ...this.waiting.flatMap(({ steps }) => steps)].map(({ key }) => key);
    if (missed.length > 0) this.say(Level.err, `${missed.join(" and ")} did not have its turn before the stop`);
  }

  private sayFailed({ key, command }: Step, outcome: Outcome): void {
    const text = outcome.kind === "notRunnable" ? endText(outcome) : `${command[0]}: ${endText(outcome)}`;
    this.say(Level.warning, `${key} ${text}${outcome.stderr === "" ? "" : `: ${outcome.stderr}`}`);
  }

  private say(level: Level, text: string): void {
    this.world.log(level, `${this.instance}: ${text}`);
  }
}
