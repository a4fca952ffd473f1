import type { Clock } from "../core/clock.ts";
import { assertNever } from "../core/errors.ts";
import { childEnvironment } from "../core/self.ts";
import { createFdChannel, sendFds } from "../net/fdPassing.ts";
import { libc, SystemError } from "../net/libc.ts";
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
import { afterCrash, type CrashHistory, NO_CRASHES } from "./backoff.ts";
import type { BoundListeners, PreparedListeners } from "./listeners.ts";

const NOTHING_RUNS: ReloadResult = { error: null, overruled: [], leaving: [] };
/** Fds of a child's stdio before those we add. */
const FIRST_EXTRA_FD = 3;

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

/**
 * Keeps one proxy process running on the listening sockets that the supervisor holds: they stay open whatever happens to
 * it, so clients wait in the kernel's queue while the next one starts.
 */
export class ProxyHost {
  private child: Bun.Subprocess | null = null;
  private startedMs = 0;
  private crashes: CrashHistory = NO_CRASHES;
  private restarts = 0;
  private stopping = false;
  private killed = false;
  private lastFailure: string | null = null;
  /** Our end of what passes open files to the process that runs; -1: there is none. */
  private passing = -1;
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
      this.child = this.spawn();
    } catch (error) {
      // No process, memory or descriptor to be had: a crash like any other, tried again later.
      this.onExit(`cannot be started: ${(error as Error).message}`);
      return;
    }
    this.observer.onStart();
    this.tell({
      kind: "start",
      ...this.terms,
      ...this.childFds(),
      supervisorPid: process.pid,
      restarts: this.restarts,
    });
  }

  /** Asks it to finish its connections and exit. */
  stop(): void {
    this.stopping = true;
    if (this.child === null) this.observer.onStopped(null);
    else this.tell({ kind: "stop" });
  }

  /** Asks it to close its connections, log them, and exit now. */
  end(): void {
    this.tell({ kind: "end" });
  }

  /** Ends it without asking. */
  kill(): void {
    this.stopping = true;
    this.killed = true;
    this.child?.kill("SIGKILL");
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
    const result = this.child === null ? NOTHING_RUNS : await this.tellReload(terms, files, next);
    if (result.error === null) this.terms = { ...this.terms, ...terms };
    return result;
  }

  /** Whether a process runs that has the listening sockets. */
  get isRunning(): boolean {
    return this.child !== null;
  }

  private async tellReload(
    terms: Pick<ProxyTerms, "config" | "maxconn">,
    files: number,
    { listens, opened }: PreparedListeners,
  ): Promise<ReloadResult> {
    const fds = opened.flatMap((bind) => bind.fds);
    try {
      sendFds(this.passing, fds);
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
      this.tell(command);
    });
  }

  private spawn(): Bun.Subprocess {
    const { ours, theirs } = createFdChannel();
    libc.close(this.passing);
    this.passing = ours;
    try {
      return this.spawnWith(theirs);
    } finally {
      libc.close(theirs);
    }
  }

  private spawnWith(passing: number): Bun.Subprocess {
    const listening = this.listeners.listens.flatMap(({ binds }) => binds.flatMap(({ fds }) => fds));
    const extra = [...listening, this.listeners.admin, passing];
    const child: Bun.Subprocess = Bun.spawn({
      cmd: [...this.program.command],
      argv0: this.program.name,
      env: childEnvironment(process.env),
      stdio: ["ignore", "inherit", "inherit", ...extra],
      ipc: (message) => {
        if (child === this.child) this.onReport(message as ProxyReport);
      },
      serialization: "json",
      onExit: (_child, code, signal) =>
        this.onExit(signal === null ? `exit status ${code}` : `killed by signal ${signal}`, code),
    });
    return child;
  }

  private tell(command: ProxyCommand): void {
    try {
      this.child?.send(command);
    } catch {
      // It is gone; onExit says so.
    }
  }

  /** Numbers that our fds have in the child: it gets them in the order of `extra`. */
  private childFds(): Pick<ProxyStart, "listeners" | "adminFd" | "passingFd"> {
    let next = FIRST_EXTRA_FD;
    const listeners = this.listeners.listens.map(({ listen, binds }) => ({
      listen,
      binds: binds.map(({ id, fds }) => ({ id, fds: fds.map(() => next++) })),
    }));
    return { listeners, adminFd: next, passingFd: next + 1 };
  }

  private onReport(report: ProxyReport): void {
    switch (report.kind) {
      case "ready":
        this.observer.onReady(this.child?.pid ?? 0);
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
        this.observer.onOrder(report.what, (text) => this.tell({ kind: "ordered", order: report.order, text }));
        return;
      case "health":
        this.observer.onHealth(report);
        return;
      default:
        assertNever(report);
    }
  }

  private endReload(result: ReloadResult): void {
    this.reloading?.resolve(result);
    this.reloading = null;
  }

  /** @param code exit status; null when a signal ended it, or when it never ran */
  private onExit(how: string, code: number | null = null): void {
    this.child = null;
    const reason = this.lastFailure ?? how;
    this.endReload({ ...NOTHING_RUNS, error: `the proxy process ended meanwhile (${reason})` });
    if (this.stopping) {
      this.observer.onStopped(code === 0 || this.killed ? null : reason);
      return;
    }
    const { history, delayMs } = afterCrash(this.crashes, this.clock.nowMs() - this.startedMs);
    this.crashes = history;
    this.restarts++;
    this.observer.onCrash(reason, delayMs, history.inARow, this.restarts);
    this.clock.after(delayMs, () => {
      if (!this.stopping) this.start();
    });
  }
}
