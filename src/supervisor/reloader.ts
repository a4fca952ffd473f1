import type { LoadedFile } from "../config/load.ts";
import type { Config, VrrpConfig } from "../config/schema.ts";
import { assertNever } from "../core/errors.ts";
import { Level } from "../core/syslogCodes.ts";
import type { ReloadResult } from "../proxy/protocol.ts";
import type { BoundListeners, PreparedListeners } from "./listeners.ts";
import { planLines, planReload, type ReloadPlan, waitingLines } from "./reloadPlan.ts";

/** What came of a reload, as who ordered it is told: lines, and whether the file is what runs now. */
export interface ReloadOutcome {
  readonly ok: boolean;
  readonly lines: readonly string[];
}

/** What a reload works on. */
export interface ReloadWorld {
  readonly path: string;
  load(): Promise<LoadedFile>;
  /** What runs. */
  running(): Config;
  /** null: nothing can be reloaded (any more), the process stops. */
  listeners(): BoundListeners | null;
  /** Most connections and open files that a configuration comes to; throws UserError when not even one fits. */
  limits(config: Config): { maxconn: number; files: number };
  /** Gives a configuration to the proxy process. */
  apply(terms: { config: Config; maxconn: number }, files: number, next: PreparedListeners): Promise<ReloadResult>;
  /** Whether a proxy process runs that closes listening sockets which are left over. */
  isProxyRunning(): boolean;
  /** Makes the virtual IPs those of a configuration, and says in words what that changed; throws UserError when it cannot. */
  virtualIps(vrrp: VrrpConfig | null): string;
  /** The configuration runs from now on. */
  adopt(config: Config): void;
  /** Resolves when the sockets of an earlier reload are closed, or after a while. */
  settled(): Promise<void>;
  tell(level: Level, text: string): void;
  /** It is over; `plan` null: the file was not read. */
  done(by: string, plan: ReloadPlan | null, outcome: ReloadOutcome): void;
  /** A reload begins, and has ended: every one that begins ends, however. */
  began(): void;
  ended(): void;
}

const NO_EFFECT = "not affected";

/**
 * Reads the configuration again and applies it, wholly or not at all. One reload at a time; who orders one while another
 * runs gets a reading that began after the order.
 */
export class Reloader {
  private running: Promise<unknown> = Promise.resolve();
  private waiting: { readonly by: string; readonly outcome: Promise<ReloadOutcome> } | null = null;

  constructor(private readonly world: ReloadWorld) {}

  /** @param by who orders it, for the log */
  reload(by: string): Promise<ReloadOutcome> {
    if (this.waiting !== null) return this.waiting.outcome;
    const outcome = this.running.then(async () => {
      this.waiting = null;
      this.world.began();
      try {
        return await this.reloadNow(by);
      } catch (error) {
        // Of the reading alone, such as a want of descriptors: what is applied looks after itself.
        return this.tellOutcome(by, null, { ok: false, lines: [`${(error as Error).message}: nothing changes`] });
      } finally {
        this.world.ended();
      }
    });
    this.waiting = { by, outcome };
    this.running = outcome;
    return outcome;
  }

  /** Runs something else that changes what runs: after the reload that runs now, and before the next one. */
  exclusively<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.running.then(change);
    this.running = changed.catch(() => {});
    return changed;
  }

  /** Who has ordered a reload that has not begun; null: nobody. */
  get orderedBy(): string | null {
    return this.waiting?.by ?? null;
  }

  private async reloadNow(by: string): Promise<ReloadOutcome> {
    const { world } = this;
    const plan = planReload(world.running(), await world.load(), world.path);
    await world.settled();
    const listeners = world.listeners();
    if (listeners === null) return { ok: false, lines: ["nothing changes: it is stopping"] };
    const outcome = await this.carryOut(plan, listeners);
    const warnings = plan.kind === "refused" ? [] : plan.warnings;
    for (const line of warnings) world.tell(Level.warning, line);
    const { ok, lines } = this.tellOutcome(by, plan, outcome);
    return { ok, lines: [...warnings, ...lines] };
  }

  private tellOutcome(by: string, plan: ReloadPlan | null, outcome: ReloadOutcome): ReloadOutcome {
    for (const line of outcome.lines) this.world.tell(outcome.ok ? Level.notice : Level.err, `${by}: ${line}`);
    this.world.done(by, plan, outcome);
    return outcome;
  }

  private async carryOut(plan: ReloadPlan, listeners: BoundListeners): Promise<ReloadOutcome> {
    const { path } = this.world;
    switch (plan.kind) {
      case "refused": {
        const last = `${path} is not valid: nothing changes, the running configuration stays`;
        return { ok: false, lines: [...plan.errors, last] };
      }
      case "unchanged": {
        const last = `${path}: nothing changes: all that can change in place runs already`;
        return { ok: true, lines: [...waitingLines(plan.waiting), last] };
      }
      case "apply":
        return await this.apply(plan, listeners);
      default:
        return assertNever(plan);
    }
  }

  private async apply(plan: Extract<ReloadPlan, { kind: "apply" }>, listeners: BoundListeners): Promise<ReloadOutcome> {
    const { world } = this;
    const { config, applied, waiting } = plan;
    let next: PreparedListeners | null = null;
    let vrrpStarted = false;
    const failed = (reason: string): ReloadOutcome => {
      if (vrrpStarted) world.virtualIps(null);
      if (next !== null) listeners.abandon(next);
      const last = `${world.path} cannot be applied: nothing has changed, the running configuration stays`;
      return { ok: false, lines: [reason, last] };
    };
    let virtualIps = NO_EFFECT;
    const startsVrrp = world.running().vrrp === null && config.vrrp !== null;
    try {
      const { maxconn, files } = world.limits(config);
      next = listeners.prepare(config);
      // The one step of the virtual IPs' that can fail comes before those that cannot be taken back.
      if (startsVrrp) virtualIps = world.virtualIps(config.vrrp);
      vrrpStarted = startsVrrp;
      const result = await world.apply({ config, maxconn }, files, next);
      if (result.error !== null) return failed(result.error);
      listeners.adopt(next, world.isProxyRunning());
      next = null;
      vrrpStarted = false;
      world.adopt(config);
      if (!startsVrrp && applied.some(({ kind }) => kind === "vrrp")) virtualIps = world.virtualIps(config.vrrp);
      const effects = { ...result, virtualIps, graceMs: config.global.hardStopAfterMs };
      const lines = planLines(applied, waiting, effects);
      return { ok: true, lines: [...lines, `${world.path} is applied, without a restart`] };
    } catch (error) {
      return failed((error as Error).message);
    }
  }
}
