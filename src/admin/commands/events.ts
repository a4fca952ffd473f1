import type { JournalEvent } from "../../stats/event.ts";
import { eventText } from "../../stats/eventText.ts";
import { type AdminCommand, type Reply, refused } from "../command.ts";

/** HAProxy's name for its ring of events: whoever asks for that gets ours. */
const RING = "buf0";

/**
 * `show events`: what has happened, oldest first. HAProxy lists its sinks here and shows the events of one by its name; ours
 * are one list, shown at once and by that name as well.
 */
export function eventsCommand(events: () => readonly JournalEvent[]): AdminCommand {
  return {
    words: ["show", "events"],
    usage: "show events [<n>] [after <id>] [json]",
    summary: "report the last events: all there are, the last <n>, those after one",
    level: "user",
    run: (args) => showEvents(args, events()),
  };
}

function showEvents(args: readonly string[], events: readonly JournalEvent[]): Reply | null {
  let chosen = events;
  let json = false;
  const words = args[0] === RING ? args.slice(1) : args;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (word === "json") json = true;
    else if (word === "after" && /^\d{1,15}$/.test(words[i + 1] ?? "")) {
      const after = Number(words[++i]);
      chosen = chosen.filter(({ id }) => id > after);
    } else if (/^\d{1,9}$/.test(word)) chosen = word === "0" ? [] : chosen.slice(-Number(word));
    else if (word === "-w" || word === "-n") return refused('Waiting is not supported: ask again with "after <id>".');
    else return null;
  }
  if (json) return `${JSON.stringify(chosen)}\n`;
  return chosen.map((event) => `${eventText(event)}\n`).join("");
}
