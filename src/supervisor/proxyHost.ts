import type { Clock } from "../core/clock.ts";
import { assertNever } from "../core/errors.ts";
import { childEnvironment } from "../core/self.ts";
import type { HealthReport, ProxyCommand, ProxyReport, ProxyStart } from "../proxy/protocol.ts";
import type { VrrpSnapshot } from "../stats/vrrpSnapshot.ts";
import { afterCrash, type CrashHistory, NO_CRASHES } from "./backoff.ts";
import type { BoundListeners } from "./listeners.ts";

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

  constructor(
    private readonly program: ProxyProgram,
    private readonly terms: ProxyTerms,
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

  private spawn(): Bun.Subprocess {
    const extra = [...this.listeners.listens.flatMap((listen) => listen.fds.flat()), this.listeners.admin];
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
  private childFds(): Pick<ProxyStart, "listeners" | "adminFd"> {
    let next = FIRST_EXTRA_FD;
    const listeners = this.listeners.listens.map(({ listen, fds }) => ({
      listen,
      fds: fds.map((each) => each.map(() => next++)),
    }));
    return { listeners, adminFd: next };
  }

  private onReport(report: ProxyReport): void {
    switch (report.kind) {
      case "ready":
        this.observer.onReady(this.child?.pid ?? 0);
        return;
      case "failed":
        this.lastFailure = report.message;
        return;
      case "health":
        this.observer.onHealth(report);
        return;
      default:
        assertNever(report);
    }
  }

  /** @param code exit status; null when a signal ended it, or when it never ran */
  private onExit(how: string, code: number | null = null): void {
    this.child = null;
    const reason = this.lastFailure ?? how;
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
