import { OWNER_PRIORITY } from "../priority.ts";
import { skewMs } from "../timers.ts";
import { type Finding, type Match, type PairRule, sidesOf } from "./finding.ts";
import { effective, reachableSums, type Weighted, weightedTrackers, wellPriority } from "./weights.ts";

/** From here on a planned hand-over is felt by every client. */
const SLOW_MS = 500;

/** Who leads, and whether what is to change that can. */
export const PRIORITY_RULES: readonly PairRule[] = [ranks, owners, weights, preemption, handover];

function ranks(match: Match): Finding[] {
  const { a, b, names, find, pair } = match;
  const [ours, theirs] = [wellPriority(pair[0], a), wellPriority(pair[1], b)];
  if (ours === OWNER_PRIORITY && theirs === OWNER_PRIORITY) return [];
  if (ours === theirs) {
    const sums = [a, b].map(({ priority }) =>
      priority === ours ? `${ours}` : `${ours} (${priority} and its weights)`,
    );
    const text = `both have priority ${sums[0] === sums[1] ? sums[0] : sums.join(" and ")}: whoever starts first keeps the addresses, they do not move back, and after a simultaneous start the higher IP address decides`;
    return [find("equal_priority", text, `give the one that should lead the higher priority, as 101 and 100`)];
  }
  if (a.state === "MASTER" && b.state === "MASTER") {
    const text = `state is MASTER on ${names[0]} and on ${names[1]}: elections decide, and nopreempt and preempt_delay have no effect`;
    return [find("state", text, 'write state = "BACKUP" on the one with the lower priority')];
  }
  const [leader, follower] = ours > theirs ? [0, 1] : ([1, 0] as const);
  const states = [a.state, b.state];
  if (states[follower] === "MASTER" && states[leader] === "BACKUP") {
    const text = `${names[follower]} is called MASTER, but ${names[leader]} leads: ${Math.max(ours, theirs)} against ${Math.min(ours, theirs)} while all is well`;
    return [find("state", text, "change the priorities, or the states")];
  }
  return [];
}

function owners({ a, b, find }: Match): Finding[] {
  if (a.priority !== OWNER_PRIORITY || b.priority !== OWNER_PRIORITY) return [];
  const text = "both have priority 255: only one host can be the owner of an address";
  return [find("owner", text, "give one of them 254 or less")];
}

/** A weight matters when there is a state of all other trackers in which it decides who owns the addresses. */
function weights(match: Match): Finding[] {
  const leads = wellPriority(match.pair[0], match.a) >= wellPriority(match.pair[1], match.b);
  return sidesOf(match).flatMap(({ side, instance, peer, other }, index): Finding[] => {
    // Of an owner, its own file says so.
    const mine = instance.priority === OWNER_PRIORITY ? [] : weightedTrackers(side, instance);
    const theirs = [...reachableSums(weightedTrackers(other, peer))].map((sum) => effective(peer.priority, sum));
    const keepsOnTie = (index === 0) === leads;
    return mine.flatMap((tracker): Finding[] => {
      const others = [...reachableSums(mine.filter((each) => each !== tracker))];
      const wins = (amount: number, sum: number, peerPriority: number): boolean => {
        const own = effective(instance.priority, sum + amount);
        return own > peerPriority || (own === peerPriority && keepsOnTie);
      };
      const matters = others.some((sum) =>
        theirs.some((their) => wins(tracker.wellAmount, sum, their) !== wins(tracker.failedAmount, sum, their)),
      );
      return matters ? [] : [match.find("weight", weightText(match, index, tracker), weightHint(tracker))];
    });
  });
}

function weightText(match: Match, index: number, tracker: Weighted): string {
  const both = sidesOf(match).map(({ side, instance }) => ({ name: side.name, well: wellPriority(side, instance) }));
  const [mine, theirs] = index === 0 ? both : both.toReversed();
  const failed = (mine?.well ?? 0) - tracker.wellAmount + tracker.failedAmount;
  return `weight ${tracker.weight} of ${tracker.tracker} on ${mine?.name} can never move the addresses: it makes ${mine?.well} to ${failed}, and ${theirs?.name} has ${theirs?.well}`;
}

function weightHint({ tracker }: Weighted): string {
  return `give ${tracker} a weight beyond the difference of the priorities, or weight 0: its failure means FAULT`;
}

function preemption(match: Match): Finding[] {
  return sidesOf(match).flatMap(({ side, instance, peer, other }): Finding[] => {
    if (!instance.nopreempt) return [];
    if (instance.state === "MASTER") {
      const text = `nopreempt has no effect on ${side.name}, whose state is MASTER: it takes the addresses back`;
      return [match.find("nopreempt", text, 'write state = "BACKUP" on both')];
    }
    const [tracker] = weightedTrackers(other, peer);
    if (tracker === undefined) return [];
    const text = `${side.name} has nopreempt: it does not take over from ${other.name} while that one runs, so its weight ${tracker.weight} of ${tracker.tracker} moves nothing`;
    return [match.find("nopreempt_weight", text, `give ${tracker.tracker} weight 0, or remove nopreempt`)];
  });
}

/** Whoever takes over waits for its skew first; ours does not where there is only one peer. */
function handover(match: Match): Finding[] {
  return sidesOf(match).flatMap(({ side, instance, peer, other }): Finding[] => {
    const [mine, theirs] = [wellPriority(side, instance), wellPriority(other, peer)];
    if (side.daemon !== "keepalived" || mine > theirs) return [];
    const waitMs = skewMs({ ...instance, priority: mine }, instance.advertIntMs);
    if (waitMs < SLOW_MS) return [];
    const text = `a clean hand-over to ${side.name} takes ${(waitMs / 1000).toFixed(2)} s: with priority ${mine} keepalived waits that long even when the other says goodbye`;
    return [match.find("slow_handover", text, "raise both priorities, as 254 and 253: then it takes 0.02 s")];
  });
}
