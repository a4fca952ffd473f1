import type { ListenBoard } from "../pool/board.ts";
import { ListenCounter } from "../pool/layout.ts";

/** A connection that waits for a server slot. */
export interface Waiting {
  readonly queuedMs: number;
  /** The server it is bound to; -1: any will do. */
  readonly boundTo: number;
}

/**
 * The connections of one listen that wait in this thread, oldest first. How many wait in all threads, and since when this
 * thread's oldest does, stands on the scoreboard, so that a freed slot goes to the longest waiting of all threads.
 */
export class WaitingLine<T extends Waiting> {
  private readonly line = new Set<T>(); // keeps the order of arrival, and leaves from the middle in constant time

  constructor(
    private readonly board: ListenBoard,
    private readonly thread: number,
  ) {}

  get size(): number {
    return this.line.size;
  }

  /** Joins; returns how many were ahead, in all threads. */
  join(who: T): { onServer: number; onListen: number } {
    const { board } = this;
    const ahead = { onServer: who.boundTo >= 0 ? board.queuedOn(who.boundTo) : 0, onListen: 0 };
    const queued = board.addQueued(who.boundTo, 1);
    if (who.boundTo < 0) ahead.onListen = queued - 1;
    const counters = board.counters(this.thread);
    if (queued > (counters[ListenCounter.maxQueued] as number)) counters[ListenCounter.maxQueued] = queued;
    this.line.add(who);
    this.publish();
    return ahead;
  }

  /** Leaves, served or not; false when it was not waiting. */
  leave(who: T): boolean {
    if (!this.line.delete(who)) return false;
    this.board.addQueued(who.boundTo, -1);
    this.publish();
    return true;
  }

  /** Oldest first; leaving while iterating is fine. */
  [Symbol.iterator](): Iterator<T> {
    return this.line.values();
  }

  private publish(): void {
    const [oldest] = this.line;
    this.board.counters(this.thread)[ListenCounter.oldestWaiting] = oldest?.queuedMs ?? 0;
  }
}

/** The thread whose oldest waiting connection has waited longest; -1 when nobody waits anywhere. */
export function longestWaitingThread(board: ListenBoard): number {
  let thread = -1;
  let oldestMs = Infinity;
  for (let t = 0; t < board.threads; t++) {
    const sinceMs = board.counters(t)[ListenCounter.oldestWaiting] as number;
    if (sinceMs > 0 && sinceMs < oldestMs) [thread, oldestMs] = [t, sinceMs];
  }
  return thread;
}
