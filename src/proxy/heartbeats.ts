import { type ProcessBoard, ThreadCounter } from "../pool/processBoard.ts";

/** Notices relay threads whose event loop no longer turns: they are alive, hold their clients, and serve nobody. */
export class Heartbeats {
  private readonly seen: { beat: number; looks: number }[];

  /** @param patience looks at one and the same heartbeat after which the thread is taken for hung */
  constructor(
    private readonly board: ProcessBoard,
    private readonly patience: number,
  ) {
    this.seen = Array.from({ length: board.threads }, () => ({ beat: 0, looks: 0 }));
  }

  /**
   * The first thread that hangs; null: none. Call at a steady pace, slower than hearts beat. Looks are counted, not time: a
   * process that was frozen as a whole and goes on has hung threads in no look of its own.
   */
  look(): number | null {
    for (const [thread, seen] of this.seen.entries()) {
      const beat = this.board.counters(thread)[ThreadCounter.heartbeat] as number;
      seen.looks = beat === seen.beat ? seen.looks + 1 : 0;
      seen.beat = beat;
    }
    const hung = this.seen.findIndex(({ looks }) => looks >= this.patience);
    return hung < 0 ? null : hung;
  }
}
