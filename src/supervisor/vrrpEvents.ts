import type { VrrpInstanceConfig } from "../config/schema.ts";
import { assertNever } from "../core/errors.ts";
import { Level } from "../core/syslogCodes.ts";
import { LOSSES } from "../proxy/stateEvents.ts";
import type { EventReference } from "../stats/event.ts";
import type { Remark, TransitionReport } from "../vrrp/routerPorts.ts";

const GAINS: readonly string[] = ["up", "ready", "warm", "added", "resolved"];
const OF_PROCESS = { kind: "process" } as const;

/** What the events of virtual routers go by that have come before. */
export class VrrpEvents {
  /** Instances whose priority has last fallen, and those whose trackers meant FAULT, with these. */
  private readonly lowered = new Set<string>();
  private readonly failed = new Map<string, readonly string[]>();

  /** What led to a line of the log. */
  ofRemark(instance: string, level: Level, { change, tracker }: Remark): EventReference[] {
    const isFall = level <= Level.warning;
    if (change !== "priority") return [];
    if (isFall) this.lowered.add(instance);
    else this.lowered.delete(instance);
    return tracker === null ? [] : trackerReferences(tracker, isFall);
  }

  /** What led to a change of state. `others`: members of its sync group. */
  ofTransition(
    { name }: VrrpInstanceConfig,
    others: readonly string[],
    { to, why }: Pick<TransitionReport, "to" | "why">,
  ): EventReference[] {
    const before = this.failed.get(name) ?? [];
    if (to === "FAULT") this.failed.set(name, why.trackers);
    else this.failed.delete(name);
    const hadFallen = this.lowered.delete(name);
    switch (why.kind) {
      case "faults":
        if (why.trackers.length === 0) return others.map((other) => ofInstance(other, ["FAULT"]));
        return why.trackers.flatMap((tracker) => trackerReferences(tracker, true));
      case "recovered":
        return before.flatMap((tracker) => trackerReferences(tracker, false));
      case "outranked":
        return hadFallen ? [ofInstance(name, ["priority"])] : [];
      case "released":
        return [ofInstance(name, ["released"])];
      case "group":
        return why.member === null ? [] : [ofInstance(why.member, ["BACKUP", "FAULT", "INIT"])];
      case "stopped":
        return [{ subject: OF_PROCESS, changes: ["stop"] }];
      case "started":
      case "owner":
      case "silence":
      case "resigned":
      case "preempted":
      case "stalled":
        return [];
      default:
        return assertNever(why.kind);
    }
  }
}

function ofInstance(instance: string, changes: readonly string[]): EventReference {
  return { subject: { kind: "instance", instance }, changes };
}

/** What may have made this tracker fail, or recover; nothing that the journal knows of, for most. */
function trackerReferences(tracker: string, isFall: boolean): EventReference[] {
  if (tracker === "proxy") return isFall ? [{ subject: OF_PROCESS, changes: ["crash", "crashLoop", "hang"] }] : [];
  const listen = /^listen (.*)$/.exec(tracker)?.[1];
  if (listen === undefined) return [];
  const changes = isFall ? ["noServer", ...LOSSES] : GAINS;
  return [{ subject: { kind: "listen", listen }, changes, withServers: true }];
}
