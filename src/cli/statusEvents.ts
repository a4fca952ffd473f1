import { UserError } from "../core/errors.ts";
import type { JournalEvent } from "../stats/event.ts";
import { eventText, renderEvents } from "../stats/eventText.ts";
import { ExitCode } from "./exit.ts";
import { isTerminal, print, wantsColour } from "./print.ts";

/**
 * `status --events`: what has happened, newest last; the exit status is that of the same moment. On a terminal sentences are
 * broken to `width`; anywhere else an event is one line, as in `show events`.
 *
 * @param judge gives the exit status that the answer to "show status" means
 */
export async function printEvents(
  ask: (command: string) => Promise<string>,
  judge: (answer: string) => number,
  { json, width }: { readonly json: boolean; readonly width: number },
): Promise<number> {
  const answers = await ask("show events json;show status");
  const end = answers.indexOf("\n\n");
  const events = parseEvents(answers.slice(0, Math.max(0, end)));
  if (json) print("stdout", `${JSON.stringify(events, null, 2)}\n`);
  else if (isTerminal("stdout")) print("stdout", renderEvents(events, { colour: wantsColour("stdout"), width }));
  else print("stdout", events.map((event) => `${eventText(event)}\n`).join(""));
  return judge(answers.slice(end + 2));
}

function parseEvents(text: string): JournalEvent[] {
  try {
    const events = JSON.parse(text) as unknown;
    if (Array.isArray(events)) return events as JournalEvent[];
  } catch {
    // said below
  }
  throw new UserError("the running one keeps no journal: it is of another version", ExitCode.failed);
}
