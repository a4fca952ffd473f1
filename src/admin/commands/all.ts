import type { Snapshot } from "../../stats/snapshot.ts";
import type { AdminCommand } from "../command.ts";
import type { Operator } from "../operator.ts";
import { LAST } from "../protocol.ts";
import { type SupervisorOrders, supervisorCommands } from "./ours.ts";
import { readingCommands } from "./reading.ts";
import { sessionCommands } from "./session.ts";
import { writingCommands } from "./writing.ts";

/** What the commands work on. */
export interface AdminParts {
  snapshot(): Snapshot;
  /** null: there is nothing that could be changed. */
  readonly operator: Operator | null;
  /** null: there is nobody to give orders to. */
  readonly orders: SupervisorOrders | null;
}

/** All commands there are, in the order in which help lists them. */
export function adminCommands({ snapshot, operator, orders }: AdminParts): AdminCommand[] {
  const commands = [
    ...readingCommands(snapshot),
    ...(operator === null ? [] : writingCommands(operator)),
    ...(orders === null ? [] : supervisorCommands(orders)),
  ];
  const place = ({ words }: AdminCommand): string => `${LAST.indexOf(words[0] ?? "") + 1} ${words.join(" ")}`;
  return [...commands, ...sessionCommands(commands)].toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
}
