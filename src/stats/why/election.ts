import { assertNever } from "../../core/errors.ts";
import { isHeard } from "../problems.ts";
import type { VrrpInstanceSnapshot, VrrpPeerSnapshot, VrrpPriorityPart } from "../vrrpSnapshot.ts";
import { span } from "./times.ts";

/** What would change the state of a virtual router, by the rules that vrrp/machine.ts plays by. */
export function routerRemedies(instance: VrrpInstanceSnapshot): string[] {
  switch (instance.state) {
    case "INIT":
      return ["the first answer of every tracker of weight 0: then it is BACKUP, or in FAULT"];
    case "FAULT":
      return [
        `${instance.faults.length > 1 ? "the end of every one of these faults" : "the end of the fault"}: then it is BACKUP, and listens for ${span(instance.masterDownMs)} first`,
      ];
    case "BACKUP":
      return backup(instance);
    case "MASTER":
      return master(instance);
    default:
      return assertNever(instance.state);
  }
}

function backup(instance: VrrpInstanceSnapshot): string[] {
  const { name, peer, released, waiting, masterDownMs, syncGroup } = instance;
  const takeover = waiting?.takeoverInMs ?? null;
  const back =
    released === null
      ? []
      : [`"vrrp resume ${name}": then it takes part in the election with ${resumedPriority(instance)}`];
  if (released?.hold === true) return back;
  if (waiting !== null && takeover === null && syncGroup !== null)
    return [...back, `the other members of its sync group ${syncGroup}: they are MASTER together or not at all`];
  if (peer === null || !isHeard(instance))
    return [...back, `silence for another ${span(takeover ?? masterDownMs)}: then it is MASTER`];
  const silence = `${peer.address} resigning, or silent for ${span(masterDownMs)}: then it is MASTER`;
  return [...back, ...preemption(instance, peer), silence];
}

/** Whether it will take over from a MASTER that works. */
function preemption(instance: VrrpInstanceSnapshot, peer: VrrpPeerSnapshot): string[] {
  const { priority, waiting, released } = instance;
  const { effective } = priority;
  if (released !== null) return [];
  const preempts = waiting?.preempt !== false;
  if (effective > peer.priority && preempts) {
    const delay = waiting?.preemptInMs ?? null;
    if (delay !== null)
      return [
        `the end of preempt_delay in ${span(delay)}, and ${span(instance.masterDownMs)} more: ${effective} is more than ${peer.priority}`,
      ];
    return [
      `nothing more: it is about to take over${in_(waiting?.takeoverInMs ?? null)}, since ${effective} is more than ${peer.priority}`,
    ];
  }
  if (!preempts) {
    const ranks = effective > peer.priority ? `${effective} is more than ${peer.priority}, but ` : "";
    return [`${ranks}nopreempt keeps it from taking over from a MASTER that works`];
  }
  const needed = `a priority above ${peer.priority}; it has ${effective}`;
  const equal = effective === peer.priority ? " (an equal one never replaces a running MASTER)" : "";
  return [`${needed}${equal}${recoveries(priority.parts, effective, peer.priority)}`];
}

/** What trackers that recover would add, and whether that is enough. */
function recoveries(parts: readonly VrrpPriorityPart[], effective: number, needed: number): string {
  const gains = parts
    .map((part) => ({ tracker: part.tracker, gain: amountIf(part, "ok") - part.amount }))
    .filter(({ gain }) => gain > 0);
  if (gains.length === 0) return "";
  const sum = effective + gains.reduce((total, { gain }) => total + gain, 0);
  const terms = gains.map(({ tracker, gain }) => `+ ${gain} (${tracker} ok again)`).join(" ");
  return `: ${effective} ${terms} would be ${Math.min(254, sum)}, ${sum > needed ? "enough" : "not enough"}`;
}

function master(instance: VrrpInstanceSnapshot): string[] {
  const { name, peer, priority, released } = instance;
  const { effective, parts } = priority;
  const losses = parts.flatMap((part): string[] => {
    if (part.state !== "ok") return [];
    if (part.weight === 0) return part.reverse ? [] : [`${part.tracker} failing: FAULT, at once`];
    const after = Math.max(1, effective + amountIf(part, "failed") - part.amount);
    if (after >= effective) return [];
    return [`${part.tracker} failing: its priority would be ${after}${compared(after, peer)}`];
  });
  return [
    `an advert of a priority above ${effective}, or of ${effective} from a higher address`,
    ...losses,
    ...(released === null
      ? [`"vrrp release ${name}": it hands its addresses over and stays BACKUP`]
      : [`another router: released, it gives way to anybody; "vrrp resume ${name}" ends that`]),
  ];
}

function compared(after: number, peer: VrrpPeerSnapshot | null): string {
  if (peer === null || peer.priority === 0) return "";
  return after < peer.priority
    ? `, less than the ${peer.priority} of ${peer.address}`
    : `, still no less than the ${peer.priority} of ${peer.address}`;
}

/** What a weighted tracker adds when it finds this. Files add what they say, which nobody knows. */
function amountIf({ tracker, weight, reverse, amount, state }: VrrpPriorityPart, found: "ok" | "failed"): number {
  if (tracker.startsWith("file ") || state === "released") return amount;
  const added = found === "ok" ? Math.max(weight, 0) : Math.min(weight, 0);
  return (reverse ? -added : added) + 0;
}

function resumedPriority({ priority }: VrrpInstanceSnapshot): string {
  const own = priority.parts.find(({ state }) => state === "released")?.amount ?? 0;
  return `priority ${priority.base === 255 ? 255 : Math.min(254, Math.max(1, priority.total - own))}`;
}

function in_(ms: number | null): string {
  return ms === null ? "" : ` in ${span(ms)}`;
}
