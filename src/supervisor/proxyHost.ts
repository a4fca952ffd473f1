import type { Clock } from "../core/clock.ts";
import { assertNever } from "../core/errors.ts";
import type { ProxyCommand, ProxyReport, ProxyStart } from "../proxy/protocol.ts";
import { afterCrash, type CrashHistory, NO_CRASHES } from "./backoff.ts";
import type { BoundListeners } from "./listeners.ts";

/** Fds of a child's stdio before those we add. */
const FIRST_EXTRA_FD = 3;

/** Who hears what becomes of the proxy process. */
export interface ProxyObserver {
  onReady(pid: number): void;
  /** It ended unasked; the next one starts in `delayMs`. */
  onCrash(reason: string, delayMs: number): void;
  /** It ended as asked. */
  onStopped(): void;
}

/** What every proxy process of this supervisor is started with. */
export type ProxyTerms = Pick<ProxyStart, "config" | "maxconn" | "account" | "startedWallMs">;

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
  private lastFailure: string | null = null;

  constructor(
    /** Command line that becomes a proxy process. */
    private readonly command: readonly string[],
    private readonly terms: ProxyTerms,
    private readonly listeners: BoundListeners,
    private readonly clock: Clock,
    private readonly observer: ProxyObserver,
  ) {}

  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  start(): void {
    this.startedMs = this.clock.nowMs();
    this.lastFailure = null;
    const extra = [...this.listeners.listens.flatMap((listen) => listen.fds.flat()), this.listeners.admin];
    this.child = Bun.spawn({
      cmd: [...this.command],
      stdio: ["ignore", "inherit", "inherit", ...extra],
      ipc: (message) => this.onReport(message as ProxyReport),
      serialization: "json",
      onExit: (_child, code, signal) => this.onExit(code, signal),
    });
    this.tell({ kind: "start", ...this.terms, ...this.childFds(), supervisorPid: process.pid, restarts: this.restarts });
  }

  /** Asks it to finish its connections and exit. */
  stop(): void {
    this.stopping = true;
    if (this.child === null) this.observer.onStopped();
    else this.tell({ kind: "stop" });
  }

  /** Ends it at once. */
  kill(): void {
    this.stopping = true;
    this.child?.kill("SIGKILL");
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
    const listeners = this.listeners.listens.map(({ listen, fds }) => ({ listen, fds: fds.map((each) => each.map(() => next++)) }));
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
      default:
        assertNever(report);
    }
  }

  private onExit(code: number | null, signal: number | string | null): void {
    this.child = null;
    if (this.stopping) {
      this.observer.onStopped();
      return;
    }
    const { history, delayMs } = afterCrash(this.crashes, this.clock.nowMs() - this.startedMs);
    this.crashes = history;
    this.restarts++;
    this.observer.onCrash(this.lastFailure ?? (signal !== null ? `killed by signal ${signal}` : `exit status ${code}`), delayMs);
    this.clock.after(delayMs, () => {
      if (!this.stopping) this.start();
    });
  }
}

