import { acceptDate } from "../../log/localTime.ts";
import type { SessionView } from "../../pool/sessionView.ts";
import { parsePointer, sessionDetail, sessionLine } from "../../stats/sessions.ts";
import type { ProxyView } from "../../stats/view.ts";
import { type AdminCommand, type Reply, refused } from "../command.ts";

/** Logged for a session that an operator has ended, as by HAProxy. */
const KILLED = "K-";

/** The sessions that live, wherever they are. */
export interface LiveSessions {
  /** All, a page at a time, each asked for when it is wanted; `detail`: with our own addresses. */
  pages(detail: boolean): AsyncGenerator<SessionView[]>;
  /** null: there is no such session. */
  find(id: number): Promise<SessionView | null>;
  /** Ends one, with this termination state; false: there was no such session. */
  end(id: number, termination: string): Promise<boolean>;
}

/**
 * `show sess`: sessions are listed a page at a time, however many there are and however slowly the client reads; and
 * `shutdown session` for one of them.
 */
export function sessionListCommands(sessions: LiveSessions, view: () => ProxyView): AdminCommand[] {
  return [
    {
      words: ["show", "sess"],
      usage: "show sess [id]",
      summary: "report the list of current sessions or dump this exact session",
      level: "operator",
      run([which = ""]) {
        const id = parsePointer(which);
        if (which === "all") return { pieces: listed(sessions.pages(true), view, detailOf) };
        return id > 0 ? showOne(sessions, id, view) : { pieces: listed(sessions.pages(false), view, sessionLine) };
      },
    },
    {
      words: ["shutdown", "session"],
      usage: "shutdown session [id]",
      summary: "kill a specific session",
      level: "admin",
      async run([which]) {
        if (which === undefined) return refused("Session pointer expected (use 'show sess').");
        const isGone = await sessions.end(parsePointer(which), KILLED);
        return isGone ? "" : refused("No such session (use 'show sess').");
      },
    },
  ];
}

async function* listed(
  pages: AsyncGenerator<SessionView[]>,
  view: () => ProxyView,
  text: (session: SessionView, view: ProxyView) => string,
): AsyncGenerator<string> {
  for await (const page of pages) {
    const now = view();
    yield page.map((session) => text(session, now)).join("");
  }
}

async function showOne(sessions: LiveSessions, id: number, view: () => ProxyView): Promise<Reply> {
  const session = await sessions.find(id);
  return session === null ? refused("Session not found.") : detailOf(session, view());
}

function detailOf(session: SessionView, view: ProxyView): string {
  return sessionDetail(session, view, acceptDate(session.acceptedWallMs));
}
