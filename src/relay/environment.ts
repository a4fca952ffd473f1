import type { Balancer } from "../balance/types.ts";
import type { ListenConfig, ServerConfig } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { SessionRecord } from "../log/record.ts";
import type { ListenBoard } from "../pool/board.ts";
import type { ProcessBoard } from "../pool/processBoard.ts";
import type { DeadlineWheel } from "./deadlineWheel.ts";
import type { Dialer } from "./dialer.ts";
import type { RelayReport } from "./protocol.ts";
import type { Registry } from "./registry.ts";
import type { Session } from "./session.ts";
import type { ANY_SERVER, WaitingLine } from "./waitingLine.ts";

/** What every session of a relay thread shares. */
export interface RelayEnvironment {
  readonly thread: number;
  readonly clock: Clock;
  readonly deadlines: DeadlineWheel;
  readonly process: ProcessBoard;
  /** This thread's counters on the process board. */
  readonly counters: Float64Array;
  report(report: RelayReport): void;
  /** The number of another session: from 0 on, in turn. */
  nextSession(): number;
  /** A listener of this thread has stopped accepting until there is room. */
  pausedAccepting(): void;
  /** A connection has left: whoever stopped accepting for lack of room may look again. */
  roomMade(): void;
  /** A slot on a server ({@link ANY_SERVER}: on some server) may be free: the longest waiting may have it. */
  slotFreed(listen: RelayListen, server: number): void;
}

/**
 * One listen, as one relay thread serves it. Another configuration makes another of these on the same board, line and
 * registry: new sessions have that one, and those that live keep theirs.
 */
export interface RelayListen {
  /** What control calls it: a name may be taken again while sessions of the listen that had it before still live. */
  readonly id: number;
  readonly config: ListenConfig;
  /** By slot; null: nobody has it. Kept up to date for sessions of earlier configurations, too. */
  readonly servers: readonly (ServerConfig | null)[];
  readonly board: ListenBoard;
  /** This thread's counters on the board. */
  readonly counters: Float64Array;
  readonly balancer: Balancer;
  readonly line: WaitingLine<Dialer>;
  readonly sessions: Registry<Session>;
  /** Encoded local addresses to dial each server from, in turn; empty: the kernel chooses. */
  readonly sources: readonly (readonly Uint8Array[])[];
  /** Writes the connection's log line; null when `log = "off"`. */
  readonly log: ((record: SessionRecord) => void) | null;
  /** Whether the balancer looks at the client's address. */
  readonly needsClientAddress: boolean;
}
