import type { Difference } from "../config/diff.ts";
import { assertNever } from "../core/errors.ts";
import { Level } from "../core/syslogCodes.ts";
import type { EventSubject } from "../stats/event.ts";
import type { Happening } from "./chronicle.ts";
import type { ReloadOutcome } from "./reloader.ts";
import type { ReloadPlan } from "./reloadPlan.ts";

/** A reload of everything must not fill the journal. */
const MOST_PARTS = 50;

/** An event as a chronicle takes it. */
export interface Told {
  readonly level: Level;
  readonly text: string;
  readonly happening: Happening;
}

/**
 * A reload for the journal: one event of the reload, which has the plan for its cause, and one for each listen and server
 * that it changes, which it led to.
 *
 * @param plan null: the file was not read
 */
export function reloadEvents(by: string, plan: ReloadPlan | null, { ok, lines }: ReloadOutcome): Told[] {
  const level = ok ? Level.notice : Level.err;
  const change = ok ? "reload" : "reloadRefused";
  const cause = lines.length > 1 ? lines.slice(0, -1).join("; ") : null;
  const reload: Told = { level, text: `${by}: ${lines.at(-1) ?? ""}`, happening: { change, cause } };
  if (!ok || plan?.kind !== "apply") return [reload];
  // The plan's lines come first, in this order; see planLines.
  const parts = plan.applied.filter(({ kind }) => kind !== "vrrp");
  const told = parts.flatMap((difference, index): Told[] => {
    const part = partOf(difference);
    if (part === null) return [];
    const because = [{ subject: { kind: "process" }, changes: ["reload"] }] as const;
    return [{ level, text: `${by}: ${lines[index] ?? ""}`, happening: { ...part, because } }];
  });
  return [reload, ...told.slice(0, MOST_PARTS)];
}

function partOf(difference: Difference): { subject: EventSubject; change: string } | null {
  switch (difference.kind) {
    case "section":
    case "vrrp":
      return null;
    case "listenAdded":
    case "listenRemoved":
    case "listenChanged":
      return {
        subject: { kind: "listen", listen: difference.listen.name },
        change: difference.kind.slice("listen".length).toLowerCase(),
      };
    case "serverAdded":
    case "serverRemoved":
    case "serverChanged":
      return {
        subject: { kind: "server", listen: difference.listen, server: difference.server.name },
        change: difference.kind.slice("server".length).toLowerCase(),
      };
    default:
      return assertNever(difference);
  }
}
