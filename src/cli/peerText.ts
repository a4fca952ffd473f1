import type { Finding } from "../vrrp/truthTable/findings.ts";
import { isProblem, type Row } from "../vrrp/truthTable/table.ts";

/** What there is to say of a pair. */
export interface PeerReport {
  readonly hosts: readonly { readonly name: string; readonly file: string }[];
  readonly findings: readonly Finding[];
  readonly rows: readonly Row[];
  /** Problems only. */
  readonly quiet: boolean;
  readonly colour: boolean;
}

type Paint = (text: string, code: keyof typeof CODES) => string;

const CODES = { bad: "\u001b[31m", good: "\u001b[32m", bold: "\u001b[1m" } as const;
const RESET = "\u001b[0m";

const VERDICTS: Readonly<Record<Row["verdict"], string>> = {
  fine: "fine",
  stuck: "STAYS ON A HOST THAT CANNOT SERVE",
  nobody: "NOBODY OWNS IT",
  "two owners": "TWO OWNERS",
  flaps: "FLAPS",
  split: "MEMBERS ON DIFFERENT HOSTS",
};

/** The failover truth table as people read it: findings, then the rows with the same outcome together, problems first. */
export function peerText({ hosts, findings, rows, quiet, colour }: PeerReport): string {
  const paint: Paint = (text, code) => (colour ? `${CODES[code]}${text}${RESET}` : text);
  const problems = rows.filter(isProblem).length;
  const shown = quiet ? rows.filter(isProblem) : rows;
  const groups = Map.groupBy(shown, outcome);
  const head = hosts.map(({ name, file }) => (name === file ? name : `${name} (${file})`)).join(" and ");
  const blocks = [...groups.values()].map((group) => block(group, paint));
  const found = findings.map(({ subject, message, hint }) => {
    return `${paint("finding", "bad")}: ${subject}: ${message}\n         ${hint}\n`;
  });
  return [`${paint(head, "bold")}\n`, ...found, ...blocks, summary(findings.length, problems, rows.length, paint)].join(
    "\n",
  );
}

function outcome(row: Row): string {
  const { subject, verdict, excuse, owners, moves, movesBack } = row;
  return JSON.stringify([subject, verdict, excuse, owners, moves, movesBack]);
}

function block(rows: readonly Row[], paint: Paint): string {
  const [first] = rows;
  if (first === undefined) return "";
  const { subject, verdict, excuse, owners, moves } = first;
  const owner = owners.length === 0 ? "" : `: ${owners.join(" and ")}${owners.length === 1 ? " owns it" : " own it"}`;
  const back = backText(first);
  const title = `${subject}: ${paint(VERDICTS[verdict], isProblem(first) ? "bad" : "good")}${owner}${back}`;
  const why = excuse === "" ? [] : [`  no configuration would do better: ${excuse}`];
  const lines = moves || isProblem(first) ? rows.flatMap(rowLines) : mergedLines(rows);
  return [title, ...why, HEAD, ...lines, ""].join("\n");
}

function backText({ movesBack, moves }: Row): string {
  if (!moves) return "";
  return movesBack ? ", and moves back when the fault is over" : ", and does not move back when the fault is over";
}

function rowLines(row: Row): string[] {
  return [`${figures(row)}  ${row.fault}`, `${" ".repeat(FIGURES + 2)}${row.why.join("; ")}${wayBack(row)}`];
}

/** What the end of the fault costs, where it costs anything. */
function wayBack({ back }: Row): string {
  const costs = [
    ...(back.withoutOwnerMs < NOTHING_MS ? [] : [`${duration(back.withoutOwnerMs)} without an owner`]),
    ...(back.twoOwnersMs < NOTHING_MS ? [] : [`${duration(back.twoOwnersMs)} with two`]),
  ];
  return costs.length === 0 ? "" : `; when it is over ${costs.join(" and ")}`;
}

/** Where nothing moves, the faults of the same figures are a list. */
function mergedLines(rows: readonly Row[]): string[] {
  const groups = Map.groupBy(rows, figures);
  return [...groups].flatMap(([text, members]) => {
    const [first = "", ...rest] = members.map(({ fault }) => fault);
    return [`${text}  ${first}`, ...rest.map((fault) => `${" ".repeat(FIGURES)}  ${fault}`)];
  });
}

/** Width of a figure's column; its heads are as wide. */
const COLUMN = 12;
const FIGURES = 3 * COLUMN;
const HEAD = ["no owner", "no service", "two owners"].map((text) => text.padStart(COLUMN)).join("");

function figures({ withoutOwnerMs, withoutServiceMs, twoOwnersMs }: Row): string {
  return [withoutOwnerMs, withoutServiceMs, twoOwnersMs].map((ms) => duration(ms).padStart(COLUMN)).join("");
}

/** Less than this is a frame that is on its way. */
const NOTHING_MS = 5;

function duration(ms: number | null): string {
  if (ms === null) return "all along";
  return ms < NOTHING_MS ? "-" : `${(ms / 1000).toFixed(2)} s`;
}

function summary(findings: number, problems: number, rows: number, paint: Paint): string {
  if (findings === 0 && problems === 0) return `${paint("The pair is sound", "good")}: ${rows} cases played\n`;
  const parts = [
    ...(findings === 0 ? [] : [`${findings} ${findings === 1 ? "finding" : "findings"}`]),
    ...(problems === 0 ? [] : [`${problems} of ${rows} cases go wrong`]),
  ];
  return `${paint("The pair has problems", "bad")}: ${parts.join(", ")}\n`;
}
