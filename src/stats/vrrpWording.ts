import { humanCount, humanDuration } from "./humanise.ts";
import { routerProblems } from "./problems.ts";
import type { Tone } from "./terminal.ts";
import type { VrrpCounters, VrrpInstanceSnapshot, VrrpPriorityPart } from "./vrrpSnapshot.ts";

/** How virtual routers are spoken of: the same words in a terminal and on the page. "" is nothing to say. */

/** Of a virtual router: red when something is wrong with it. */
export function instanceTone(instance: VrrpInstanceSnapshot): Tone {
  if (instance.state === "INIT") return "yellow";
  return routerProblems(instance).length > 0 ? "red" : "green";
}

/** "eth0, VRID 51, version 2, advert every 1s" */
export function place({ interface: device, virtualRouterId, version, advertIntMs }: VrrpInstanceSnapshot): string {
  return `${device}, VRID ${virtualRouterId}, version ${version}, advert every ${seconds(advertIntMs)}`;
}

/** Those that are not as the state wants them come first: a long list is cut at its end. */
export function addresses({ state, addresses }: VrrpInstanceSnapshot): string {
  const list = (present: boolean) => {
    const chosen = addresses.filter((each) => each.present === present);
    const names = chosen.map(({ address, excluded }) => (excluded ? `${address} (excluded)` : address));
    return names.length === 0 ? [] : [`${present ? "present" : "absent"} ${names.join(", ")}`];
  };
  const wanted = state === "MASTER";
  return [...list(!wanted), ...list(wanted)].join("; ");
}

/** "103 = 101 + 2 (script chk_uplink ok); proxy ok" */
export function prioritySum({ priority }: VrrpInstanceSnapshot): string {
  const { base, total, effective, parts } = priority;
  const weighted = parts.filter(({ weight }) => weight !== 0);
  const summands = weighted.map(
    (part) => ` ${part.amount < 0 ? "-" : "+"} ${Math.abs(part.amount)} (${tracker(part)})`,
  );
  const sum = weighted.length === 0 ? String(total) : `${total} = ${base}${summands.join("")}`;
  const limited = total === effective ? sum : `${effective}, the limit for ${sum}`;
  return [limited, ...parts.filter(({ weight }) => weight === 0).map(tracker)].join("; ");
}

/** "script chk_uplink ok", "listen web failed: …" */
export function tracker({ tracker, state, reverse, detail }: VrrpPriorityPart): string {
  const words = state === "unknown" ? "has not answered yet" : state;
  return `${tracker} ${words}${reverse ? ", reversed" : ""}${detail === "" ? "" : `: ${detail}`}`;
}

/** Who was heard last. */
export function peer({ peer }: VrrpInstanceSnapshot): string {
  if (peer === null) return "none heard yet";
  const { address, priority, intervalMs, agoMs } = peer;
  return `${address}, priority ${priority}, advert every ${seconds(intervalMs)}, last ${ago(agoMs)}`;
}

/** That an operator has taken it out of the election. */
export function releaseText({ released }: VrrpInstanceSnapshot): string {
  // A program of another version says nothing of it.
  if ((released ?? null) === null) return "";
  const { hold, sinceWallMs } = released as NonNullable<typeof released>;
  return `by an operator since ${wallTime(sinceWallMs)}${hold ? ", for good" : ""}; "vrrp resume" ends it`;
}

/** Who else answers for its addresses. */
export function rivals({ rivals }: VrrpInstanceSnapshot): string {
  return rivals
    .map(
      ({ address, mac, answers, agoMs }) => `${mac} for ${address} (${count(answers, "answer")}, last ${ago(agoMs)})`,
    )
    .join("; ");
}

/** "2026-11-22 16:05:09 BACKUP to MASTER: no advert …" */
export function lastChange({ lastTransition }: VrrpInstanceSnapshot): string {
  if (lastTransition === null) return "";
  const { from, to, cause, wallMs } = lastTransition;
  return `${wallTime(wallMs)} ${from} to ${to}: ${cause}`;
}

const COUNTER_NAMES: readonly (readonly [keyof VrrpCounters, string])[] = [
  ["advertsSent", "adverts sent"],
  ["advertsReceived", "received"],
  ["becameMaster", "became MASTER"],
  ["releasedMaster", "released"],
  ["priorityZeroSent", "priority 0 sent"],
  ["priorityZeroReceived", "priority 0 received"],
  ["announcements", "announcements"],
  ["sendErrors", "send errors"],
  ["addressListMismatches", "other address lists"],
  ["addressesRestored", "addresses restored"],
  ["stalls", "stalls"],
];

/** What it has counted. */
export function counters({ counters }: VrrpInstanceSnapshot): string {
  return counts(COUNTER_NAMES.map(([counter, name]) => [name, counters[counter]]));
}

/** Adverts it has refused, by reason. */
export function rejections({ rejected }: VrrpInstanceSnapshot): string {
  return counts(Object.entries(rejected));
}

/** Those that are not zero: "adverts sent 1234, became MASTER 2". */
function counts(named: readonly (readonly [name: string, value: number])[]): string {
  return named
    .filter(([, value]) => value > 0)
    .map(([name, value]) => `${name} ${humanCount(value)}`)
    .join(", ");
}

function count(number: number, noun: string): string {
  return `${humanCount(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** "0.25s", "1s" */
function seconds(durationMs: number): string {
  return `${durationMs / 1000}s`;
}

/** Adverts come by the second and oftener: "0.4s ago", then "12s ago". */
export function ago(durationMs: number): string {
  return `${durationMs < 10_000 ? `${(durationMs / 1000).toFixed(1)}s` : humanDuration(durationMs)} ago`;
}

/** "2026-11-22 16:05:09", by the clock of who reads it. */
export function wallTime(wallMs: number): string {
  const date = new Date(wallMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
