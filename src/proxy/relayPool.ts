import type { LogConfig } from "../config/schema.ts";
import { createDoorbell, type DoorbellFds, ring } from "../net/doorbell.ts";
import type { ProcessBoard } from "../pool/processBoard.ts";
import type { RelayCommand, RelayListenStart, RelayReport } from "../relay/protocol.ts";

/** Who hears the relay threads. */
export interface RelayPoolObserver {
  onReport(report: RelayReport): void;
  /** A thread threw (`message` is then Bun's whole report: source, error, stack), or ended although nobody told it to. */
  onFailure(thread: number, message: string): void;
}

/** The relay threads of the proxy process: started, told, and listened to. */
export class RelayPool {
  private readonly workers: Worker[] = [];
  private readonly doorbells: DoorbellFds[];

  constructor(
    private readonly board: ProcessBoard,
    private readonly observer: RelayPoolObserver,
  ) {
    this.doorbells = Array.from({ length: board.threads }, createDoorbell);
  }

  /** Starts all threads; each reports `ready` when it accepts. `listensOf` gives a thread its share of the listening fds. */
  start(logs: readonly LogConfig[], listensOf: (thread: number) => RelayListenStart[]): void {
    const ringers = this.doorbells.map((doorbell) => doorbell.ringer);
    for (const [thread, doorbell] of this.doorbells.entries()) {
      // The name of the embedded entry point, see build.ts.
      const worker = new Worker("./src/relay/thread.ts");
      worker.onmessage = (event: MessageEvent<RelayReport>) => this.observer.onReport(event.data);
      worker.onerror = (event) => this.observer.onFailure(thread, event.message);
      worker.addEventListener("close", () => this.observer.onFailure(thread, "ended"));
      worker.postMessage({
        kind: "start",
        thread,
        process: this.board.share(),
        doorbell: doorbell.owner,
        ringers,
        logs,
        listens: listensOf(thread),
      } satisfies RelayCommand);
      this.workers.push(worker);
    }
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
}
