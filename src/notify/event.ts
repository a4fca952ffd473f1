/** What happens to virtual routers that people and programs are told of. */

/** The state that is told; STOP: the program ends, DELETED: a reload took the instance away. */
export type NotifiedState = "MASTER" | "BACKUP" | "FAULT" | "STOP" | "DELETED";

/** One virtual router, or one sync group, is in another state now. */
export interface StateChange {
  kind: "INSTANCE" | "GROUP";
  /** Name of the instance or of the group. */
  instance: string;
  state: NotifiedState;
  /** Effective priority, 1..255; 0 for a group. */
  priority: number;
  /** Why, in words: the sentence of the log line. */
  cause: string;
  /** When, epoch ms. */
  wallMs: number;
}

/** An instance that is MASTER has heard another MASTER of lower priority. */
export interface Rival {
  instance: string;
  /** Our own effective priority. */
  priority: number;
}

/** After these nothing follows, unless the instance comes to life again: they are never left out. */
export function isFinal(state: NotifiedState): boolean {
  return state === "STOP" || state === "DELETED";
}
