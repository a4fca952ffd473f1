import type { CheckStatus } from "../core/checkStatus.ts";
import type { Clock } from "../core/clock.ts";
import type { Pool } from "../pool/pool.ts";
import type { ProcessBoard } from "../pool/processBoard.ts";
import type { Sampler } from "./sampler.ts";
import type { VrrpSnapshot } from "./vrrpSnapshot.ts";

/** Everything that a snapshot is made from: what the control side of the proxy process has at hand. */
export interface ProxyView {
  readonly clock: Pick<Clock, "nowMs" | "wallMs">;
  /** See core/version.ts; `releaseDate` is YYYY/MM/DD, as `show info` has it. */
  readonly version: string;
  readonly commit: string;
  readonly releaseDate: string;
  /** Of the proxy process, and of the supervisor: the one to signal. */
  readonly pid: number;
  readonly supervisorPid: number;
  /** Name of this host. */
  readonly node: string;
  /** When the supervisor started, and the proxy process: monotonic ms of `clock` (negative: before its zero). */
  readonly startedMs: number;
  readonly proxyStartedMs: number;
  /** When the supervisor started, epoch ms. */
  readonly startedWallMs: number;
  /** How often the proxy process had to be started again. */
  readonly restarts: number;
  readonly stopping: boolean;
  /** A relay thread whose event loop has not turned for seconds; null: none. */
  readonly lateThread: number | null;
  /** Most open files of the proxy process. */
  readonly fileLimit: number;
  /** Log lines that control itself had to drop; those of the relay threads stand on the board. */
  readonly droppedLogs: number;
  readonly board: ProcessBoard;
  /** In the configuration's order, those that were removed and still have sessions last. */
  readonly pools: readonly Pool[];
  readonly sampler: Sampler;
  /** What the supervisor last said of its virtual routers, and when, monotonic ms; null: nothing, there may be none. */
  readonly vrrp: { readonly snapshot: VrrpSnapshot; readonly receivedMs: number } | null;
  /** The listen that relay threads know by this number, those that were removed included; null: it is gone. */
  poolOf(listen: number): Pool | null;
  /** When the sessions of a listen that was removed are ended, monotonic ms; null: it was not removed. */
  leavingUntilMs(pool: Pool): number | null;
  /** What is known of a server's checks; null: it is not checked. */
  check(pool: Pool, slot: number): CheckView | null;
}

/** A server's checks as plain data, see health/. */
export interface CheckView {
  /** "UP", "UP 2/3", "DOWN 1/2", "DOWN": health's own word. */
  readonly statusText: string;
  /** 0..rise+fall-1; up from `rise` on. */
  readonly health: number;
  readonly rise: number;
  readonly fall: number;
  /** null before the first. `code`: of the protocol; `durationMs` null: concluded from traffic, no check ran. */
  readonly lastResult: {
    readonly status: CheckStatus;
    readonly code: number | null;
    readonly info: string | null;
    readonly durationMs: number | null;
  } | null;
  /** Monotonic ms of that result. */
  readonly lastCheckMs: number | null;
  /** A check is on its way. */
  readonly inProgress: boolean;
  /** Failures that moved the counter, failures concluded from traffic, checks that our own shortage prevented. */
  readonly failures: number;
  readonly observed: number;
  readonly inconclusive: number;
}
