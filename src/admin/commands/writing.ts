import type { AdminCommand } from "../command.ts";
import type { Operator } from "../operator.ts";
import { serverListCommands } from "./addServer.ts";
import { counterCommands } from "./counters.ts";
import { frontendCommands } from "./frontend.ts";
import { limitCommands } from "./limits.ts";
import { serverCommands } from "./server.ts";
import { weightCommands } from "./weight.ts";

/** The commands that change something, all of HAProxy's. */
export function writingCommands(operator: Operator): AdminCommand[] {
  return [
    ...serverCommands(operator),
    ...serverListCommands(operator),
    ...weightCommands(operator),
    ...frontendCommands(operator),
    ...limitCommands(operator),
    ...counterCommands(operator),
  ];
}
