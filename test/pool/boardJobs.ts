import type { BoardHandle, ListenBoard } from "../../src/pool/board.ts";
import { atEnd } from "../support/cleanup.ts";

/** What a thread of the board's tests is told to do. */
export interface BoardJob {
  kind: "hammer" | "handOver" | "count" | "read" | "publish";
  handle: BoardHandle;
  /** Word 0 counts the threads that are ready; the others belong to the job. */
  gate: SharedArrayBuffer;
  threads: number;
  /** Index of this thread. */
  thread: number;
  rounds: number;
}

/** What it found; each job says which of these it uses. */
export interface BoardReply {
  highest: number;
  taken: number;
  answer: number;
  bad: number;
}

/** Runs one job a thread, all starting together on the same board. */
export function runTogether(
  board: ListenBoard,
  rounds: number,
  kinds: readonly BoardJob["kind"][],
): Promise<BoardReply[]> {
  const gate = new SharedArrayBuffer(64);
  return Promise.all(
    kinds.map((kind, thread) => runOne({ kind, handle: board.share(), gate, threads: kinds.length, thread, rounds })),
  );
}

function runOne(job: BoardJob): Promise<BoardReply> {
  const worker = new Worker(new URL("./boardWorker.ts", import.meta.url).href);
  atEnd(() => worker.terminate());
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<BoardReply>) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(job);
  });
}
