import { assertNever } from "../core/errors.ts";
import type { Cause, LogEvent } from "../log/events.ts";
import type { PoolEvent, PoolEventKind } from "../pool/event.ts";
import type { CheckFacts } from "../stats/checkFacts.ts";
import type { EventDraft, EventSubject } from "../stats/event.ts";
import { evidenceSentence } from "../stats/evidence.ts";

/** Changes of a server that may leave its listen without one. */
export const LOSSES: readonly string[] = ["down", "maint", "drain", "stopping", "removed"];

const AN_OPERATOR = "an operator";

/** What happened to a server, for the journal; `logged` is the line that the log was given. `facts`: of its checks, if it is checked. */
export function poolEventDraft(
  listen: string,
  event: PoolEvent,
  logged: LogEvent,
  cause: Cause,
  facts: CheckFacts | null,
  wallMs: number,
): EventDraft {
  const server: EventSubject = { kind: "server", listen, server: event.server.config.name };
  const isListens = event.kind === "noServer";
  return {
    ...logged,
    wallMs,
    subject: isListens ? { kind: "listen", listen } : server,
    change: changeOf(event.kind, event),
    cause: causeOf(event.kind, cause, facts),
    because: isListens ? [{ subject: server, changes: LOSSES }] : [],
  };
}

function changeOf(kind: PoolEventKind, { server }: PoolEvent): string {
  switch (kind) {
    case "down":
    case "up":
    case "stopping":
    case "noServer":
    case "resolved":
      return kind;
    case "rampEnded":
      return "warm";
    case "entersMaintenance":
      return "maint";
    case "entersDrain":
    case "remainsInDrain":
      return "drain";
    case "leavesMaintenance":
    case "leavesDrain":
      return server.admin === "drain" ? "drain" : "ready";
    default:
      return assertNever(kind);
  }
}

function causeOf(kind: PoolEventKind, cause: Cause, facts: CheckFacts | null): string | null {
  switch (kind) {
    case "down":
      return cause === "cli" ? AN_OPERATOR : causeOfFall(facts);
    case "up":
    case "stopping":
      return cause === "cli" ? AN_OPERATOR : null;
    case "entersMaintenance":
    case "leavesMaintenance":
    case "entersDrain":
    case "remainsInDrain":
    case "leavesDrain":
      return cause === "cli" ? AN_OPERATOR : "the configuration file";
    case "noServer":
    case "rampEnded":
    case "resolved":
      return null;
    default:
      return assertNever(kind);
  }
}

/** What the last check did and saw. */
function causeOfFall(facts: CheckFacts | null): string | null {
  const last = facts?.last ?? null;
  if (facts === null || last === null || last.passed || last.evidence === null) return null;
  const row = facts.row !== null && facts.row.count > 1 ? `${facts.row.count} in a row, the last ` : "";
  return `check failed ${row}${evidenceSentence(last.evidence)}`;
}
