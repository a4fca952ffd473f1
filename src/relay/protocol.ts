import type { ListenConfig, LogConfig, ServerConfig } from "../config/schema.ts";
import type { BoardHandle } from "../pool/board.ts";
import type { ProcessBoardHandle } from "../pool/processBoard.ts";
import type { SessionView } from "../pool/sessionView.ts";

/** What control gives a relay thread to begin with. Plain data: it is posted. */
export interface RelayStart {
  kind: "start";
  thread: number;
  process: ProcessBoardHandle;
  /** This thread's end of its doorbell, and everybody's other end, by thread (net/doorbell.ts). */
  doorbell: number;
  ringers: number[];
  duty: RelayDuty;
}

/** All that a relay thread is to do from now on. */
export interface RelayDuty {
  logs: readonly LogConfig[];
  listens: RelayListenStart[];
}

export interface RelayListenStart {
  /** The same for as long as control calls it the same listen. */
  id: number;
  config: ListenConfig;
  /** By slot; null: nobody has it. */
  servers: readonly (ServerConfig | null)[];
  /** Slots in the order of the file. */
  order: number[];
  /** Slots that another server has than before: their counters start from nought. */
  fresh: number[];
  board: BoardHandle;
  /** false: its clients are refused for now. */
  accepting: boolean;
  /** This thread's listening sockets. */
  sockets: RelaySocket[];
}

export interface RelaySocket {
  /** The supervisor's number for the bind. */
  id: number;
  fd: number;
}

/** What control says to a running relay thread. */
export type RelayCommand =
  | RelayStart
  /**
   * Another duty: new listeners are opened, no old one is closed. Answer `applied`; when that is an error, control gives
   * the old duty again.
   */
  | { kind: "apply"; version: number; duty: RelayDuty }
  /**
   * The duty is for good: answer `settled`, and close the listeners that it has not, within `graceMs`, those who wait in
   * their queues served (`closed`).
   */
  | { kind: "settle"; version: number; graceMs: number }
  /** A listen's clients are refused from now on, or again accepted; answer `settled`. */
  | { kind: "accepting"; version: number; listen: number; accepting: boolean }
  /** Highest values, or all counters, are 0 from now on; answer `settled`. */
  | { kind: "clear"; version: number; all: boolean }
  /** A listen that was removed has no session left. */
  | { kind: "forget"; listen: number }
  /** Stop accepting; answer `drained` when the last connection has gone. */
  | { kind: "stop" }
  /** End sessions with this termination state: of one server (listen and slot; -1: any), or all. */
  | { kind: "kill"; listen: number | null; server: number; termination: string }
  /**
   * The next page of a list of this thread's sessions, the first when it does not know the list, with or without what
   * costs more to find out; answered by `sessions`.
   */
  | { kind: "list"; version: number; list: number; detail: boolean }
  /** Nobody wants the rest of a list. */
  | { kind: "dropList"; list: number }
  /** One session, see pool/sessionView.ts; answered by `session`. `termination` not null: it is ended with that. */
  | { kind: "session"; version: number; id: number; termination: string | null };

/** What answers a question of control's: it carries the question's `version`. */
export type RelayAnswer = Extract<RelayReport, { version: number }>;

/** What a relay thread tells control. */
export type RelayReport =
  | { kind: "ready" }
  /** `error`: why it could not be done; null: it was. */
  | { kind: "applied"; version: number; error: string | null }
  | { kind: "settled"; version: number }
  /** `hasMore`: the list goes on. */
  | { kind: "sessions"; version: number; sessions: SessionView[]; hasMore: boolean }
  /** How it stood; null: it has ended before. */
  | { kind: "session"; version: number; session: SessionView | null }
  /** This thread has closed its socket of a bind that the duty had no more. */
  | { kind: "closed"; socket: number }
  | { kind: "drained" }
  /** `observe = "layer4"`: so many connects in a row have failed. */
  | { kind: "trafficErrors"; listen: number; server: number; count: number }
  /** We lacked something (fds, memory, source ports); `errno` names it. */
  | { kind: "shortage"; listen: number; server: number; errno: string }
  /** The same when accepting was to go on after a pause: clients wait meanwhile. */
  | { kind: "acceptShortage"; listen: number; errno: string }
  /** Log lines for a target that only control may write to (stdout, stderr). */
  | { kind: "lines"; target: "stdout" | "stderr"; text: string };
