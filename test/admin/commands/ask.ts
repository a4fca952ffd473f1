import type { AdminCommand } from "../../../src/admin/command.ts";
import { answer, type Said } from "../../../src/admin/protocol.ts";
import { AdminSession } from "../../../src/admin/session.ts";

/** All that a client hears from one command. */
export async function ask(
  line: string,
  commands: readonly AdminCommand[],
  session: AdminSession = new AdminSession(),
): Promise<string> {
  return gather(await answer(line.split(" "), commands, session));
}

/** An answer as one text. */
export async function gather(said: Said): Promise<string> {
  if (typeof said === "string") return said;
  const pieces: Uint8Array[] = [];
  for await (const piece of said) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString();
}
