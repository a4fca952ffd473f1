import type { Clock } from "../core/clock.ts";
import { assertNever } from "../core/errors.ts";
import { HEALTH_MS, type HealthReport, type ListenHealth } from "../proxy/protocol.ts";
import type { ServiceHealth } from "../vrrp/trackerFeed.ts";

/** Silence after which the proxy process is taken for hung. */
export const PROXY_LATE_MS = 2000;
/** Silence after which it is ended, to be replaced: as long as a relay thread may hang. */
export const PROXY_HUNG_MS = 10_000;

/** What stands behind {@link ProxyWatch.state}. */
type Phase =
  | { readonly kind: "starting" }
  | { readonly kind: "serving"; readonly lateThread: number | null }
  | { readonly kind: "silent"; readonly sinceMs: number; readonly toldHung: boolean }
  | { readonly kind: "ended"; readonly reason: string };

/**
 * Whether there is a proxy that works, and whether each listen has somebody to serve it: what `track_proxy` and
 * `track_listen` go by. A proxy process shows that it lives by its health reports, one every HEALTH_MS.
 *
 *     starting ─reported▶ serving ─silence of lateMs▶ silent ─reported▶ serving
 *        ▲                   └────────▶ ended ◀─────────┘
 *        └──────started─────────────────┘
 */
export class ProxyWatch {
  private phase: Phase = { kind: "starting" };
  private listens: ReadonlyMap<string, ListenHealth> = new Map();
  private lastReportMs = 0;
  /** Silence in our own waking time. */
  private silentMs = 0;
  private lookedMs = 0;
  private cancelLook: (() => void) | null = null;

  /**
   * @param onChange called whenever what {@link state} or {@link listen} say has become another; details alone are none
   * @param onHung called once it has been silent for PROXY_HUNG_MS
   */
  constructor(
    private readonly clock: Clock,
    private readonly lateMs: number,
    private readonly onChange: () => void,
    private readonly onHung: () => void = () => {},
  ) {}

  /** When a proxy process that hangs was last heard of, monotonic ms; null: none hangs. */
  get silentSinceMs(): number | null {
    return this.phase.kind === "silent" ? this.phase.sinceMs : null;
  }

  /** It has ended, and another one is on its way or will be: nothing that could be mended by starting all anew. */
  get isBetween(): boolean {
    return this.phase.kind === "ended";
  }

  /** A proxy process was started; it serves with its first report. */
  started(): void {
    this.enter({ kind: "starting" });
  }

  /** The proxy process has told how it stands. */
  reported(report: HealthReport): void {
    const before = this.answers();
    this.listens = new Map(report.listens.map((listen) => [listen.name, listen]));
    this.lastReportMs = this.clock.nowMs();
    this.silentMs = 0;
    this.phase = { kind: "serving", lateThread: report.lateThread };
    if (this.cancelLook === null) {
      this.lookedMs = this.lastReportMs;
      this.lookLater();
    }
    if (this.answers() !== before) this.onChange();
  }

  /** What trackers go by: until `everReady` nothing is known of a proxy process, and after that one that does not serve has failed. */
  health(everReady: () => boolean): ServiceHealth {
    return {
      proxy: () => {
        const { ok, detail } = this.state();
        return { state: ok ? "ok" : everReady() ? "failed" : "unknown", detail };
      },
      listen: (name) => this.listen(name),
    };
  }

  /** The proxy process is gone; `reason` completes "the proxy process ended (…)". */
  ended(reason: string): void {
    this.enter({ kind: "ended", reason });
  }

  /** Whether there is a proxy that works; `detail` says what is wrong, "" when nothing is. */
  state(): { ok: boolean; detail: string } {
    const { phase } = this;
    switch (phase.kind) {
      case "starting":
        return { ok: false, detail: "not serving yet" };
      case "serving":
        if (phase.lateThread === null) return { ok: true, detail: "" };
        return { ok: false, detail: `relay thread ${phase.lateThread} hangs` };
      case "silent": {
        const silence = ((this.clock.nowMs() - this.lastReportMs) / 1000).toFixed(1);
        return { ok: false, detail: `no sign of life for ${silence} s` };
      }
      case "ended":
        return { ok: false, detail: `ended (${phase.reason})` };
      default:
        return assertNever(phase);
    }
  }

  /** Whether somebody serves a listen; unknown until a proxy process has told for the first time, or of this name. */
  listen(name: string): { state: "unknown" | "ok" | "failed"; detail: string } {
    const health = this.listens.get(name);
    if (health === undefined) return { state: "unknown", detail: "" };
    // A late thread leaves the others to serve; without the process nobody does.
    if (this.phase.kind !== "serving") return { state: "failed", detail: `no working proxy: ${this.state().detail}` };
    const { usable, servers } = health;
    const detail = servers === 0 ? "no servers" : `${usable} of ${servers} servers usable`;
    return { state: usable === 0 && servers > 0 ? "failed" : "ok", detail };
  }

  private enter(phase: Phase): void {
    const before = this.answers();
    this.cancelLook?.();
    this.cancelLook = null;
    this.phase = phase;
    if (this.answers() !== before) this.onChange();
  }

  private lookLater(): void {
    this.cancelLook = this.clock.after(HEALTH_MS, () => this.look());
  }

  /**
   * Counts silence, but of a round that came late no more than two: whoever was stalled has not read the reports that
   * wait in the pipe, and a host that was frozen as a whole has not written them.
   */
  private look(): void {
    const nowMs = this.clock.nowMs();
    this.silentMs += Math.min(nowMs - Math.max(this.lookedMs, this.lastReportMs), 2 * HEALTH_MS);
    this.lookedMs = nowMs;
    this.lookLater();
    if (this.phase.kind === "silent") this.endIfHung(this.phase);
    if (this.phase.kind !== "serving" || this.silentMs < this.lateMs) return;
    this.phase = { kind: "silent", sinceMs: this.lastReportMs, toldHung: false };
    this.onChange();
  }

  private endIfHung(phase: Extract<Phase, { kind: "silent" }>): void {
    if (phase.toldHung || this.silentMs < PROXY_HUNG_MS) return;
    this.phase = { ...phase, toldHung: true };
    this.onHung();
  }

  /** All that an observer can tell apart, without the figures in the details. */
  private answers(): string {
    const listens = [...this.listens.keys()].map((name) => `${name} ${this.listen(name).state}`);
    const late = this.phase.kind === "serving" ? this.phase.lateThread : null;
    return [this.phase.kind, late, ...listens].join("\n");
  }
}
