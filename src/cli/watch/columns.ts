import { humanCount, humanDuration } from "../../stats/humanise.ts";
import type { Tone } from "../../stats/terminal.ts";
import { aligned } from "../../stats/terminal.ts";
import { lastCheck, listenTone, removal, serverTone } from "../../stats/wording.ts";
import { bytesText, rateText, sparkline } from "./bars.ts";
import type { Flows } from "./flows.ts";
import type { Line, Span } from "./lines.ts";
import { errorsOf, type Order, type Row } from "./rows.ts";

/** What a cell is made from. */
interface Cell {
  readonly row: Row;
  readonly flows: Flows;
  readonly unicode: boolean;
  /** Servers stand below their listen; else they are named with it. */
  readonly grouped: boolean;
}

interface Column {
  readonly title: string;
  readonly width: number;
  readonly left?: boolean;
  /** The order that this column shows, marked in its title. */
  readonly order?: Order;
  text(cell: Cell): string;
}

const NAME: Column = {
  title: "NAME",
  width: 0,
  left: true,
  order: "name",
  text: ({ row, grouped }) => {
    if (row.kind === "listen") return row.listen.name;
    const name = grouped ? `  ${row.server.name}` : row.key;
    return row.server.backup ? `${name} (backup)` : name;
  },
};

const subject = ({ row }: Cell) => (row.kind === "listen" ? row.listen : row.server);
const flow = ({ row, flows }: Cell) => flows.get(row.key);

const STATE: Column = { title: "STATE", width: 9, left: true, order: "state", text: (cell) => subject(cell).status };
const WEIGHT: Column = { title: "WGT", width: 4, text: ({ row }) => (row.kind === "listen" ? "" : weight(row)) };
const CURRENT: Column = {
  title: "CUR",
  width: 5,
  order: "sessions",
  text: (cell) => humanCount(subject(cell).sessions.current),
};
const LIMIT: Column = { title: "LIM", width: 5, text: (cell) => limit(subject(cell).sessions.limit) };
const TREND: Column = {
  title: "TREND",
  width: 10,
  text: (cell) => sparkline(flow(cell)?.sessions ?? [], 10, cell.unicode),
};
const RATE: Column = {
  title: "NEW/s",
  width: 5,
  order: "rate",
  text: (cell) => rateText(flow(cell)?.sessionsPerS ?? null),
};
const IN: Column = { title: "IN/s", width: 5, text: (cell) => bytesText(flow(cell)?.inPerS ?? null) };
const OUT: Column = {
  title: "OUT/s",
  width: 5,
  order: "bytes",
  text: (cell) => bytesText(flow(cell)?.outPerS ?? null),
};
const QUEUE: Column = {
  title: "QUE",
  width: 5,
  order: "queue",
  text: (cell) => humanCount(subject(cell).queue.current),
};
const ERRORS: Column = { title: "ERR", width: 5, order: "errors", text: (cell) => humanCount(errorsOf(subject(cell))) };
const SINCE: Column = {
  title: "FOR",
  width: 7,
  order: "changed",
  text: (cell) => humanDuration(subject(cell).inStateMs),
};
const CHECK: Column = { title: "LAST CHECK", width: 12, left: true, text: ({ row }) => remark(row) };

/** As they stand on the screen, and which come first when there is no room for all; one that is named twice then grows. */
const SHOWN = [STATE, WEIGHT, CURRENT, LIMIT, TREND, RATE, IN, OUT, QUEUE, ERRORS, SINCE, CHECK];
const WORTH = [STATE, CURRENT, SINCE, RATE, CHECK, OUT, TREND, CHECK, IN, QUEUE, WEIGHT, ERRORS, LIMIT];
/** Screens of fewer columns leave names less, others more. */
const NARROW = 60;
const WIDE = 90;
const LEAST_NAME = 10;
const LONGEST_NAME = 40;

/** The columns that fit, and how wide each is now. */
export interface Grid {
  readonly columns: readonly (Column & { readonly width: number })[];
  readonly grouped: boolean;
  readonly order: Order;
}

/** Chooses columns for a screen: as many as leave names room to be told apart; the last check takes what is left. */
export function gridFor(rows: readonly Row[], columns: number, order: Order): Grid {
  const grouped = order === "file";
  const longest = longestName(rows, grouped);
  const wanted = Math.max(LEAST_NAME, Math.min(longest, columns < NARROW ? 14 : columns < WIDE ? 18 : 26));
  const widths = new Map<Column, number>();
  let left = columns - wanted;
  for (const column of WORTH) {
    if (left < column.width + 1) break;
    left -= column.width + 1;
    widths.set(column, (widths.get(column) ?? -1) + column.width + 1);
  }
  const name = Math.min(columns, wanted + Math.max(0, Math.min(left, longest - wanted)));
  const check = widths.get(CHECK);
  if (check !== undefined) widths.set(CHECK, check + left - (name - wanted));
  const shown = SHOWN.flatMap((column) => {
    const width = widths.get(column);
    return width === undefined ? [] : [{ ...column, width }];
  });
  return { columns: [{ ...NAME, width: name }, ...shown], grouped, order };
}

/** Names of all rows, not only of those on the screen: columns must not jump when somebody scrolls. */
function longestName(rows: readonly Row[], grouped: boolean): number {
  let longest = LEAST_NAME;
  for (const row of rows) {
    const indent = row.kind === "listen" || !grouped ? 0 : 2;
    const name = row.kind === "listen" || !grouped ? row.key : row.server.name;
    const backup = row.kind === "server" && row.server.backup ? 9 : 0;
    longest = Math.max(longest, indent + name.length + backup);
  }
  return Math.min(LONGEST_NAME, longest);
}

/** The titles of a grid; the one that the list is sorted by is marked. */
export function titles({ columns, order }: Grid, reversed: boolean): Line {
  const mark = reversed ? "^" : "v";
  const spans = columns.flatMap((column, index): Span[] => {
    const sorted = column.order === order;
    const title = sorted ? `${mark}${column.title}` : column.title;
    const text = aligned(title.slice(0, Math.max(column.width, 1)), column.width, column.left === true);
    return [{ text: index === 0 ? "" : " " }, { text, ...(sorted && { bold: true }) }];
  });
  return { spans, whole: { reverse: true } };
}

/** A row of a grid. */
export function rowLine({ columns, grouped }: Grid, row: Row, flows: Flows, unicode: boolean): Span[] {
  const cell: Cell = { row, flows, unicode, grouped };
  return columns.flatMap((column, index): Span[] => [
    { text: index === 0 ? "" : " " },
    {
      text: aligned(column.text(cell), column.width, column.left === true),
      ...(column.title === STATE.title && { tone: toneOf(row) }),
      ...(index === 0 && row.kind === "listen" && { bold: true }),
    },
  ]);
}

function toneOf(row: Row): Tone {
  return row.kind === "listen" ? listenTone(row.listen.status) : serverTone(row.server.status);
}

function weight({ server }: Extract<Row, { kind: "server" }>): string {
  return server.throttlePercent === null ? String(server.weight.configured) : `${server.throttlePercent}%`;
}

function limit(sessions: number | null): string {
  return sessions === null ? "-" : humanCount(sessions);
}

/** A server's last check; of a listen, how many of its servers take sessions. */
function remark(row: Row): string {
  const [removed] = removal((row.kind === "listen" ? row.listen : row.server).leavingForMs);
  if (removed !== undefined) return removed;
  if (row.kind === "server") return lastCheck(row.server.check);
  const { usable, servers, binds } = row.listen;
  return `${usable.active + usable.backup}/${servers.length} usable, ${binds.join(" ")}`;
}
