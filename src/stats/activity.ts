import { ListenCounter } from "../pool/layout.ts";
import { ThreadCounter } from "../pool/processBoard.ts";
import type { ProxyView } from "./view.ts";

/**
 * `show activity`: what each relay thread has done, as HAProxy writes it: the sum, and the threads' own values in brackets.
 * Of HAProxy's counters, those that we have; behind them, ours.
 */
export function formatActivity({ board, pools, clock }: ProxyView): string {
  const { threads } = board;
  const perThread = (value: (thread: number) => number) =>
    Array.from({ length: threads }, (_, thread) => value(thread));
  const ofThread = (counter: number) => perThread((thread) => board.counters(thread)[counter] as number);
  const ofListens = (counter: number) =>
    perThread((thread) => sum(pools.map((pool) => pool.board.counters(thread)[counter] as number)));
  const loopAgesMs = ofThread(ThreadCounter.heartbeat).map((beatMs) => Math.max(0, Math.round(clock.nowMs() - beatMs)));
  return [
    `thread_id: 1 (1..${threads})`,
    `date_now: ${(clock.wallMs() / 1000).toFixed(6)}`,
    line("accepted", ofThread(ThreadCounter.connections)),
    line("established", ofListens(ListenCounter.established)),
    line("bytes_in", ofListens(ListenCounter.bytesIn)),
    line("bytes_out", ofListens(ListenCounter.bytesOut)),
    line("accept_pauses", ofListens(ListenCounter.acceptPauses)),
    line("dropped_logs", ofThread(ThreadCounter.droppedLogs)),
    // A loop shows four times a second that it turns: beyond a second or two, that thread hangs.
    line("loop_age_ms", loopAgesMs, Math.max(...loopAgesMs)),
    "",
  ].join("\n");
}

function line(name: string, values: readonly number[], whole = sum(values)): string {
  return `${name}: ${whole}${values.length > 1 ? ` [ ${values.join(" ")} ]` : ""}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
