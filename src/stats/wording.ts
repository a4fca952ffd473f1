import { humanDuration } from "./humanise.ts";
import type { CheckSnapshot, ListenStatus } from "./snapshot.ts";
import type { Tone } from "./terminal.ts";

/** How listens and servers are spoken of: the same words in a terminal and on the page. */

/** What is to be said of a listen or server that was removed while it had sessions. */
export function removal(leavingForMs: number | null): string[] {
  if ((leavingForMs ?? null) === null) return [];
  return [`removed: what is left ends within ${humanDuration(leavingForMs ?? 0)}`];
}

/** Of a server's status word; null: nobody checks it. */
export function serverTone(status: string): Tone {
  if (status.startsWith("DOWN") || status === "MAINT (resolution)") return "red";
  if (status === "no check") return null;
  return status === "UP" ? "green" : "yellow";
}

/** Of a listen's status. */
export function listenTone(status: ListenStatus): Tone {
  if (status === "OPEN") return "green";
  return status === "DOWN" ? "red" : "yellow";
}

/** "L4OK in 1ms", "L4CON Connection refused", "L7STS 421 too busy in 12ms" */
export function lastCheck(check: CheckSnapshot | null): string {
  if (check === null) return "-";
  const { last } = check;
  if (last === null) return "not checked yet";
  const passed = last.status.endsWith("OK");
  // What a passed check says of itself ("(tcp-check)") tells nobody anything; why one failed is what matters.
  const words = [
    last.status,
    last.code !== null && last.code !== 0 ? String(last.code) : "",
    passed ? "" : (last.info ?? last.description),
  ];
  const duration = last.durationMs === null || (!passed && last.info !== null) ? "" : `in ${last.durationMs}ms`;
  return [...words, duration].filter((word) => word !== "").join(" ");
}

/** "s", unless it is one. */
export function plural(count: number): string {
  return count === 1 ? "" : "s";
}
