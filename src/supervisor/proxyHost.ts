import type { Clock } from "../core/clock.ts";
import { assertNever } from "../core/errors.ts";
import { type Inheritance, standingAfter } from "../proxy/inheritance.ts";
import type {
  HealthReport,
  ProxyCommand,
  ProxyReport,
  ProxyStart,
  ReloadResult,
  SupervisorOrder,
} from "../proxy/protocol.ts";
import type { EventDraft, JournalEvent } from "../stats/event.ts";
import type { VrrpSnapshot } from "../stats/vrrpSnapshot.ts";
import { afterCrash, type CrashHistory, NO_CRASHES } from "./backoff.ts";
import type { Handoff, OpenProxy } from "./handoff.ts";
import type { BoundListeners, PreparedListeners } from "./listeners.ts";
import { adoptChild, type ChildObserver, type ProxyChild, type ProxyProgram, spawnChild } from "./proxyChild.ts";
import { NOTHING_RUNS, ReloadTalk } from "./reloadTalk.ts";

/** A proxy process answers questions about an upgrade within this time, or is not asked further. */
const ANSWER_MS = 2000;
/** A proxy process that is to take over serves within this time, or not at all. */
const SUCCESSOR_MS = 10_000;
/** One that was retired and has not exited this long after it should have is ended. */
const RETIRED_GRACE_MS = 2000;

/** Who hears what becomes of the proxy process. */
export interface ProxyObserver {
  /** A process was started; it will say when it serves. */
  onStart(): void;
  onReady(pid: number): void;
  /** It has told how it stands; see supervisor/proxyWatch.ts. */
  onHealth(report: HealthReport): void;
  /** It ended unasked, for the `crashes`th time in a row, and the `restarts`th in all; the next one starts in `delayMs`. */
  onCrash(reason: string, delayMs: number, crashes: number, restarts: number): void;
  /** What has happened so far, for a process that starts. */
  events(): readonly JournalEvent[];
  /** Something has happened to it; the same, as the journal has it. */
  onEvent(event: EventDraft): JournalEvent;
  /** It has closed its sockets of a bind that no listen has. */
  onBindClosed(bind: number): void;
  /** A client of its admin socket orders something; `answer` takes the text for it. */
  onOrder(what: SupervisorOrder, answer: (text: string) => void): void;
  /** The adopted one ended unasked while the one that is to take its place starts. */
  onAdoptedCrash(reason: string): void;
  /** The one that was to take the place of an adopted one does not come up; that one goes on. */
  onSuccessorFailed(reason: string): void;
  /** It ended after it was asked to; `failure` says how when that was not as asked. */
  onStopped(failure: string | null): void;
}

/** The proxy processes that run, and what is known of them, for another program in our place. */
export type OpenProxies = Pick<Handoff, "proxy" | "retired" | "restarts" | "standing">;

/** What every proxy process of this supervisor is started with. */
export type ProxyTerms = Pick<ProxyStart, "config" | "maxconn" | "account" | "chroot" | "startedWallMs">;

/**
 * Keeps one proxy process running on the listening sockets that the supervisor holds: they stay open whatever happens to
 * it, so clients wait in the kernel's queue while the next one starts. After an upgrade there are more for a while: the one
 * of the former program, which serves until its successor does, and then finishes its connections.
 */
export class ProxyHost {
  private child: ProxyChild | null = null;
  private successor: ProxyChild | null = null;
  private readonly retired = new Set<ProxyChild>();
  /** Killed before they served: whatever they have still said counts for nothing. */
  private readonly dismissed = new Set<ProxyChild>();
  private replacing = false;
  private cancelSuccessor: (() => void) | null = null;
  private startedMs = 0;
  private crashes: CrashHistory = NO_CRASHES;
  private restarts = 0;
  private stopping = false;
  private killed = false;
  private lastFailure: string | null = null;
  private failure: string | null = null;
  /** How the servers stood when the process that serves told it for the last time. */
  private standing: { known: Inheritance; atMs: number } | null = null;
  private asked: { answer: ProxyReport["kind"]; resolve(report: ProxyReport | null): void } | null = null;
  private readonly reloads = new ReloadTalk();

  private readonly childObserver: ChildObserver = {
    onReport: (child, report) => this.onReport(child, report),
    onExit: (child, how, code) => this.onExit(child, how, code),
  };

  constructor(
    private readonly program: ProxyProgram,
    private terms: ProxyTerms,
    private readonly listeners: BoundListeners,
    private readonly clock: Clock,
    private readonly observer: ProxyObserver,
  ) {}

  start(): void {
    this.startedMs = this.clock.nowMs();
    this.lastFailure = null;
    try {
      this.child = this.spawn(this.standingNow());
    } catch (error) {
      // No process, memory or descriptor to be had: a crash like any other, tried again later.
      this.onCrash(`cannot be started: ${(error as Error).message}`);
      return;
    }
    this.observer.onStart();
  }

  private standingNow(): Inheritance | null {
    const { standing, clock } = this;
    return standing && standingAfter(standing.known, clock.nowMs() - standing.atMs);
  }

  /** Goes on with the proxy processes of the program that was here before. */
  adopt({ proxy: serving, retired, restarts, standing }: OpenProxies): void {
    this.restarts = restarts;
    this.startedMs = this.clock.nowMs();
    this.standing = standing && { known: standing.known, atMs: this.clock.nowMs() - standing.agoMs };
    this.child = adoptChild(serving, this.clock, this.childObserver);
    for (const each of retired) this.retire(adoptChild(each, this.clock, this.childObserver));
  }

  /**
   * Starts a process that takes over from the adopted one, with all that this knows: when it is ready that one is retired,
   * and if it does not come up `onSuccessorFailed` is called.
   */
  async replace(): Promise<void> {
    this.replacing = true;
    const answer = await this.ask({ kind: "describe" }, "inheritance");
    if (this.stopping) return;
    const inheritance = answer?.kind === "inheritance" ? answer.inheritance : this.standingNow();
    try {
      this.lastFailure = null;
      this.successor = this.spawn(inheritance);
    } catch (error) {
      this.successorFailed(`cannot be started: ${(error as Error).message}`);
      return;
    }
    this.cancelSuccessor = this.clock.after(SUCCESSOR_MS, () =>
      this.successorFailed(`it does not serve after ${SUCCESSOR_MS / 1000} s`),
    );
  }

  /** Nobody takes over and nobody serves: a crash like any other. */
  startAnew(reason: string): void {
    this.replacing = false;
    if (this.child === null) this.onCrash(reason);
  }

  /** Prepares the process that serves for another program in our place; null: it does not answer. */
  async handOver(): Promise<OpenProxies | null> {
    if (this.replacing || (await this.ask({ kind: "handover" }, "handedOver")) === null) return null;
    return this.open;
  }

  /** The processes that run, for another program in our place; null: none serves. */
  get open(): OpenProxies | null {
    const { child, restarts, standing } = this;
    if (child === null) return null;
    const openOf = ({ pid, channel, passing, rest }: ProxyChild): OpenProxy => ({ pid, channel, passing, rest });
    return {
      proxy: openOf(child),
      retired: [...this.retired].map(openOf),
      restarts,
      standing: standing && { known: standing.known, agoMs: this.clock.nowMs() - standing.atMs },
    };
  }

  /** Asks it to finish its connections and exit. */
  stop(): void {
    this.stopping = true;
    this.dismissSuccessor();
    this.tell({ kind: "stop" });
    this.stoppedIfGone();
  }

  /** Asks it to close its connections, log them, and exit now. */
  end(): void {
    for (const child of this.all) child.send({ kind: "end" });
  }

  /** Ends the process that serves, without asking: it hangs, and is to be replaced like one that crashed. */
  replaceHung(reason: string): void {
    this.lastFailure = reason;
    this.child?.kill("SIGKILL");
  }

  /** Ends it without asking. */
  kill(): void {
    this.stopping = true;
    this.killed = true;
    for (const child of this.all) child.kill("SIGKILL");
  }

  /** Answers all orders that clients of the admin socket wait for: a program before this one was given them. */
  answerOrders(text: string): void {
    this.tell({ kind: "ordered", order: null, text });
  }

  /** Gives an event of ours to whoever shows the journal. */
  showEvent(event: JournalEvent): void {
    this.showNumbered(event, null);
  }

  private showNumbered(event: JournalEvent, from: ProxyChild | null): void {
    for (const child of [this.child, this.successor])
      child?.send({ kind: "journal", events: [event], own: child === from ? 1 : 0 });
  }

  /** Gives it the virtual routers to show in its statistics; null: there are none. */
  showVrrp(snapshot: VrrpSnapshot | null): void {
    this.tell({ kind: "vrrp", snapshot });
  }

  /**
   * Has the process that runs take over another configuration, at once and wholly or not at all; later ones are started
   * with it. The promise never fails: a process that ends meanwhile has taken over nothing.
   */
  async reload(
    terms: Pick<ProxyTerms, "config" | "maxconn">,
    files: number,
    next: PreparedListeners,
  ): Promise<ReloadResult> {
    const result = this.child === null ? NOTHING_RUNS : await this.reloads.tell(this.child, { ...terms, files }, next);
    if (result.error === null) this.terms = { ...this.terms, ...terms };
    return result;
  }

  /** Whether a process runs that has the listening sockets. */
  get isRunning(): boolean {
    return this.child !== null;
  }

  private get all(): ProxyChild[] {
    return [this.child, this.successor, ...this.retired, ...this.dismissed].filter((child) => child !== null);
  }

  private spawn(inheritance: Inheritance | null): ProxyChild {
    const { terms, restarts } = this;
    return spawnChild(
      this.program,
      this.listeners,
      { ...terms, journal: this.observer.events(), supervisorPid: process.pid, restarts, inheritance },
      this.childObserver,
    );
  }

  private retire(child: ProxyChild): void {
    this.retired.add(child);
    child.send({ kind: "retire" });
    this.clock.after(this.terms.config.global.hardStopAfterMs + RETIRED_GRACE_MS, () => {
      if (this.retired.has(child)) child.kill("SIGKILL");
    });
  }

  private tell(command: ProxyCommand): void {
    this.child?.send(command);
  }

  /** The answer of the process that serves; null: there is none in time. */
  private ask(command: ProxyCommand, answer: ProxyReport["kind"]): Promise<ProxyReport | null> {
    if (this.child === null) return Promise.resolve(null);
    return new Promise((resolve) => {
      const cancel = this.clock.after(ANSWER_MS, () => this.answered(null));
      this.asked = {
        answer,
        resolve(report) {
          cancel();
          resolve(report);
        },
      };
      this.tell(command);
    });
  }

  /** @param report null: none will come */
  private answered(report: ProxyReport | null): void {
    const { asked } = this;
    if (asked === null || (report !== null && report.kind !== asked.answer)) return;
    this.asked = null;
    asked.resolve(report);
  }

  private onReport(child: ProxyChild, report: ProxyReport): void {
    if (child === this.successor) this.onSuccessorReport(child, report);
    else if (child === this.child) this.onChildReport(child, report);
    else if (this.retired.has(child) && report.kind === "counted") this.tell(report);
  }

  private onSuccessorReport(successor: ProxyChild, report: ProxyReport): void {
    if (report.kind === "failed") this.lastFailure = report.message;
    if (report.kind === "event") this.showNumbered(this.observer.onEvent(report.event), successor);
    // Told just before it is ready: by then it is the one that serves.
    if (report.kind === "standing") this.standing = { known: report.standing, atMs: this.clock.nowMs() };
    if (report.kind !== "ready") return;
    const { child } = this;
    this.cancelSuccessor?.();
    this.successor = null;
    this.replacing = false;
    this.child = successor;
    this.startedMs = this.clock.nowMs();
    if (child !== null) this.retire(child);
    this.observer.onReady(successor.pid);
  }

  private onChildReport(child: ProxyChild, report: ProxyReport): void {
    switch (report.kind) {
      case "ready":
        this.observer.onReady(child.pid);
        return;
      case "failed":
        this.lastFailure = report.message;
        return;
      case "reloaded":
        this.reloads.answered(report);
        return;
      case "closed":
        this.observer.onBindClosed(report.bind);
        return;
      case "order":
        this.observer.onOrder(report.what, (text) => child.send({ kind: "ordered", order: report.order, text }));
        return;
      case "standing":
        this.standing = { known: report.standing, atMs: this.clock.nowMs() };
        return;
      case "event":
        this.showNumbered(this.observer.onEvent(report.event), child);
        return;
      case "health":
        this.observer.onHealth(report);
        return;
      case "handedOver":
      case "inheritance":
        this.answered(report);
        return;
      case "counted":
        return;
      default:
        // One of another version may say more than we know.
        if (!this.replacing) assertNever(report);
    }
  }

  private successorFailed(reason: string): void {
    this.dismissSuccessor();
    if (!this.stopping) this.observer.onSuccessorFailed(reason);
  }

  private dismissSuccessor(): void {
    const { successor } = this;
    this.cancelSuccessor?.();
    this.successor = null;
    if (successor === null) return;
    this.dismissed.add(successor);
    successor.kill("SIGKILL");
  }

  /** @param code exit status; null when a signal ended it */
  private onExit(child: ProxyChild, how: string, code: number | null): void {
    if (child === this.successor) {
      this.successor = null;
      this.successorFailed(this.lastFailure ?? how);
    } else if (child === this.child) {
      this.child = null;
      const reason = this.lastFailure ?? how;
      this.reloads.ended(child, reason);
      this.answered(null);
      if (this.stopping) this.failure = code === 0 || this.killed ? null : reason;
      else if (this.replacing) this.observer.onAdoptedCrash(reason);
      else this.onCrash(reason);
    }
    this.retired.delete(child);
    this.dismissed.delete(child);
    this.stoppedIfGone();
  }

  private stoppedIfGone(): void {
    if (this.stopping && this.all.length === 0) this.observer.onStopped(this.failure);
  }

  private onCrash(reason: string): void {
    const { history, delayMs } = afterCrash(this.crashes, this.clock.nowMs() - this.startedMs);
    this.crashes = history;
    this.restarts++;
    this.observer.onCrash(reason, delayMs, history.inARow, this.restarts);
    this.clock.after(delayMs, () => {
      if (!this.stopping) this.start();
    });
  }
}
