import { humanCount, humanDuration } from "./humanise.ts";
import { printable } from "./printable.ts";
import { routerProblems } from "./problems.ts";
import type { VrrpStatus } from "./snapshot.ts";
import type { TableOptions } from "./table.ts";
import { aligned, type Tone, toned, wrapped } from "./terminal.ts";
import type { VrrpCounters, VrrpInstanceSnapshot, VrrpPriorityPart } from "./vrrpSnapshot.ts";

const TITLES = ["VIRTUAL ROUTER", "STATE", "PRIO", "FOR", "ON"];
const STATE = 1;
const LEFT = new Set([0, STATE, 4]);
const LONGEST_NAME = 40;
const INDENT = "  ";
/** Width of the words in front of the details, and how many lines each detail may take. */
const LABEL = 11;
const DETAIL_LINES = 4;

/** The virtual routers: a row each, and below it its details; those that say nothing are left out. */
export function vrrpLines({ instances }: VrrpStatus, { colour, width }: TableOptions): string[] {
  const rows = [TITLES, ...instances.map(cells)].map((row) => row.map(printable));
  const widths = TITLES.map((_, column) => Math.max(...rows.map((row) => Bun.stringWidth(row[column] ?? ""))));
  widths[0] = Math.min(widths[0] ?? 0, LONGEST_NAME);
  const gap = 2;
  widths[4] = Math.max(0, width - widths.slice(0, 4).reduce((sum, each) => sum + each + gap, 0));
  const line = (row: readonly string[], tone: Tone) =>
    row
      .map((cell, column) => {
        const text = aligned(cell, widths[column] ?? 0, LEFT.has(column));
        return toned(text, column === STATE ? tone : null, colour);
      })
      .join(" ".repeat(gap));
  const [titles = [], ...body] = rows;
  return [
    line(titles, null),
    ...instances.flatMap((instance, index) => [line(body[index] ?? [], tone(instance)), ...details(instance, width)]),
  ];
}

function cells({ name, state, priority, inStateMs, ...instance }: VrrpInstanceSnapshot): string[] {
  const { interface: device, virtualRouterId, version, advertIntMs } = instance;
  const on = `${device}, VRID ${virtualRouterId}, version ${version}, advert every ${seconds(advertIntMs)}`;
  return [name, state, String(priority.effective), humanDuration(inStateMs), on];
}

function tone(instance: VrrpInstanceSnapshot): Tone {
  if (instance.state === "INIT") return "yellow";
  return routerProblems(instance).length > 0 ? "red" : "green";
}

function details(instance: VrrpInstanceSnapshot, width: number): string[] {
  const { faults, syncGroup, counters, rejected } = instance;
  const all: [label: string, text: string][] = [
    ["fault", faults.join("; ")],
    ["addresses", addresses(instance)],
    ["priority", prioritySum(instance)],
    ["sync group", syncGroup ?? ""],
    ["peer", peer(instance)],
    ["rivals", rivals(instance)],
    ["last change", lastChange(instance)],
    ["counters", counts(COUNTER_NAMES.map(([counter, name]) => [name, counters[counter]]))],
    ["rejected", counts(Object.entries(rejected))],
  ];
  return all.filter(([, text]) => text !== "").flatMap(([label, text]) => detail(label, text, width));
}

function detail(label: string, text: string, width: number): string[] {
  const indent = INDENT.length + LABEL + 2;
  return wrapped(text, width - indent, DETAIL_LINES).map(
    (line, index) => `${INDENT}${(index === 0 ? label : "").padEnd(LABEL)}  ${line}`,
  );
}

/** Those that are not as the state wants them come first: a long list is cut at its end. */
function addresses({ state, addresses }: VrrpInstanceSnapshot): string {
  const list = (present: boolean) => {
    const chosen = addresses.filter((each) => each.present === present);
    const names = chosen.map(({ address, excluded }) => (excluded ? `${address} (excluded)` : address));
    return names.length === 0 ? [] : [`${present ? "present" : "absent"} ${names.join(", ")}`];
  };
  const wanted = state === "MASTER";
  return [...list(!wanted), ...list(wanted)].join("; ");
}

/** "103 = 101 + 2 (script chk_uplink ok); proxy ok" */
function prioritySum({ priority }: VrrpInstanceSnapshot): string {
  const { base, total, effective, parts } = priority;
  const weighted = parts.filter(({ weight }) => weight !== 0);
  const summands = weighted.map(
    (part) => ` ${part.amount < 0 ? "-" : "+"} ${Math.abs(part.amount)} (${tracker(part)})`,
  );
  const sum = weighted.length === 0 ? String(total) : `${total} = ${base}${summands.join("")}`;
  const limited = total === effective ? sum : `${effective}, the limit for ${sum}`;
  return [limited, ...parts.filter(({ weight }) => weight === 0).map(tracker)].join("; ");
}

function tracker({ tracker, state, reverse, detail }: VrrpPriorityPart): string {
  const words = state === "unknown" ? "has not answered yet" : state;
  return `${tracker} ${words}${reverse ? ", reversed" : ""}${detail === "" ? "" : `: ${detail}`}`;
}

function peer({ peer }: VrrpInstanceSnapshot): string {
  if (peer === null) return "none heard yet";
  const { address, priority, intervalMs, agoMs } = peer;
  return `${address}, priority ${priority}, advert every ${seconds(intervalMs)}, last ${ago(agoMs)}`;
}

function rivals({ rivals }: VrrpInstanceSnapshot): string {
  return rivals
    .map(
      ({ address, mac, answers, agoMs }) => `${mac} for ${address} (${count(answers, "answer")}, last ${ago(agoMs)})`,
    )
    .join("; ");
}

function lastChange({ lastTransition }: VrrpInstanceSnapshot): string {
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
function ago(durationMs: number): string {
  return `${durationMs < 10_000 ? `${(durationMs / 1000).toFixed(1)}s` : humanDuration(durationMs)} ago`;
}

/** "2026-11-22 16:05:09", by the clock of who reads it. */
function wallTime(wallMs: number): string {
  const date = new Date(wallMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
