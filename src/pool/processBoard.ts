/**
 * The process's own scoreboard segment: what all listens share. `current` and the pause flags have several writers and are
 * touched with Atomics; the per-thread doubles are each written by their thread alone.
 */
export interface ProcessBoardHandle {
  buffer: SharedArrayBuffer;
  threads: number;
}

/** A thread's doubles on the process board. */
export const ThreadCounter = {
  /** Monotonic ms of the thread's last sign of life. */
  heartbeat: 0,
  connections: 1,
  droppedLogs: 2,
  /** Most connections of the process at once that this thread has seen. */
  maxCurrent: 3,
} as const;

const CURRENT = 0;
const MAXCONN = 1;
const PAUSED = 2;
const PAUSE_FLAGS = 16;
const THREAD_DOUBLES = 8;

/** Connections of the process, its limit, who paused accepting, and each thread's counters. */
export class ProcessBoard {
  readonly threads: number;
  private readonly words: Int32Array;
  private readonly doubles: Float64Array;
  /** What a process before this one has counted; of this object alone, and empty until then. */
  private readonly inherited: number[] = [];

  constructor(private readonly handle: ProcessBoardHandle) {
    this.threads = handle.threads;
    this.words = new Int32Array(handle.buffer, 0, wordCount(handle.threads));
    this.doubles = new Float64Array(handle.buffer, wordCount(handle.threads) * 4, handle.threads * THREAD_DOUBLES);
  }

  static create(threads: number): ProcessBoard {
    const bytes = wordCount(threads) * 4 + threads * THREAD_DOUBLES * 8;
    return new ProcessBoard({ buffer: new SharedArrayBuffer(bytes), threads });
  }

  share(): ProcessBoardHandle {
    return this.handle;
  }

  /** Counts a connection in or out and returns how many there are now. */
  addCurrent(delta: number): number {
    return Atomics.add(this.words, CURRENT, delta) + delta;
  }

  get current(): number {
    return Atomics.load(this.words, CURRENT);
  }

  /** Most connections at once; set by control. */
  get maxconn(): number {
    return this.words[MAXCONN] as number;
  }

  set maxconn(limit: number) {
    Atomics.store(this.words, MAXCONN, limit);
  }

  /** Notes that a thread has stopped, or again started, accepting on some listen. */
  setPaused(thread: number, paused: boolean): void {
    const before = Atomics.exchange(this.words, PAUSE_FLAGS + thread, paused ? 1 : 0);
    if (before !== (paused ? 1 : 0)) Atomics.add(this.words, PAUSED, paused ? 1 : -1);
  }

  /** Whether any thread waits for room; one load, cheap enough for every closing connection. */
  get anyPaused(): boolean {
    return Atomics.load(this.words, PAUSED) > 0;
  }

  isPaused(thread: number): boolean {
    return Atomics.load(this.words, PAUSE_FLAGS + thread) === 1;
  }

  /** A thread's doubles; index with {@link ThreadCounter}. */
  counters(thread: number): Float64Array {
    return this.doubles.subarray(thread * THREAD_DOUBLES, (thread + 1) * THREAD_DOUBLES);
  }

  /** Sum of one {@link ThreadCounter} over the threads. */
  sum(counter: number): number {
    let total = this.inherited[counter] ?? 0;
    for (let thread = 0; thread < this.threads; thread++)
      total += this.doubles[thread * THREAD_DOUBLES + counter] as number;
    return total;
  }

  /** Highest value of one {@link ThreadCounter} over the threads. */
  max(counter: number): number {
    let highest = this.inherited[counter] ?? 0;
    for (let thread = 0; thread < this.threads; thread++)
      highest = Math.max(highest, this.doubles[thread * THREAD_DOUBLES + counter] as number);
    return highest;
  }

  /** The highest values of thread t are 0 from now on. */
  clearMaxima(thread: number): void {
    this.counters(thread)[ThreadCounter.maxCurrent] = 0;
  }

  /** The same of what was inherited. */
  clearInheritedMaxima(): void {
    this.inherited[ThreadCounter.maxCurrent] = 0;
  }

  /** Has {@link sum} and {@link max} of this object go on from what a process before this one has counted. */
  inherit(counter: number, value: number, isHighest: boolean): void {
    const before = this.inherited[counter] ?? 0;
    this.inherited[counter] = isHighest ? Math.max(before, value) : before + value;
  }
}

/** Even, so that the doubles behind the words are aligned. */
function wordCount(threads: number): number {
  return Math.ceil((PAUSE_FLAGS + threads) / 2) * 2;
}
