import type { CheckFacts } from "../../stats/checkFacts.ts";
import type { JournalEvent } from "../../stats/event.ts";
import type { Snapshot } from "../../stats/snapshot.ts";
import type { ProxyView } from "../../stats/view.ts";
import type { AdminCommand } from "../command.ts";
import type { Operator } from "../operator.ts";
import { byWords } from "../protocol.ts";
import { eventsCommand } from "./events.ts";
import { type SupervisorOrders, supervisorCommands } from "./ours.ts";
import { readingCommands } from "./reading.ts";
import { serverCommands } from "./servers.ts";
import { sessionCommands } from "./session.ts";
import { type LiveSessions, sessionListCommands } from "./sessions.ts";
import { type ServedSocket, sundryCommands } from "./sundries.ts";
import { showVrrpCommand, type VrrpOrders, vrrpCommands } from "./vrrp.ts";
import { whyCommand } from "./why.ts";
import { writingCommands } from "./writing.ts";

/** What there is to be seen of a proxy process, and to be changed. */
export interface ProxyParts {
  view(): ProxyView;
  readonly sessions: LiveSessions;
  /** Where the runtime API itself is served. */
  sockets(): readonly ServedSocket[];
  readonly operator: Operator;
}

/** What the commands work on. */
export interface AdminParts {
  snapshot(): Snapshot;
  /** null: no proxy process runs. */
  readonly proxy: ProxyParts | null;
  /** What has happened, oldest first. */
  events(): readonly JournalEvent[];
  /** All that is known of one server's checks; null: it is not checked. */
  check(listen: string, server: string): CheckFacts | null;
  /** Epoch ms. */
  wallMs(): number;
  /** null: there is nobody to give orders to. */
  readonly orders: (SupervisorOrders & { readonly vrrp: VrrpOrders }) | null;
}

/** All commands there are, in the order in which help lists them. */
export function adminCommands({ snapshot, events, check, wallMs, proxy, orders }: AdminParts): AdminCommand[] {
  const commands = [
    ...readingCommands(snapshot),
    eventsCommand(events),
    whyCommand(() => ({ snapshot: snapshot(), events: events(), wallMs: wallMs(), check })),
    showVrrpCommand(() => snapshot().vrrp),
    ...(proxy === null ? [] : proxyCommands(proxy)),
    ...(orders === null ? [] : [...supervisorCommands(orders), ...vrrpCommands(orders.vrrp)]),
  ];
  return [...commands, ...sessionCommands(commands)].toSorted(byWords);
}

function proxyCommands({ view, sessions, sockets, operator }: ProxyParts): AdminCommand[] {
  return [
    ...serverCommands(view),
    ...sessionListCommands(sessions, view),
    ...sundryCommands(view, sockets),
    ...writingCommands(operator),
  ];
}
