import { humanDuration } from "./humanise.ts";
import { printable } from "./printable.ts";
import type { VrrpStatus } from "./snapshot.ts";
import type { TableOptions } from "./table.ts";
import { aligned, type Tone, toned, wrapped } from "./terminal.ts";
import type { VrrpInstanceSnapshot } from "./vrrpSnapshot.ts";
import {
  addresses,
  counters,
  instanceTone,
  lastChange,
  peer,
  place,
  prioritySum,
  rejections,
  releaseText,
  rivals,
} from "./vrrpWording.ts";

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
    ...instances.flatMap((instance, index) => [
      line(body[index] ?? [], instanceTone(instance)),
      ...details(instance, width),
    ]),
  ];
}

function cells(instance: VrrpInstanceSnapshot): string[] {
  const { name, state, priority, inStateMs } = instance;
  return [name, state, String(priority.effective), humanDuration(inStateMs), place(instance)];
}

function details(instance: VrrpInstanceSnapshot, width: number): string[] {
  const { faults, syncGroup } = instance;
  const all: [label: string, text: string][] = [
    ["fault", faults.join("; ")],
    ["released", releaseText(instance)],
    ["addresses", addresses(instance)],
    ["priority", prioritySum(instance)],
    ["sync group", syncGroup ?? ""],
    ["peer", peer(instance)],
    ["rivals", rivals(instance)],
    ["last change", lastChange(instance)],
    ["counters", counters(instance)],
    ["rejected", rejections(instance)],
  ];
  return all.filter(([, text]) => text !== "").flatMap(([label, text]) => detail(label, text, width));
}

function detail(label: string, text: string, width: number): string[] {
  const indent = INDENT.length + LABEL + 2;
  return wrapped(text, width - indent, DETAIL_LINES).map(
    (line, index) => `${INDENT}${(index === 0 ? label : "").padEnd(LABEL)}  ${line}`,
  );
}
