import type { JournalEvent } from "../../stats/event.ts";
import type { Snapshot } from "../../stats/snapshot.ts";
import type { Level, Sample } from "./state.ts";

/** How the balancer is asked. Both throw UserError: why there is no answer, or none that can be used. */
export interface Oracle {
  ask(command: string): Promise<string>;
  parse(answer: string): Snapshot;
}

const LEVELS: readonly string[] = ["user", "operator", "admin"];

/** One look at the balancer. Throws as the oracle does. */
export async function look(oracle: Oracle): Promise<Sample> {
  const snapshot = oracle.parse(await oracle.ask("show status"));
  const level = (await oracle.ask("show cli level")).trim();
  return { snapshot, events: await lastEvents(oracle), level: LEVELS.includes(level) ? (level as Level) : null };
}

/** How it came that this row stands as it does, in lines; null: it does not say. */
export async function explain({ ask }: Oracle, name: string): Promise<string | null> {
  const answer = await ask(`show why ${name}`);
  return answer.startsWith("Unknown command") || answer.trim() === "" ? null : answer;
}

async function lastEvents({ ask }: Oracle): Promise<JournalEvent[] | null> {
  const answer = await ask("show events");
  return answer.startsWith("Unknown command") ? null : null;
}
