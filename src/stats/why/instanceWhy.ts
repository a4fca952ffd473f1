import { assertNever } from "../../core/errors.ts";
import { chainOf } from "../journal.ts";
import { isHeard, routerProblems } from "../problems.ts";
import type { VrrpInstanceSnapshot, VrrpPriorityPart } from "../vrrpSnapshot.ts";
import { ago } from "../vrrpWording.ts";
import { routerRemedies } from "./election.ts";
import { listenAnswer } from "./listenWhy.ts";
import { moment, whenAgo } from "./times.ts";
import { type Reason, reason, type WhyWorld } from "./why.ts";

/** Why a virtual router owns its addresses, or does not. */
export interface InstanceAnswer {
  readonly healthy: boolean;
  readonly reasons: readonly Reason[];
  readonly remedies: readonly string[];
}

export function instanceAnswer(instance: VrrpInstanceSnapshot, world: WhyWorld): InstanceAnswer {
  const problems = routerProblems(instance);
  return {
    healthy: problems.length === 0 && instance.state !== "INIT",
    reasons: [
      transition(instance, world),
      ...released(instance, world),
      ...faults(instance, world),
      prioritySum(instance, world),
      peer(instance),
      ...(instance.state === "FAULT" ? [] : problems.map((problem) => reason(problem))),
    ],
    remedies: routerRemedies(instance),
  };
}

/** The last change of state, and the events that led to it. */
function transition({ name, lastTransition, state, inStateMs }: VrrpInstanceSnapshot, world: WhyWorld): Reason {
  if (lastTransition === null) return reason(`it has been ${state} since ${whenAgo(inStateMs, world.wallMs)}`);
  const { from, to, cause, wallMs } = lastTransition;
  const text = `${moment(wallMs, world.wallMs)}: ${from} -> ${to}: ${cause}`;
  const event = world.events.findLast(
    ({ subject, change }) => subject.kind === "instance" && subject.instance === name && change === to,
  );
  const [, ...led] = event === undefined ? [] : chainOf(event, world.events);
  return { text, because: nested(led.map((each) => `${moment(each.wallMs, world.wallMs)}: ${each.text}`)) };
}

/** A chain: each link is behind the one before it. */
function nested([first, ...rest]: readonly string[]): Reason[] {
  return first === undefined ? [] : [{ text: first, because: nested(rest) }];
}

function released({ released }: VrrpInstanceSnapshot, { wallMs }: WhyWorld): Reason[] {
  if (released === null) return [];
  const until = released.hold
    ? "it takes its addresses for nobody's lack"
    : "it takes its addresses only while nobody else is there";
  return [
    reason(`an operator has released it (${whenAgo(Math.max(0, wallMs - released.sinceWallMs), wallMs)}): ${until}`),
  ];
}

/** What forbids it to own its addresses; of a listen that it tracks, why that fails. */
function faults({ state, faults, priority }: VrrpInstanceSnapshot, world: WhyWorld): Reason[] {
  if (state !== "FAULT" && state !== "INIT") return [];
  return faults.map((fault) => {
    const part = priority.parts.find(({ tracker }) => fault.startsWith(`${tracker} `));
    return { text: fault, because: part === undefined ? [] : behind(part, world) };
  });
}

/** The sum, a term a line; behind a tracked listen that fails, why it does. */
function prioritySum({ priority, state }: VrrpInstanceSnapshot, world: WhyWorld): Reason {
  const { base, total, effective, parts } = priority;
  const limit = effective === total ? "" : `, which ${effective > total ? "is raised" : "is lowered"} to ${effective}`;
  const inOrder = [...parts.filter(({ weight }) => weight !== 0), ...parts.filter(({ weight }) => weight === 0)];
  const terms = inOrder.map((part): Reason => {
    const { tracker, state: found, weight, amount, reverse, detail } = part;
    const words = `${tracker} ${found === "unknown" ? "has not answered yet" : found}${detail === "" ? "" : `: ${detail}`}`;
    const value = weight === 0 ? "" : `${amount < 0 ? "-" : "+"} ${Math.abs(amount)}  `;
    const rule = weight === 0 ? " (weight 0: no part of the sum, FAULT when it fails)" : "";
    const isTold = weight === 0 && (state === "FAULT" || state === "INIT");
    return {
      text: `${value}${words}${reverse ? ", reversed" : ""}${rule}`,
      because: isTold ? [] : behind(part, world),
    };
  });
  return reason(`priority ${total}${limit}`, `${base}  base, as configured`, ...terms);
}

function behind({ tracker, state }: VrrpPriorityPart, world: WhyWorld): readonly Reason[] {
  const name = /^listen (.*)$/.exec(tracker)?.[1];
  const listen = state === "failed" ? world.snapshot.listens.find((each) => each.name === name) : undefined;
  return listen === undefined ? [] : listenAnswer(listen, world).reasons;
}

function peer(instance: VrrpInstanceSnapshot): Reason {
  const { peer, state } = instance;
  if (peer === null) {
    const isQuiet = state === "MASTER" ? ": a BACKUP says nothing as long as it hears a better MASTER" : "";
    return reason(`no other router has been heard yet${isQuiet}`);
  }
  const { address, priority, agoMs } = peer;
  switch (state) {
    case "MASTER":
      return reason(`the other router heard last is ${address}: priority ${priority}, ${ago(agoMs)}`);
    case "BACKUP":
    case "FAULT":
    case "INIT": {
      if (priority === 0) return reason(`${address} has resigned, ${ago(agoMs)}`);
      const verb = isHeard(instance) ? "is MASTER" : "was MASTER and is silent";
      return reason(`${address} ${verb}: priority ${priority}, last advert ${ago(agoMs)}`);
    }
    default:
      return assertNever(state);
  }
}
