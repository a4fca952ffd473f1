import type { Snapshot } from "../../stats/snapshot.ts";
import type { ProxyView } from "../../stats/view.ts";
import type { AdminCommand } from "../command.ts";
import type { Operator } from "../operator.ts";
import { byWords } from "../protocol.ts";
import { type SupervisorOrders, supervisorCommands } from "./ours.ts";
import { readingCommands } from "./reading.ts";
import { serverCommands } from "./servers.ts";
import { sessionCommands } from "./session.ts";
import { type LiveSessions, sessionListCommands } from "./sessions.ts";
import { type ServedSocket, sundryCommands } from "./sundries.ts";

/** What there is to be seen of a proxy process. */
export interface ProxyParts {
  view(): ProxyView;
  readonly sessions: LiveSessions;
  /** Where the runtime API itself is served. */
  sockets(): readonly ServedSocket[];
}

import { writingCommands } from "./writing.ts";

/** What the commands work on. */
export interface AdminParts {
  snapshot(): Snapshot;
  /** null: no proxy process runs. */
  readonly proxy: ProxyParts | null;
  /** null: there is nothing that could be changed. */
  readonly operator: Operator | null;
  /** null: there is nobody to give orders to. */
  readonly orders: SupervisorOrders | null;
}

/** All commands there are, in the order in which help lists them. */
export function adminCommands({ snapshot, proxy, operator, orders }: AdminParts): AdminCommand[] {
  const commands = [
    ...readingCommands(snapshot),
    ...(proxy === null ? [] : proxyCommands(proxy)),
    ...(operator === null ? [] : writingCommands(operator)),
    ...(orders === null ? [] : supervisorCommands(orders)),
  ];
  return [...commands, ...sessionCommands(commands)].toSorted(byWords);
}

function proxyCommands({ view, sessions, sockets }: ProxyParts): AdminCommand[] {
  return [...serverCommands(view), ...sessionListCommands(sessions, view), ...sundryCommands(view, sockets)];
}
