import { humanDuration } from "./humanise.ts";
import type { CheckSnapshot, LastCheck, ListenStatus } from "./snapshot.ts";
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
  const last = check?.last ?? null;
  const isShort = last !== null && (passed(last) || last.info === null);
  const duration = isShort && last.durationMs !== null ? ` in ${last.durationMs}ms` : "";
  return `${result(check)}${duration}`;
}

/** What the last check found: "L4OK", "L4CON Connection refused", "L7STS 421 too busy", "not checked yet"; "-": nobody checks. */
export function result(check: CheckSnapshot | null): string {
  if (check === null) return "-";
  const { last } = check;
  if (last === null) return "not checked yet";
  const code = last.code !== null && last.code !== 0 ? ` ${last.code}` : "";
  // What a passed check says of itself ("(tcp-check)") tells nobody anything; why one failed is what matters.
  const why = passed(last) ? "" : ` ${last.info ?? last.description}`;
  return `${last.status}${code}${why}`.trimEnd();
}

function passed({ status }: LastCheck): boolean {
  return status.endsWith("OK");
}

/** "s", unless it is one. */
export function plural(count: number): string {
  return count === 1 ? "" : "s";
}
