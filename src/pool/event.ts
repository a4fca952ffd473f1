import type { AdminState, PoolServer } from "./server.ts";

/**
 * What happened to a server: checks, traffic or an operator's word on its health (`down`, `up`, `stopping`), an operator's
 * orders (those of `maint`, `drain` and their ends), what follows from either.
 */
export type PoolEventKind =
  | "down"
  | "up"
  | "stopping"
  | "rampEnded"
  | "noServer"
  | "resolved"
  | "entersMaintenance"
  | "leavesMaintenance"
  | "entersDrain"
  | "remainsInDrain"
  | "leavesDrain";

/** What happened to a server, with the listen's figures right after it. */
export interface PoolEvent {
  kind: PoolEventKind;
  server: PoolServer;
  /** Its administrative state before. */
  before: AdminState;
  activeServers: number;
  backupServers: number;
  /** Sessions the server has, connections that waited for it, and connections that wait in the listen. */
  sessions: number;
  requeued: number;
  queued: number;
}

/** What an operator's order comes to, in HAProxy's order. */
export function eventsOf(before: AdminState, after: AdminState): PoolEventKind[] {
  if (after === "maint") return ["entersMaintenance"];
  if (before === "maint") return after === "drain" ? ["leavesMaintenance", "remainsInDrain"] : ["leavesMaintenance"];
  return [after === "drain" ? "entersDrain" : "leavesDrain"];
}
