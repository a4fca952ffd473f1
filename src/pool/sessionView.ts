/** One live session, as its relay thread tells of it. Plain data: it is posted. */
export interface SessionView {
  /** See {@link sessionId}. */
  readonly id: number;
  /** What control calls the listen. */
  readonly listen: number;
  /** Slot of the server in use, last tried, or waited for; -1: none yet. */
  readonly server: number;
  /** What is done for it: see the dialer's phases; `established`: client and server are connected. */
  readonly phase: "choosing" | "queued" | "connecting" | "pausing" | "established";
  /** null: a unix socket. */
  readonly client: SocketAddress | null;
  /** The addresses at our own ends; null: a unix socket, not connected, or not asked for. */
  readonly clientLocal: SocketAddress | null;
  readonly serverLocal: SocketAddress | null;
  /** -1: there is none. */
  readonly clientFd: number;
  readonly serverFd: number;
  /** When it began, epoch ms. */
  readonly acceptedWallMs: number;
  readonly ageMs: number;
  /** Bytes so far from the client, and to it; and how many of them wait because the other side does not read. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly heldIn: number;
  readonly heldOut: number;
  readonly retries: number;
  /** Time until each side's silence, or what it waits for, is acted upon; null: never. */
  readonly clientExpiresMs: number | null;
  readonly serverExpiresMs: number | null;
}

export interface SocketAddress {
  readonly host: string;
  readonly port: number;
}

/** A thread never has so many sessions in its life. */
const THREAD = 2 ** 40;

/** A session's number in its process, never given twice: its thread, and how many that thread had before it. */
export function sessionId(thread: number, number: number): number {
  return (thread + 1) * THREAD + number;
}

/** The thread that has, or had, a session; -1: there can be no such session. */
export function threadOf(id: number): number {
  return Math.floor(id / THREAD) - 1;
}
