import type { Snapshot } from "../../stats/snapshot.ts";
import type { ProxyView } from "../../stats/view.ts";
import type { AdminCommand } from "../command.ts";
import { LAST } from "../protocol.ts";
import { type SupervisorOrders, supervisorCommands } from "./ours.ts";
import { readingCommands } from "./reading.ts";
import { serverCommands } from "./servers.ts";
import { sessionCommands } from "./session.ts";
import { type LiveSessions, sessionListCommands } from "./sessions.ts";
import { sundryCommands } from "./sundries.ts";

/** What there is to be seen of a proxy process. */
export interface ProxyParts {
  view(): ProxyView;
  readonly sessions: LiveSessions;
}

/** What the commands work on. */
export interface AdminParts {
  snapshot(): Snapshot;
  /** null: no proxy process runs. */
  readonly proxy: ProxyParts | null;
  /** null: there is nobody to give orders to. */
  readonly orders: SupervisorOrders | null;
}

/** All commands there are, in the order in which help lists them. */
export function adminCommands({ snapshot, proxy, orders }: AdminParts): AdminCommand[] {
  const commands = [
    ...readingCommands(snapshot),
    ...(proxy === null ? [] : proxyCommands(proxy)),
    ...(orders === null ? [] : supervisorCommands(orders)),
  ];
  const place = ({ words }: AdminCommand): string => `${LAST.indexOf(words[0] ?? "") + 1} ${words.join(" ")}`;
  return [...commands, ...sessionCommands(commands)].toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
}

function proxyCommands({ view, sessions }: ProxyParts): AdminCommand[] {
  return [...serverCommands(view), ...sessionListCommands(sessions, view), ...sundryCommands(view)];
}
