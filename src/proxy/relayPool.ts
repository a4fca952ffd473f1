import { createDoorbell, type DoorbellFds, ring } from "../net/doorbell.ts";
import type { ProcessBoard } from "../pool/processBoard.ts";
import type { RelayCommand, RelayDuty, RelayReport } from "../relay/protocol.ts";

/** Who hears the relay threads. */
export interface RelayPoolObserver {
  onReport(report: Exclude<RelayReport, { kind: "applied" | "settled" }>): void;
  /** A thread threw (`message` is then Bun's whole report: source, error, stack), or ended although nobody told it to. */
  onFailure(thread: number, message: string): void;
}

/** Something that was asked of all threads, and what has been answered so far. */
interface Asked {
  left: number;
  error: string | null;
  resolve(error: string | null): void;
}

/** The relay threads of the proxy process: started, told, and listened to. */
export class RelayPool {
  private readonly workers: Worker[] = [];
  private readonly doorbells: DoorbellFds[];
  private readonly asked = new Map<number, Asked>();
  private version = 0;

  constructor(
    private readonly board: ProcessBoard,
    private readonly observer: RelayPoolObserver,
  ) {
    this.doorbells = Array.from({ length: board.threads }, createDoorbell);
  }

  /** Starts all threads; each reports `ready` when it accepts. `dutyOf` gives a thread its share of the listening fds. */
  start(dutyOf: (thread: number) => RelayDuty): void {
    const ringers = this.doorbells.map((doorbell) => doorbell.ringer);
    for (const [thread, doorbell] of this.doorbells.entries()) {
      // The name of the embedded entry point, see build.ts.
      const worker = new Worker("./src/relay/thread.ts");
      worker.onmessage = (event: MessageEvent<RelayReport>) => this.onReport(event.data);
      worker.onerror = (event) => this.observer.onFailure(thread, event.message);
      worker.addEventListener("close", () => this.observer.onFailure(thread, "ended"));
      worker.postMessage({
        kind: "start",
        thread,
        process: this.board.share(),
        doorbell: doorbell.owner,
        ringers,
        duty: dutyOf(thread),
      } satisfies RelayCommand);
      this.workers.push(worker);
    }
  }

  /** Gives every thread another duty; why one could not take it over, null: all have. */
  apply(dutyOf: (thread: number) => RelayDuty): Promise<string | null> {
    return this.ask((version, thread) => ({ kind: "apply", version, duty: dutyOf(thread) }));
  }

  /** The duty is for good: threads close what it has not. Resolves when each has had a turn of its loop since. */
  async settle(graceMs: number): Promise<void> {
    await this.ask((version) => ({ kind: "settle", version, graceMs }));
  }

  /** A listen's clients are refused from now on, or again accepted. Resolves when all threads have seen to it. */
  async setAccepting(listen: number, accepting: boolean): Promise<void> {
    await this.ask((version) => ({ kind: "accepting", version, listen, accepting }));
  }

  /** Highest values, or `all` counters, of all threads are 0 from now on. Resolves when they are. */
  async clearCounters(all: boolean): Promise<void> {
    await this.ask((version) => ({ kind: "clear", version, all }));
  }

  /** Says the same to every thread. */
  tell(command: RelayCommand): void {
    for (const worker of this.workers) worker.postMessage(command);
  }

  /** Servers or limits have changed: every thread looks again whether somebody who waits can go on. */
  ringAll(): void {
    for (const doorbell of this.doorbells) ring(doorbell.ringer);
  }

  get threads(): number {
    return this.doorbells.length;
  }

  private ask(command: (version: number, thread: number) => RelayCommand): Promise<string | null> {
    const version = ++this.version;
    const { promise, resolve } = Promise.withResolvers<string | null>();
    this.asked.set(version, { left: this.workers.length, error: null, resolve });
    for (const [thread, worker] of this.workers.entries()) worker.postMessage(command(version, thread));
    return promise;
  }

  private onReport(report: RelayReport): void {
    if (report.kind !== "applied" && report.kind !== "settled") {
      this.observer.onReport(report);
      return;
    }
    const asked = this.asked.get(report.version);
    if (asked === undefined) return;
    if (report.kind === "applied") asked.error ??= report.error;
    if (--asked.left > 0) return;
    this.asked.delete(report.version);
    asked.resolve(asked.error);
  }
}
