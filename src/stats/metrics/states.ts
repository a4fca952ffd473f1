import type { CheckStatus } from "../../core/checkStatus.ts";
import type { ServerSnapshot } from "../snapshot.ts";
import { wholeSeconds } from "./family.ts";

/** The states that HAProxy's metrics put a server in. */
export const SERVER_STATES = ["DOWN", "UP", "MAINT", "DRAIN", "NOLB"] as const;

/** The check results that HAProxy has states for, in its order. */
export const CHECK_STATES = (
  "HANA SOCKERR L4OK L4TOUT L4CON L6OK L6TOUT L6RSP L7TOUT L7RSP L7OK L7OKC L7STS PROCERR PROCTOUT PROCOK" as const
).split(" ") as CheckStatus[];

/** Which of {@link SERVER_STATES} it is. */
export function stateOf({ admin, unresolved, up, weight: { configured }, leavingForMs }: ServerSnapshot): string {
  if (admin === "maint" || unresolved) return "MAINT";
  if (!up) return "DOWN";
  return admin === "drain" || configured === 0 || (leavingForMs ?? null) !== null ? "DRAIN" : "UP";
}

/** Whether it has a check that is carried out. */
export function isChecked({ check, admin, unresolved }: ServerSnapshot): boolean {
  return check !== null && admin !== "maint" && !unresolved;
}

/** Whole seconds since its last session began; -1: there was none. */
export function lastSession({ lastSessionAgoMs }: Pick<ServerSnapshot, "lastSessionAgoMs">): number {
  return lastSessionAgoMs === null ? -1 : wholeSeconds(lastSessionAgoMs);
}
