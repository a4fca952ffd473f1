import type { AdminLevel } from "../../admin/command.ts";
import { markedCommand, readMarked } from "../../admin/severity.ts";
import type { JournalEvent } from "../../stats/event.ts";
import type { Snapshot } from "../../stats/snapshot.ts";
import type { Sample } from "./state.ts";

/** How the balancer is asked. Both throw UserError: why there is no answer, or none that can be used. */
export interface Oracle {
  ask(command: string): Promise<string>;
  parse(answer: string): Snapshot;
}

/** What was answered, and whether that is a refusal. */
export interface Answer {
  readonly text: string;
  readonly refused: boolean;
}

/** What is asked for at each look; more are seen by "show events". */
const MOST_EVENTS = 100;
const LEVELS: readonly string[] = ["user", "operator", "admin"] satisfies readonly AdminLevel[];

/** One look at the balancer. Throws as the oracle does. */
export async function look(oracle: Oracle): Promise<Sample> {
  const snapshot = oracle.parse(await oracle.ask("show status"));
  const level = (await order(oracle, "show cli level")).text.trim();
  return { snapshot, events: await lastEvents(oracle), level: LEVELS.includes(level) ? (level as AdminLevel) : null };
}

/** Gives a command. Throws as the oracle does. */
export async function order({ ask }: Oracle, command: string): Promise<Answer> {
  return readMarked(await ask(markedCommand(command)));
}

/** How it came that this row stands as it does, in lines; null: it does not say. */
export async function explain(oracle: Oracle, name: string): Promise<string | null> {
  const { text, refused } = await order(oracle, `show why ${name}`);
  return refused || text.trim() === "" ? null : text;
}

/** The balancer tells the oldest first. null: it keeps no events, as those of an earlier version. */
async function lastEvents(oracle: Oracle): Promise<JournalEvent[] | null> {
  const { text, refused } = await order(oracle, `show events ${MOST_EVENTS} json`);
  return refused || !text.startsWith("[") ? null : (JSON.parse(text) as JournalEvent[]).reverse();
}
