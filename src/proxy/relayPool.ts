import { createDoorbell, type DoorbellFds, ring } from "../net/doorbell.ts";
import type { ProcessBoard } from "../pool/processBoard.ts";
import type { RelayAnswer, RelayCommand, RelayDuty, RelayReport } from "../relay/protocol.ts";

/** Who hears the relay threads. */
export interface RelayPoolObserver {
  onReport(report: Exclude<RelayReport, RelayAnswer>): void;
  /** A thread threw (`message` is then Bun's whole report: source, error, stack), or ended although nobody told it to. */
  onFailure(thread: number, message: string): void;
}

/** Who waits for the answer to a question. */
type Asked = (answer: RelayAnswer) => void;

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

  /** Says something to one thread. */
  tellOne(thread: number, command: RelayCommand): void {
    this.workers[thread]?.postMessage(command);
  }

  /** Servers or limits have changed: every thread looks again whether somebody who waits can go on. */
  ringAll(): void {
    for (const doorbell of this.doorbells) ring(doorbell.ringer);
  }

  get threads(): number {
    return this.doorbells.length;
  }

  /** Asks one thread; its answer. For a thread that does not run, and never will, there is none. */
  askOne(thread: number, command: (version: number) => RelayCommand): Promise<RelayAnswer> {
    const version = ++this.version;
    const { promise, resolve } = Promise.withResolvers<RelayAnswer>();
    this.asked.set(version, resolve);
    this.workers[thread]?.postMessage(command(version));
    return promise;
  }

  private async ask(command: (version: number, thread: number) => RelayCommand): Promise<string | null> {
    const answers = await Promise.all(
      this.workers.map((_, thread) => this.askOne(thread, (version) => command(version, thread))),
    );
    for (const answer of answers) if (answer.kind === "applied" && answer.error !== null) return answer.error;
    return null;
  }

  private onReport(report: RelayReport): void {
    if (!("version" in report)) {
      this.observer.onReport(report);
      return;
    }
    this.asked.get(report.version)?.(report);
    this.asked.delete(report.version);
  }
}
