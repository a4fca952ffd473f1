import { assertNever } from "../core/errors.ts";
import { printable } from "../log/text.ts";
import type { StateChange } from "./event.ts";

/** A mail without its addresses. */
export interface Mail {
  /** Local part of its Message-ID, the same at each attempt, so that a mail that was delivered twice is seen to be one. */
  readonly id: string;
  readonly subject: string;
  readonly body: string;
  /** When what it tells of happened, epoch ms: its Date, however late it is delivered. */
  readonly wallMs: number;
}

/** The mail that tells of one change: subject and first line as keepalived 2.2.7 writes them, then why. */
export function mailOf(change: StateChange, routerId: string): Mail {
  const what = change.kind === "GROUP" ? "Group" : "Instance";
  const headline = change.kind === "GROUP" ? groupHeadline(change) : instanceHeadline(change);
  const priority = change.kind === "GROUP" ? [] : [`Priority: ${change.priority}`];
  const lines = [`=> ${headline} <=`, "", `Cause: ${printable(change.cause)}`, ...priority, ""];
  return {
    id: [routerId, change.instance, change.state, change.wallMs].map((part) => idPart(String(part))).join("."),
    subject: `[${routerId}] VRRP ${what} ${change.instance} - ${occasion(change)}`,
    body: lines.join("\n"),
    wallMs: change.wallMs,
  };
}

function idPart(text: string): string {
  return text.replace(/[^A-Za-z0-9]+/g, "-");
}

function occasion({ state }: StateChange): string {
  switch (state) {
    case "MASTER":
    case "BACKUP":
    case "FAULT":
      return `Entering ${state} state`;
    case "STOP":
      return "Stopping";
    case "DELETED":
      return "Deleted";
    default:
      return assertNever(state);
  }
}

function instanceHeadline({ state }: StateChange): string {
  switch (state) {
    case "MASTER":
      return "VRRP Instance is now owning VRRP VIPs";
    case "BACKUP":
    case "FAULT":
      return "VRRP Instance is no longer owning VRRP VIPs";
    case "STOP":
      return "VRRP Instance stopping";
    case "DELETED":
      return "VRRP Deleted at reload";
    default:
      return assertNever(state);
  }
}

function groupHeadline({ state }: StateChange): string {
  switch (state) {
    case "MASTER":
    case "BACKUP":
    case "FAULT":
      return `All VRRP group instances are now in ${state} state`;
    case "STOP":
      return "All VRRP group instances are now stopping";
    case "DELETED":
      return "VRRP Deleted at reload";
    default:
      return assertNever(state);
  }
}
