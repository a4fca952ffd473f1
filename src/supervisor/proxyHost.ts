import type { Clock } from "../core/clock.ts";
import { assertNever } from "../core/errors.ts";
import { childEnvironment } from "../core/self.ts";
import { createFdChannel, sendFds } from "../net/fdPassing.ts";
import { libc, SystemError } from "../net/libc.ts";
import { type ChannelEnds, createChannel } from "../net/lineChannel.ts";
import { type Inheritance, standingAfter } from "../proxy/inheritance.ts";
import type {
  HealthReport,
  ProxyCommand,
  ProxyReload,
  ProxyReport,
  ProxyStart,
  ReloadResult,
  SupervisorOrder,
} from "../proxy/protocol.ts";
import type { VrrpSnapshot } from "../stats/vrrpSnapshot.ts";
import { AdoptedProxy } from "./adoptedProxy.ts";
import { afterCrash, type CrashHistory, NO_CRASHES } from "./backoff.ts";
import type { OpenProxy } from "./handoff.ts";
import type { BoundListeners, PreparedListeners } from "./listeners.ts";

const NOTHING_RUNS: ReloadResult = { error: null, overruled: [], leaving: [] };
/** Fds of a child's stdio before those we add. */
const FIRST_EXTRA_FD = 3;
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
  /** It has closed its sockets of a bind that no listen has. */
  onBindClosed(bind: number): void;
  /** A client of its admin socket orders something; `answer` takes the text for it. */
  onOrder(what: SupervisorOrder, answer: (text: string) => void): void;
  /** The one that was to take the place of an adopted one does not come up; that one goes on. */
  onSuccessorFailed(reason: string): void;
  /** It ended after it was asked to; `failure` says how when that was not as asked. */
  onStopped(failure: string | null): void;
}

/** What every proxy process of this supervisor is started with. */
export type ProxyTerms = Pick<ProxyStart, "config" | "maxconn" | "account" | "chroot" | "startedWallMs">;

/** The command line that becomes a proxy process, and the name that it shows in process lists. */
export interface ProxyProgram {
  command: readonly string[];
  name: string;
}

/** A proxy process as we deal with it. */
interface Child {
  readonly pid: number;
  /** Our end of its handover channel. */
  readonly channel: number;
  /** Our end of what passes open files to it. */
  readonly passing: number;
  send(command: ProxyCommand): void;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Keeps one proxy process running on the listening sockets that the supervisor holds: they stay open whatever happens to
 * it, so clients wait in the kernel's queue while the next one starts. After an upgrade there are more for a while: the one
 * of the former program, which serves until its successor does, and then finishes its connections.
 */
export class ProxyHost {
  private child: Child | null = null;
  private successor: Child | null = null;
  private readonly retired = new Set<Child>();
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
  private answered: ((report: ProxyReport) => void) | null = null;
  private reloads = 0;
  private reloading: { reload: number; resolve(result: ReloadResult): void } | null = null;

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
  adopt(serving: OpenProxy, retired: readonly OpenProxy[], restarts: number): void {
    this.restarts = restarts;
    this.startedMs = this.clock.nowMs();
    this.child = this.adoptOne(serving);
    for (const each of retired) this.retire(this.adoptOne(each));
  }

  /**
   * Starts a process that takes over from the adopted one, with all that this knows: when it is ready that one is retired,
   * and if it does not come up `onSuccessorFailed` is called.
   */
  async replace(): Promise<void> {
    this.replacing = true;
    const answer = await this.ask({ kind: "describe" }, "inheritance");
    if (this.stopping) return;
    const inheritance = answer?.kind === "inheritance" ? answer.inheritance : null;
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
  async handOver(): Promise<{ proxy: OpenProxy; retired: OpenProxy[]; restarts: number } | null> {
    if (this.replacing || (await this.ask({ kind: "handover" }, "handedOver")) === null) return null;
    return this.open;
  }

  /** The processes that run, for another program in our place; null: none serves. */
  get open(): { proxy: OpenProxy; retired: OpenProxy[]; restarts: number } | null {
    if (this.child === null) return null;
    const openOf = ({ pid, channel, passing }: Child): OpenProxy => ({ pid, channel, passing });
    return { proxy: openOf(this.child), retired: [...this.retired].map(openOf), restarts: this.restarts };
  }

  /** Asks it to finish its connections and exit. */
  stop(): void {
    this.stopping = true;
    this.cancelSuccessor?.();
    this.successor?.kill("SIGKILL");
    this.tell({ kind: "stop" });
    this.stoppedIfGone();
  }

  /** Asks it to close its connections, log them, and exit now. */
  end(): void {
    for (const child of this.all) send(child, { kind: "end" });
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
    const result = this.child === null ? NOTHING_RUNS : await this.tellReload(this.child, terms, files, next);
    if (result.error === null) this.terms = { ...this.terms, ...terms };
    return result;
  }

  /** Whether a process runs that has the listening sockets. */
  get isRunning(): boolean {
    return this.child !== null;
  }

  private async tellReload(
    child: Child,
    terms: Pick<ProxyTerms, "config" | "maxconn">,
    files: number,
    { listens, opened }: PreparedListeners,
  ): Promise<ReloadResult> {
    const fds = opened.flatMap((bind) => bind.fds);
    try {
      sendFds(child.passing, fds);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return { ...NOTHING_RUNS, error: `the new listening sockets cannot be passed on: ${error.message}` };
    }
    const command: ProxyReload = {
      kind: "reload",
      reload: ++this.reloads,
      ...terms,
      files,
      passed: opened.map((bind) => ({ id: bind.id, fds: bind.fds.length })),
      listens: listens.map(({ listen, binds }) => ({ listen, binds: binds.map(({ id }) => id) })),
    };
    return await new Promise((resolve) => {
      this.reloading = { reload: command.reload, resolve };
      send(child, command);
    });
  }

  private get all(): Child[] {
    return [this.child, this.successor, ...this.retired].filter((child) => child !== null);
  }

  private spawn(inheritance: Inheritance | null): Child {
    const ends: ChannelEnds[] = [];
    try {
      const handover = createChannel();
      ends.push(handover);
      const passing = createFdChannel();
      ends.push(passing);
      const child = this.spawnWith(handover, passing);
      const { terms, restarts } = this;
      const fds = this.childFds();
      child.send({ kind: "start", ...terms, ...fds, supervisorPid: process.pid, restarts, inheritance });
      return child;
    } catch (error) {
      for (const { ours } of ends) libc.close(ours);
      throw error;
    } finally {
      for (const { theirs } of ends) libc.close(theirs);
    }
  }

  private spawnWith(handover: ChannelEnds, passing: ChannelEnds): Child {
    const listening = this.listeners.listens.flatMap(({ binds }) => binds.flatMap(({ fds }) => fds));
    const extra = [...listening, this.listeners.admin, passing.theirs, handover.theirs];
    const spawned: Bun.Subprocess = Bun.spawn({
      cmd: [...this.program.command],
      argv0: this.program.name,
      env: childEnvironment(process.env),
      stdio: ["ignore", "inherit", "inherit", ...extra],
      ipc: (message) => this.onReport(child, message as ProxyReport),
      serialization: "json",
      onExit: (_child, code, signal) => {
        libc.close(handover.ours);
        this.onExit(child, signal === null ? `exit status ${code}` : `killed by signal ${signal}`, code);
      },
    });
    const child: Child = {
      pid: spawned.pid,
      channel: handover.ours,
      passing: passing.ours,
      send: (command) => spawned.send(command),
      kill: (signal) => spawned.kill(signal),
    };
    return child;
  }

  private adoptOne(open: OpenProxy): Child {
    const adopted = new AdoptedProxy(open, this.clock, {
      onReport: (report) => this.onReport(child, report),
      onExit: ({ how, code }) => this.onExit(child, how, code),
    });
    const child: Child = {
      ...open,
      send: (command) => adopted.send(command),
      kill: (signal) => adopted.kill(signal),
    };
    return child;
  }

  private retire(child: Child): void {
    this.retired.add(child);
    send(child, { kind: "retire" });
    this.clock.after(this.terms.config.global.hardStopAfterMs + RETIRED_GRACE_MS, () => {
      if (this.retired.has(child)) child.kill("SIGKILL");
    });
  }

  private tell(command: ProxyCommand): void {
    if (this.child !== null) send(this.child, command);
  }

  /** The answer of the process that serves; null: there is none in time. */
  private ask(command: ProxyCommand, answer: ProxyReport["kind"]): Promise<ProxyReport | null> {
    if (this.child === null) return Promise.resolve(null);
    return new Promise((resolve) => {
      const cancel = this.clock.after(ANSWER_MS, () => resolve(null));
      this.answered = (report) => {
        if (report.kind !== answer) return;
        cancel();
        this.answered = null;
        resolve(report);
      };
      this.tell(command);
    });
  }

  /** Numbers that our fds have in the child: it gets them in the order of `extra`. */
  private childFds(): Pick<ProxyStart, "listeners" | "adminFd" | "passingFd" | "handoverFd"> {
    let next = FIRST_EXTRA_FD;
    const listeners = this.listeners.listens.map(({ listen, binds }) => ({
      listen,
      binds: binds.map(({ id, fds }) => ({ id, fds: fds.map(() => next++) })),
    }));
    return { listeners, adminFd: next, passingFd: next + 1, handoverFd: next + 2 };
  }

  private onReport(child: Child, report: ProxyReport): void {
    if (child === this.successor) this.onSuccessorReport(child, report);
    else if (child === this.child) this.onChildReport(child, report);
    else if (this.retired.has(child) && report.kind === "counted") this.tell(report);
  }

  private onSuccessorReport(successor: Child, report: ProxyReport): void {
    if (report.kind === "failed") this.lastFailure = report.message;
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

  private onChildReport(child: Child, report: ProxyReport): void {
    switch (report.kind) {
      case "ready":
        this.observer.onReady(child.pid);
        return;
      case "failed":
        this.lastFailure = report.message;
        return;
      case "reloaded": {
        const { kind: _kind, reload, ...result } = report;
        if (this.reloading?.reload === reload) this.endReload(result);
        return;
      }
      case "closed":
        this.observer.onBindClosed(report.bind);
        return;
      case "order":
        this.observer.onOrder(report.what, (text) => send(child, { kind: "ordered", order: report.order, text }));
        return;
      case "standing":
        this.standing = { known: report.standing, atMs: this.clock.nowMs() };
        return;
      case "health":
        this.observer.onHealth(report);
        return;
      case "handedOver":
      case "inheritance":
        this.answered?.(report);
        return;
      case "counted":
        return;
      default:
        // One of another version may say more than we know.
        if (!this.replacing) assertNever(report);
    }
  }

  private endReload(result: ReloadResult): void {
    this.reloading?.resolve(result);
    this.reloading = null;
  }

  private successorFailed(reason: string): void {
    const { successor } = this;
    this.cancelSuccessor?.();
    this.successor = null;
    successor?.kill("SIGKILL");
    if (!this.stopping) this.observer.onSuccessorFailed(reason);
  }

  /** @param code exit status; null when a signal ended it */
  private onExit(child: Child, how: string, code: number | null): void {
    libc.close(child.passing);
    if (child === this.successor) {
      this.successorFailed(this.lastFailure ?? how);
    } else if (child === this.child) {
      this.child = null;
      const reason = this.lastFailure ?? how;
      this.endReload({ ...NOTHING_RUNS, error: `the proxy process ended meanwhile (${reason})` });
      if (this.stopping) this.failure = code === 0 || this.killed ? null : reason;
      else if (!this.replacing) this.onCrash(reason);
    }
    this.retired.delete(child);
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

function send(child: Child, command: ProxyCommand): void {
  try {
    child.send(command);
  } catch {
    // It is gone; onExit says so.
  }
}
