import type { AdminCommand } from "../../../src/admin/command.ts";
import { answerWhole } from "../../../src/admin/protocol.ts";

/** All that a client hears from one command. */
export function ask(line: string, commands: readonly AdminCommand[]): Promise<string> {
  return answerWhole(line.split(" "), commands);
}
