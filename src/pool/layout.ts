/**
 * The scoreboard: one shared segment a listen, so that listens and servers come and go at run time.
 *
 * ```
 * header     int32 × HEADER_WORDS                         listen-wide words
 * servers    int32 × SERVER_WORDS            a server     state, weight, limit, occupancy
 * addresses  bytes 2 × ADDRESS_BYTES         a server     sockaddr, double buffered
 * rotation   uint16 × 2 × rotationLimit                   order of turns, double buffered
 * counters   float64 × counterWords          a thread     each written by that thread alone
 * ```
 * Control writes states, weights, addresses and rotations, and threads read them at every pick. `current`, `queued`,
 * `served` and `turn` are the only words with several writers: they are touched with Atomics. Counters are doubles with a
 * single writer, exact up to 2^53; reading them costs the traffic nothing.
 */

/** Words of the listen's header. */
export const Header = {
  /** Connections of this listen now, over all threads. */
  current: 0,
  /** Connections waiting for a server slot, over all threads and servers. */
  queued: 1,
  /** Turns taken in the rotation so far (mod 2^32). */
  turn: 2,
  /** Generation of the rotation in force; its lowest bit says which buffer. */
  rotationGeneration: 3,
  /** Length of the rotation in buffer 0, and in buffer 1. */
  rotationLength: 4,
  /** Servers that take new sessions now. */
  usable: 6,
  /** Slots that may have a server; those from here on are spare, and nobody looks at them. */
  slots: 7,
  /** Most connections of this listen; 0: no limit of its own. */
  maxconn: 8,
} as const;
export const HEADER_WORDS = 16;

/** Words of one server. */
export const ServerWord = {
  /** Effective weight × WEIGHT_SCALE; 0: takes no new session (down, drained, backup not needed, empty slot). */
  weight: 0,
  /** Most concurrent sessions; 0: no limit. */
  maxconn: 1,
  /** Sessions on it now, connecting ones included. */
  served: 2,
  /** Connections that wait for this very server. */
  queued: 3,
  /** Which of the two address buffers is in force. */
  addressBuffer: 4,
  /** Length of the address in buffer 0, and in buffer 1. */
  addressLength: 5,
  /** Connect failures since the last success; see `observe`. */
  consecutiveErrors: 7,
} as const;
export const SERVER_WORDS = 16;

/** As HAProxy's BE_WEIGHT_SCALE: lets a server of weight 1 ramp up in 16 steps. */
export const WEIGHT_SCALE = 16;

/** Room for one sockaddr; sockaddr_un needs 110. */
export const ADDRESS_BYTES = 128;

/** A thread's counters for the whole listen. */
export const ListenCounter = {
  /** Accepted connections. */
  connections: 0,
  bytesIn: 1,
  bytesOut: 2,
  /** Highest value of `current` this thread has seen. */
  maxCurrent: 3,
  /** Highest value of `queued` this thread has seen. */
  maxQueued: 4,
  /** Sessions that ended without a working server connection. */
  connectErrors: 5,
  retries: 6,
  redispatches: 7,
  /** Sessions that the client, or the server, broke off in the middle, by a reset or by its silence. */
  clientAborts: 8,
  serverAborts: 9,
  /** Times this thread stopped accepting because a limit was reached. */
  acceptPauses: 10,
  /** Monotonic ms at which this thread's longest-waiting connection was queued; 0: none waits. */
  oldestWaiting: 11,
  queueTimeSum: 12,
  connectTimeSum: 13,
  totalTimeSum: 14,
  /** Sessions in the three sums above. */
  timeSamples: 15,
  /** Sessions that got a server connection. */
  established: 16,
  /** Those of `acceptPauses` that were due to the listen's own maxconn, not to the process's. */
  ownLimitPauses: 17,
  /** Longest milliseconds that any session added to each of the three sums. */
  maxQueueTime: 18,
  maxConnectTime: 19,
  maxTotalTime: 20,
} as const;
export const LISTEN_COUNTERS = 24;

/** A thread's counters for one server. */
export const ServerCounter = {
  /** Sessions that were given to it and connected. */
  sessions: 0,
  bytesIn: 1,
  bytesOut: 2,
  maxCurrent: 3,
  connectErrors: 4,
  retries: 5,
  redispatches: 6,
  clientAborts: 7,
  serverAborts: 8,
  /** Times the balancer chose it. */
  selected: 9,
  /** Connections started to it. */
  connects: 10,
  /** Wall ms of the last session's start; 0: never. */
  lastSession: 11,
  queueTimeSum: 12,
  connectTimeSum: 13,
  totalTimeSum: 14,
  timeSamples: 15,
  maxQueued: 16,
  /** Monotonic ms at which this thread's longest-waiting connection that is bound to this server was queued; 0: none waits. */
  oldestWaiting: 17,
  /** Longest milliseconds that any session added to each of the three sums. */
  maxQueueTime: 18,
  maxConnectTime: 19,
  maxTotalTime: 20,
} as const;
export const SERVER_COUNTERS = 24;

/** Offsets in bytes of a segment for so many server slots and threads. */
export interface SegmentLayout {
  servers: number;
  addresses: number;
  rotation: number;
  rotationLimit: number;
  counters: number;
  /** float64 words a thread. */
  counterWords: number;
  bytes: number;
}

/** Every weight is at most 256, so no exact rotation is longer than this times the number of slots. */
const TURNS_PER_SERVER = 256;

/** Where everything sits; the same inputs always give the same offsets, in every thread. */
export function segmentLayout(slots: number, threads: number): SegmentLayout {
  const servers = HEADER_WORDS * 4;
  const addresses = servers + slots * SERVER_WORDS * 4;
  const rotation = addresses + slots * 2 * ADDRESS_BYTES;
  const rotationLimit = Math.max(1, slots) * TURNS_PER_SERVER;
  const counters = align64(rotation + 2 * rotationLimit * 2);
  const counterWords = align64((LISTEN_COUNTERS + slots * SERVER_COUNTERS) * 8) / 8;
  return {
    servers,
    addresses,
    rotation,
    rotationLimit,
    counters,
    counterWords,
    bytes: counters + threads * counterWords * 8,
  };
}

/** A cache line, so that no two threads write to the same one. */
function align64(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}
