import { type Fault, faultsOf } from "./faults.ts";
import { BOTH, type Pair, type Subject, subjectsOf } from "./pair.ts";
import { type Played, playFault, playStart, type Standing, type Start, waitsOf } from "./play.ts";
import { type Judgement, judge, type Verdict, WORST_FIRST } from "./verdict.ts";
import { sameOwners } from "./watch.ts";

/** One line of the table: one fault, or one order of starting, and one virtual router or sync group. */
export interface Row {
  /** "VI_1", "group edge". */
  readonly subject: string;
  /** "lb01: proxy down", "start: lb01 first". */
  readonly fault: string;
  /** Who owns the addresses at rest; empty: nobody. */
  readonly owners: readonly string[];
  readonly verdict: Verdict;
  /** Why no configuration would do better; "" when one would, or when all is fine. */
  readonly excuse: string;
  /** How each host stands at rest, in words: its state, and its priority term by term or its faults. */
  readonly why: readonly string[];
  /** The same in figures, by host. */
  readonly standings: Readonly<Record<string, Standing>>;
  /** The longest time without an owner; null: for as long as the fault lasts. */
  readonly withoutOwnerMs: number | null;
  /** The longest time without an owner that serves all of its clients, detection included; null as above. */
  readonly withoutServiceMs: number | null;
  /** The longest time with two owners; null as above. */
  readonly twoOwnersMs: number | null;
  /** Whether the fault moves it. */
  readonly moves: boolean;
  /** Once the fault is over: whether its first owner has it again; null: it was not moved. */
  readonly movesBack: boolean | null;
  /** The longest time without an owner, and with two, on the way back. */
  readonly back: { readonly withoutOwnerMs: number; readonly twoOwnersMs: number };
}

/** The moments between two adverts that are tried. */
const PHASES = 4;
/** With more adverts than this in one run fewer moments are. */
const MANY_ADVERTS = 400;

/** Who owns what at rest, whatever fails: every fault on every virtual router and sync group, problems first. */
export function truthTable(pair: Pair): Row[] {
  const subjects = subjectsOf(pair);
  if (subjects.length === 0) return [];
  const starts = startsOf(pair).flatMap(({ text, how }) =>
    rowsOf(pair, subjects, text, null, [playStart(pair, subjects, how)]),
  );
  const phases = phasesOf(pair);
  const faults = faultsOf(pair).flatMap((fault) =>
    rowsOf(
      pair,
      subjects,
      fault.text,
      fault,
      phases.map((phase) => playFault(pair, subjects, fault, phase)),
    ),
  );
  return [...starts, ...faults].toSorted((a, b) => rank(a) - rank(b));
}

/** Something is wrong that another configuration would do better. */
export function isProblem({ verdict, excuse }: Judgement): boolean {
  return verdict !== "fine" && excuse === "";
}

function rank(row: Row): number {
  const verdict = WORST_FIRST.indexOf(row.verdict);
  return isProblem(row) ? verdict : WORST_FIRST.length + (row.excuse === "" ? 1 : 0);
}

function startsOf(pair: Pair): { text: string; how: Start }[] {
  const first = BOTH.map((which) => ({
    text: `start: ${pair[which].name} first`,
    how: { kind: "first" as const, which },
  }));
  return [{ text: "start: both at once", how: { kind: "together" } }, ...first];
}

function phasesOf(pair: Pair): number[] {
  const shortestMs = Math.min(...pair.flatMap(({ vrrp }) => vrrp.instances.map(({ advertIntMs }) => advertIntMs)));
  const count = (3 * waitsOf(pair).restMs) / shortestMs > MANY_ADVERTS ? 1 : PHASES;
  return Array.from({ length: count }, (_, index) => index / count);
}

/** The rows of one fault: one a virtual router, one a sync group. `runs`: by moment, then by subject. */
function rowsOf(pair: Pair, subjects: readonly Subject[], text: string, fault: Fault | null, runs: Played[][]): Row[] {
  const rows = subjects.map((subject, index) => {
    const played = runs.flatMap((run) => run[index] ?? []);
    return rowOf(pair, subject.name, text, fault, played);
  });
  return [...rows, ...groupRows(subjects, rows)];
}

function rowOf(pair: Pair, subject: string, text: string, fault: Fault | null, played: readonly Played[]): Row {
  const judged = played.map((run) => ({ run, judgement: judge(run, fault) }));
  const [worst] = judged.toSorted((a, b) => badness(a.judgement) - badness(b.judgement));
  if (worst === undefined) throw new Error("a fault is played at least once");
  const { run, judgement } = worst;
  const { owners } = run.during;
  const isServed = owners.some((which) => run.could[which].all);
  const longest = (measure: (run: Played) => number): number => Math.max(...played.map(measure));
  const moved = played.some(({ before, during }) => !sameOwners(before, during.owners));
  const moves = fault !== null && moved;
  return {
    subject,
    fault: text,
    owners: owners.map((which) => pair[which].name),
    ...judgement,
    why: BOTH.map((which) => `${pair[which].name} ${standingText(run.standings[which])}`),
    standings: Object.fromEntries(BOTH.map((which) => [pair[which].name, run.standings[which]])),
    withoutOwnerMs: owners.length === 0 ? null : round(longest(({ during }) => during.noneMs)),
    withoutServiceMs: isServed ? round(longest(({ during }) => during.unservedMs)) : null,
    twoOwnersMs: owners.length === 2 ? null : round(longest(({ during }) => during.twoMs)),
    moves,
    movesBack: moves ? played.every(({ before, after }) => sameOwners(before, after.owners)) : null,
    back: {
      withoutOwnerMs: round(longest(({ after }) => after.noneMs)),
      twoOwnersMs: round(longest(({ after }) => after.twoMs)),
    },
  };
}

function badness({ verdict, excuse }: Judgement): number {
  return WORST_FIRST.indexOf(verdict) + (excuse === "" ? 0 : 0.5);
}

function standingText({ state, faults, sum }: Standing): string {
  if (state === "down") return "does not run";
  if (state === "frozen") return "is frozen";
  return `${state} ${faults.length > 0 ? `(${faults.join("; ")})` : sum}`;
}

function round(ms: number): number {
  return Math.round(ms);
}

/** A sync group is as its members are, as long as they are together. */
function groupRows(subjects: readonly Subject[], rows: readonly Row[]): Row[] {
  const groupOf = ({ instances }: Subject): string | null => instances[0]?.syncGroup ?? instances[1]?.syncGroup ?? null;
  const groups = Map.groupBy(subjects.keys(), (index) => groupOf(subjects[index] as Subject));
  groups.delete(null);
  return [...groups].flatMap(([name, members]) => {
    const mine = members.flatMap((index) => rows[index] ?? []);
    const [worst] = mine.toSorted((a, b) => badness(a) - badness(b));
    if (worst === undefined) return [];
    const most = (measure: (row: Row) => number | null): number | null =>
      mine.some((row) => measure(row) === null) ? null : Math.max(...mine.map((row) => measure(row) ?? 0));
    const split = mine.some(({ owners }) => owners.join() !== worst.owners.join());
    const verdict = split && worst.verdict === "fine" ? "split" : worst.verdict;
    return [
      {
        ...worst,
        subject: `group ${name}`,
        verdict,
        owners: [...new Set(mine.flatMap(({ owners }) => owners))],
        withoutOwnerMs: most((row) => row.withoutOwnerMs),
        withoutServiceMs: most((row) => row.withoutServiceMs),
        twoOwnersMs: most((row) => row.twoOwnersMs),
        moves: mine.some(({ moves }) => moves),
        movesBack: backOf(mine),
      },
    ];
  });
}

function backOf(rows: readonly Row[]): boolean | null {
  const moved = rows.filter(({ movesBack }) => movesBack !== null);
  return moved.length === 0 ? null : moved.every(({ movesBack }) => movesBack);
}
