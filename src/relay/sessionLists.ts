import { fdOf, type StreamSocket } from "../net/stream.ts";
import { type SessionView, type SocketAddress, sessionId } from "../pool/sessionView.ts";
import type { Session } from "./session.ts";

/** Sessions that are told of in one go: less than half a millisecond of a relay thread's time. */
export const SESSIONS_A_PAGE = 64;

/**
 * The sessions of one relay thread, told to control a page at a time, so that traffic goes on in between. A list holds who
 * was there when it was begun; who has left since is passed over.
 */
export class SessionLists {
  private readonly lists = new Map<number, Session[]>();

  constructor(
    private readonly thread: number,
    /** All that live now. */
    private readonly sessions: () => Session[],
    private readonly nowMs: () => number,
  ) {}

  /** The next page of a list, which begins with its first page and ends with the first that is not full; see {@link viewOf}. */
  page(list: number, detail: boolean): SessionView[] {
    const left = this.lists.get(list) ?? this.sessions();
    const page: SessionView[] = [];
    while (page.length < SESSIONS_A_PAGE) {
      const session = left.pop();
      if (session === undefined) break;
      if (session.phase !== "finished") page.push(viewOf(session, this.thread, this.nowMs(), detail));
    }
    if (page.length < SESSIONS_A_PAGE) this.lists.delete(list);
    else this.lists.set(list, left);
    return page;
  }

  /** Nobody wants the rest of a list. */
  drop(list: number): void {
    this.lists.delete(list);
  }

  /** The session of this number; null: it has ended. */
  find(id: number): Session | null {
    return this.sessions().find(({ number }) => sessionId(this.thread, number) === id) ?? null;
  }
}

/** How a session stands; our own addresses, which cost two system calls more, in `detail` only. */
export function viewOf(session: Session, thread: number, nowMs: number, detail: boolean): SessionView {
  const { listen, dialer, up, down, client, server, phase } = session;
  const { clientMs, serverMs } = session.deadlines;
  return {
    id: sessionId(thread, session.number),
    listen: listen.id,
    server: dialer.server >= 0 ? dialer.server : dialer.boundTo,
    phase: phase === "dialling" && dialer.phase !== "done" ? dialer.phase : "established",
    client: remoteOf(client),
    clientLocal: detail ? localOf(client) : null,
    serverLocal: detail ? localOf(server) : null,
    clientFd: client === null ? -1 : fdOf(client),
    serverFd: server === null ? -1 : fdOf(server),
    acceptedWallMs: session.acceptedWallMs,
    ageMs: Math.round(nowMs - session.acceptedMs),
    bytesIn: up.bytes,
    bytesOut: down?.bytes ?? 0,
    heldIn: up.heldBytes,
    heldOut: down?.heldBytes ?? 0,
    retries: dialer.retries,
    clientExpiresMs: until(clientMs, nowMs),
    serverExpiresMs: until(serverMs, nowMs),
  };
}

function remoteOf(socket: StreamSocket<unknown> | null): SocketAddress | null {
  return address(socket?.remoteAddress, socket?.remotePort);
}

function localOf(socket: StreamSocket<unknown> | null): SocketAddress | null {
  return address(socket?.localAddress, socket?.localPort);
}

function address(host: string | undefined, port: number | undefined): SocketAddress | null {
  return host === undefined || port === undefined || port === 0 ? null : { host, port };
}

function until(deadlineMs: number, nowMs: number): number | null {
  return deadlineMs === Infinity ? null : Math.max(0, Math.round(deadlineMs - nowMs));
}
