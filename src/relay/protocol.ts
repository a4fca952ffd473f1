import type { ListenConfig, LogConfig } from "../config/schema.ts";
import type { BoardHandle } from "../pool/board.ts";
import type { ProcessBoardHandle } from "../pool/processBoard.ts";

/** What control gives a relay thread to begin with. Plain data: it is posted. */
export interface RelayStart {
  kind: "start";
  thread: number;
  process: ProcessBoardHandle;
  /** This thread's end of its doorbell, and everybody's other end, by thread (net/doorbell.ts). */
  doorbell: number;
  ringers: number[];
  logs: readonly LogConfig[];
  listens: RelayListenStart[];
}

export interface RelayListenStart {
  config: ListenConfig;
  board: BoardHandle;
  /** This thread's listening fd for each bind. */
  fds: number[];
}

/** What control says to a running relay thread. */
export type RelayCommand =
  | RelayStart
  /** Stop accepting; answer `drained` when the last connection has gone. */
  | { kind: "stop" }
  /** End sessions with this termination state: of one server (listen and slot), or all. */
  | { kind: "kill"; listen: string | null; server: number; termination: string };

/** What a relay thread tells control. */
export type RelayReport =
  | { kind: "ready" }
  | { kind: "drained" }
  /** `observe = "layer4"`: so many connects in a row have failed. */
  | { kind: "trafficErrors"; listen: string; server: number; count: number }
  /** We lacked something (fds, memory, source ports); `errno` names it. */
  | { kind: "shortage"; listen: string; server: number; errno: string }
  /** The same when accepting was to go on after a pause: clients wait meanwhile. */
  | { kind: "acceptShortage"; listen: string; errno: string }
  /** Log lines for a target that only control may write to (stdout, stderr). */
  | { kind: "lines"; target: "stdout" | "stderr"; text: string };
