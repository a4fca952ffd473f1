import { humanBytes, humanCount, humanDuration, humanUptime } from "./humanise.ts";
import { printable } from "./printable.ts";
import { findProblems } from "./problems.ts";
import type { ListenSnapshot, ProcessSnapshot, ServerSnapshot, Snapshot } from "./snapshot.ts";
import { aligned, type Tone, toned, wrapped } from "./terminal.ts";
import { vrrpLines } from "./vrrpTable.ts";
import { lastCheck, listenTone, plural, removal, serverTone } from "./wording.ts";

export interface TableOptions {
  /** Colour the states with ANSI codes; everything is also said in words. */
  colour: boolean;
  /** Longest line in characters; 80 at least. */
  width: number;
}

/** One line of the table: the last cell takes what room is left, the others are as wide as their column. */
interface Row {
  cells: string[];
  colour: Tone;
}

const TITLES = ["NAME", "STATE", "WGT", "CUR", "MAX", "LIM", "TOTAL", "IN", "OUT", "FOR", "LAST CHECK"];
const STATE = 1;
/** Columns of text begin at their left; numbers and times end at their right. */
const LEFT = new Set([0, STATE, TITLES.length - 1]);
const LONGEST_NAME = 40;
const LEAST_NAME = 12;
const LEAST_CHECK = 24;
/** Lines that one trouble of a virtual router may take. */
const PROBLEM_LINES = 3;

/**
 * The running balancer at a glance: a line about the process, a row a listen with its servers below, a block a virtual
 * router, and what is wrong.
 */
export function renderStatus(snapshot: Snapshot, options: TableOptions): string {
  const rows = snapshot.listens.flatMap((listen) => [listenRow(listen), ...listen.servers.map(serverRow)]);
  const lines = processLines(snapshot.process);
  if (rows.length > 0) lines.push("", ...layOut([{ cells: TITLES, colour: null }, ...rows], options));
  else if (snapshot.process.crashLoop === null && snapshot.process.hang === null) lines.push("", "no listens");
  if (snapshot.vrrp !== null) lines.push("", ...vrrpLines(snapshot.vrrp, options));
  return `${[...lines, ...problemLines(snapshot, options.width)].map((line) => line.trimEnd()).join("\n")}\n`;
}

function processLines(process: ProcessSnapshot): string[] {
  const { connections, restarts, droppedLogs } = process;
  const facts = [
    `haproxy-lite ${process.version} (${process.commit}) up ${humanUptime(process.uptimeMs)}`,
    `pid ${process.supervisorPid}`,
    `${process.threads} thread${plural(process.threads)}`,
    `${connections.current}/${connections.limit} connections`,
    `${process.connectionRate.now}/s`,
  ];
  const remarks = [
    ...(process.stopping ? ["stopping: no new connections are accepted"] : []),
    ...(restarts > 0 && process.crashLoop === null
      ? [
          `proxy process restarted ${restarts} time${plural(restarts)}; counters begin ${humanDuration(process.proxyUptimeMs)} ago`,
        ]
      : []),
    ...(droppedLogs > 0 ? [`${humanCount(droppedLogs)} log line${plural(droppedLogs)} dropped`] : []),
  ];
  return [printable(facts.join(", ")), ...remarks];
}

function listenRow(listen: ListenSnapshot): Row {
  const { status, usable, servers, rate, queue } = listen;
  const facts = [
    `${usable.active + usable.backup}/${servers.length} usable`,
    `${humanCount(rate.now)}/s`,
    ...removal(listen.leavingForMs),
    ...(queue.current > 0 ? [`${queue.current} queued`] : []),
    listen.binds.join(" "),
  ];
  return {
    cells: [listen.name, status, "", ...figures(listen), humanDuration(listen.inStateMs), facts.join(", ")],
    colour: listenTone(status),
  };
}

function serverRow(server: ServerSnapshot): Row {
  const { status, backup, throttlePercent, weight } = server;
  const name = `  ${server.name}${backup ? " (backup)" : ""}`;
  const shownWeight = throttlePercent === null ? weight.configured : `${throttlePercent}%`;
  return {
    cells: [
      name,
      status,
      String(shownWeight),
      ...figures(server),
      humanDuration(server.inStateMs),
      removal(server.leavingForMs)[0] ?? lastCheck(server.check),
    ],
    colour: serverTone(status),
  };
}

function figures({ sessions, bytesIn, bytesOut }: ListenSnapshot | ServerSnapshot): string[] {
  const { current, max, limit, total } = sessions;
  const limitText = limit === null ? "-" : humanCount(limit);
  return [
    humanCount(current),
    humanCount(max),
    limitText,
    humanCount(total),
    humanBytes(bytesIn),
    humanBytes(bytesOut),
  ];
}

/** What is down, by name as far as a line reaches; each trouble of a virtual router is a sentence of its own. */
function problemLines(snapshot: Snapshot, width: number): string[] {
  const { process, servers, listens, routers } = findProblems(snapshot);
  const lines = [
    ...(servers.length > 0 ? [`${servers.length} server${plural(servers.length)} down: ${servers.join(", ")}`] : []),
    ...(listens.length > 0 ? [`nobody serves ${listens.join(", ")}`] : []),
  ];
  const sentences = [...process, ...routers].flatMap((sentence) => wrapped(sentence, width, PROBLEM_LINES));
  const all = [...lines.map((line) => aligned(printable(line), width, true)), ...sentences];
  return all.length === 0 ? [] : ["", ...all];
}

function layOut(rows: readonly Row[], { colour, width }: TableOptions): string[] {
  const cells = rows.map((row) => row.cells.map(printable));
  const widths = TITLES.map((_, column) => Math.max(...cells.map((row) => Bun.stringWidth(row[column] ?? ""))));
  const last = TITLES.length - 1;
  const gaps: number[] = TITLES.map((_, column) =>
    column === 0 ? 0 : LEFT.has(column) || LEFT.has(column - 1) || TITLES[column] === "FOR" ? 2 : 1,
  );
  const fixed = gaps.reduce((sum, gap) => sum + gap, 0) + widths.slice(1, last).reduce((sum, each) => sum + each, 0);
  // Names give way to checks, down to where neither could be recognised.
  const room = Math.max(LEAST_NAME, width - fixed - Math.min(LEAST_CHECK, widths[last] ?? 0));
  const nameWidth = Math.min(widths[0] ?? 0, LONGEST_NAME, room);
  widths[0] = nameWidth;
  widths[last] = Math.max(0, width - fixed - nameWidth);
  return cells.map((row, line) =>
    row
      .map((cell, column) => {
        const text = aligned(cell, widths[column] ?? 0, LEFT.has(column));
        const tone = column === STATE ? (rows[line]?.colour ?? null) : null;
        return " ".repeat(gaps[column] ?? 0) + toned(text, tone, colour);
      })
      .join(""),
  );
}
