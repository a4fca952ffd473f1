import { type ListenBoard, serverCounter } from "../pool/board.ts";
import { ListenCounter, ServerCounter } from "../pool/layout.ts";
import { raise } from "./counting.ts";

/** The queue of those who take any server; the others' is the slot of the server they wait for. */
export const ANY_SERVER = -1;

/** A connection that waits for a server slot. */
export interface Waiting {
  /** Since when, on the clock that all threads share. */
  readonly queuedMs: number;
  /** The server it is bound to; {@link ANY_SERVER}: any will do. */
  readonly boundTo: number;
}

/**
 * The connections of one listen that wait in this thread: a queue of those who take any server and one for each server,
 * oldest first. How many wait in all threads, and since when this thread's oldest does, stands on the scoreboard, so that
 * a freed slot goes to the longest waiting of all threads.
 */
export class WaitingLine<T extends Waiting> {
  private readonly queues = new Map<number, Set<T>>(); // a Set keeps the order of arrival, and leaves its middle in constant time

  constructor(
    private readonly board: ListenBoard,
    private readonly thread: number,
  ) {}

  /** Joins the queue it is bound to; returns its place there, over all threads: 1 is next. */
  join(who: T): number {
    const { board } = this;
    const { boundTo } = who;
    const counters = board.counters(this.thread);
    const queue = this.queues.get(boundTo) ?? new Set();
    queue.add(who);
    this.queues.set(boundTo, queue);
    raise(counters, ListenCounter.maxQueued, board.addQueued(boundTo, 1));
    const place = Math.max(1, queuedFor(board, boundTo));
    if (boundTo >= 0) raise(counters, serverCounter(boundTo, ServerCounter.maxQueued), place);
    this.publish(boundTo, queue);
    return place;
  }

  /** Leaves, served or not; false when it was not waiting. */
  leave(who: T): boolean {
    const queue = this.queues.get(who.boundTo);
    if (queue === undefined || !queue.delete(who)) return false;
    this.board.addQueued(who.boundTo, -1);
    this.publish(who.boundTo, queue);
    return true;
  }

  /** Who waits longest in one of this thread's queues. */
  oldest(boundTo: number): T | undefined {
    for (const who of this.queues.get(boundTo) ?? []) return who;
    return undefined;
  }

  /** Everybody in one of this thread's queues, as of now. */
  all(boundTo: number): T[] {
    return [...(this.queues.get(boundTo) ?? [])];
  }

  private publish(boundTo: number, queue: Set<T>): void {
    let sinceMs = 0;
    for (const who of queue) {
      sinceMs = who.queuedMs;
      break;
    }
    this.board.counters(this.thread)[oldestWord(boundTo)] = sinceMs;
  }
}

/** How many wait in a queue, over all threads: two words, so off by those who come and go meanwhile. */
function queuedFor(board: ListenBoard, boundTo: number): number {
  if (boundTo >= 0) return board.queuedOn(boundTo);
  let queued = board.queued;
  for (let server = 0; server < board.slots; server++) queued -= board.queuedOn(server);
  return queued;
}

/** The thread whose oldest in a queue has waited longest; -1 when nobody waits there. */
export function longestWaitingThread(board: ListenBoard, boundTo: number): number {
  const word = oldestWord(boundTo);
  let thread = -1;
  let oldestMs = Infinity;
  for (let t = 0; t < board.threads; t++) {
    const sinceMs = board.counters(t)[word] as number;
    if (sinceMs > 0 && sinceMs < oldestMs) [thread, oldestMs] = [t, sinceMs];
  }
  return thread;
}

function oldestWord(boundTo: number): number {
  return boundTo >= 0 ? serverCounter(boundTo, ServerCounter.oldestWaiting) : ListenCounter.oldestWaiting;
}
