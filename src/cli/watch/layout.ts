import { formatDuration } from "../../config/units.ts";
import { humanCount, humanDuration, humanUptime } from "../../stats/humanise.ts";
import { findProblems } from "../../stats/problems.ts";
import type { Snapshot } from "../../stats/snapshot.ts";
import type { VrrpInstanceSnapshot } from "../../stats/vrrpSnapshot.ts";
import { instanceTone, peer } from "../../stats/vrrpWording.ts";
import { plural } from "../../stats/wording.ts";
import { bytesText, gauge, rateText, sparkline } from "./bars.ts";
import { clockTime, eventLine } from "./eventLine.ts";
import { PROCESS } from "./flows.ts";
import { type Line, plainLine, type Span, textOf } from "./lines.ts";
import type { Choice } from "./rows.ts";
import type { WatchState } from "./state.ts";

/** What stands around the list. */
export interface Frame {
  readonly above: readonly Line[];
  readonly below: readonly Line[];
  /** Lines between them, the titles of the columns not counted; 0 at least. */
  readonly room: number;
}

/** The list is worth more than what stands around it. */
const LEAST_ROOM = 4;
const MOST_PROBLEMS = 3;
const MOST_ROUTERS = 3;
const MOST_EVENTS = 4;
/** Shorter screens have no room for events. */
const LEAST_ROWS_FOR_EVENTS = 20;

/** Lines that the list, or another view's text, has on the screen. */
export function listRoom(state: WatchState): number {
  return frame(state, true).room;
}

/** The lines around the list, as many as leave room for it. */
export function frame(state: WatchState, unicode: boolean): Frame {
  const title = titleLine(state);
  const banner = bannerLines(state);
  const foot = footLine(state);
  const snapshot = state.sample?.snapshot;
  const optional =
    snapshot === undefined
      ? []
      : [[trafficLine(state, snapshot, unicode)], problemLines(snapshot), routerLines(snapshot)].flat();
  const spare = state.rows - banner.length - 3 - LEAST_ROOM;
  const events = eventLines(state);
  const above = [title, ...banner, ...optional.slice(0, Math.max(0, spare))];
  const below = [...events.slice(0, Math.max(0, spare - optional.length)), foot];
  return { above, below, room: Math.max(0, state.rows - above.length - below.length - 1) };
}

function titleLine({ sample, columns, wallMs, paused, intervalMs }: WatchState): Line {
  const process = sample?.snapshot.process;
  const left =
    process === undefined
      ? "haproxy-lite"
      : `haproxy-lite ${process.version} on ${process.node}, up ${humanUptime(process.uptimeMs)}, pid ${process.supervisorPid}`;
  const pace = paused ? "PAUSED" : `every ${formatDuration(intervalMs)}`;
  const right = `${pace}  ${clockTime(wallMs)}`;
  const gap = Math.max(2, columns - Bun.stringWidth(left) - right.length);
  const fits = Bun.stringWidth(left) + 2 + right.length <= columns;
  // On a narrow screen the clock, which shows that we are alive, is worth more than the version.
  if (!fits) return { spans: [{ text: right, bold: true }, { text: `  ${left}` }] };
  return {
    spans: [{ text: left, bold: true }, { text: " ".repeat(gap) }, { text: right, ...(paused && { tone: "yellow" }) }],
  };
}

function bannerLines({ link, wallMs, sample, sampledWallMs }: WatchState): Line[] {
  if (link.kind !== "lost") return link.kind === "new" ? [plainLine("asking …")] : [];
  const age = humanDuration(wallMs - link.sinceWallMs);
  const since = `NO ANSWER since ${clockTime(link.sinceWallMs)} (${age})`;
  const look = { tone: "red", bold: true, reverse: true } as const;
  const stale =
    sample === null ? [] : [plainLine(`what is below is as it was at ${clockTime(sampledWallMs)}`, { tone: "red" })];
  return [{ spans: [{ text: ` ${since}: ${link.reason}` }], whole: look }, ...stale];
}

function trafficLine({ flows, columns }: WatchState, { process }: Snapshot, unicode: boolean): Line {
  const { current, limit } = process.connections;
  const flow = flows.get(PROCESS);
  const wide = columns >= 100;
  const facts = [
    `connections ${gauge(current, limit, wide ? 20 : 8, unicode)} ${humanCount(current)}/${humanCount(limit)}`,
    `${rateText(flow?.sessionsPerS ?? null)}/s`,
    `in ${bytesText(flow?.inPerS ?? null)}/s`,
    `out ${bytesText(flow?.outPerS ?? null)}/s`,
    ...(wide ? [sparkline(flow?.bytes ?? [], 20, unicode)] : []),
    `idle ${process.idlePercent}%`,
    ...(process.stopping ? ["STOPPING"] : []),
    ...(process.droppedLogs > 0 ? [`${humanCount(process.droppedLogs)} log lines dropped`] : []),
  ];
  return plainLine(facts.join("  "));
}

function problemLines(snapshot: Snapshot): Line[] {
  const { process, servers, listens, routers } = findProblems(snapshot);
  const sentences = [
    ...process,
    ...(listens.length > 0 ? [`nobody serves ${listens.join(", ")}`] : []),
    ...(servers.length > 0 ? [`${servers.length} server${plural(servers.length)} down: ${servers.join(", ")}`] : []),
    ...routers,
  ];
  return sentences.slice(0, MOST_PROBLEMS).map((sentence) => plainLine(sentence, { tone: "red" }));
}

function routerLines({ vrrp }: Snapshot): Line[] {
  const instances = vrrp?.instances ?? [];
  const more = instances.length - MOST_ROUTERS;
  return [
    ...instances.slice(0, MOST_ROUTERS).map(routerLine),
    ...(more > 0 ? [plainLine(`${more} more virtual router${plural(more)}: v`)] : []),
  ];
}

function routerLine(instance: VrrpInstanceSnapshot): Line {
  const { name, state, inStateMs, priority, addresses } = instance;
  const facts = [
    ` for ${humanDuration(inStateMs)}`,
    `priority ${priority.effective}`,
    addresses.map(({ address }) => address).join(" "),
    `peer ${peer(instance)}`,
  ];
  return { spans: [{ text: `${name} ` }, { text: state, tone: instanceTone(instance) }, { text: facts.join("  ") }] };
}

function eventLines({ sample, rows, view, columns }: WatchState): Line[] {
  const events = sample?.events ?? [];
  if (events.length === 0 || rows < LEAST_ROWS_FOR_EVENTS || view.kind !== "list") return [];
  const lines = events.slice(0, MOST_EVENTS).map(eventLine).reverse();
  return [plainLine("─".repeat(columns), { dim: true }), ...lines];
}

const KEYS: readonly (readonly [key: string, does: string])[] = [
  ["q", "quit"],
  ["?", "help"],
  ["↑↓", "move"],
  ["⏎", "details"],
  ["/", "filter"],
  ["s", "sort"],
  ["d m r", "drain maintain ready"],
  ["e", "events"],
  ["v", "VRRP"],
  ["p", "pause"],
];

function footLine({ prompt, notice, choice, view, columns }: WatchState): Line {
  if (prompt?.kind === "confirm") {
    return { spans: [{ text: `${prompt.question} ` }, { text: "y/n" }], whole: { bold: true, reverse: true } };
  }
  if (prompt?.kind === "filter")
    return { spans: [{ text: "filter: ", bold: true }, { text: choice.filter }, { text: " ", reverse: true }] };
  if (notice !== null) return plainLine(notice.text, { tone: notice.tone, bold: true });
  const back = view.kind === "list" ? [] : [["esc", "back"] as const];
  return keyLine([...chosenWays(choice), ...back, ...KEYS], columns);
}

/** What makes the list other than it usually is. */
function chosenWays({ filter, troubledOnly, order, reversed }: Choice): (readonly [string, string])[] {
  return [
    ...(filter === "" ? [] : [[`/${filter}`, "filters"] as const]),
    ...(troubledOnly ? [["x", "troubled only"] as const] : []),
    ...(order === "file" && !reversed ? [] : [["s", `by ${order}${reversed ? ", reversed" : ""}`] as const]),
  ];
}

/** As many keys as fit whole. */
function keyLine(keys: readonly (readonly [key: string, does: string])[], columns: number): Line {
  const spans: Span[] = [];
  for (const [key, does] of keys) {
    const pair = [{ text: `${spans.length === 0 ? "" : "  "}${key}`, bold: true }, { text: ` ${does}` }];
    if (Bun.stringWidth(textOf({ spans: [...spans, ...pair] })) > columns) break;
    spans.push(...pair);
  }
  return { spans };
}
