/**
 * How long a client is without an answer when the owner of the virtual IP fails: a pair of ours, and the classic pair
 * of keepalived and haproxy under the same faults, in network namespaces. Prints a Markdown table. Needs root, the
 * real programs, and the built binary.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { summarize } from "./stats.ts";
import { formatNumber, renderTable } from "./table.ts";
import { FAULTS, type Gap, PAIRS, type Plan, TIMERS } from "./vrrpPlan.ts";

const USAGE = `usage: bun test/bench/vrrpGaps.ts [options]
  --rounds N       faults of each kind, 1 to 50 (default: 5)
  --pair NAME      only ${PAIRS.join(" or ")}; may be repeated
  --timers NAME    only ${TIMERS.join(", ")}; may be repeated
  --fault NAME     only ${FAULTS.join(", ")}; may be repeated
`;

function chosen<T extends string>(
  what: string,
  all: readonly T[],
  wanted: readonly string[] | undefined,
): readonly T[] {
  for (const name of wanted ?? []) if (!all.some((known) => known === name)) throw new Error(`no ${what} "${name}"`);
  return wanted === undefined ? all : all.filter((name) => wanted.includes(name));
}

/** The plan of a command line; null asks for the help text. Throws what is wrong with it. */
function readPlan(argv: string[]): Plan | null {
  const list = { type: "string", multiple: true } as const;
  const { values } = parseArgs({
    args: argv,
    options: {
      rounds: { type: "string", default: "5" },
      pair: list,
      timers: list,
      fault: list,
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 50) throw new Error("--rounds is a number from 1 to 50");
  return {
    rounds,
    pairs: chosen("pair", PAIRS, values.pair),
    timers: chosen("timers", TIMERS, values.timers),
    faults: chosen("fault", FAULTS, values.fault),
  };
}

/** The measuring is done by a test file, because namespaces, processes and their clean-up are the test harness'. */
async function measure(plan: Plan): Promise<{ gaps: Gap[]; ok: boolean }> {
  const dir = mkdtempSync(join(tmpdir(), "hl-gaps-"));
  try {
    const file = join(dir, "gaps.jsonl");
    const rounds = join(import.meta.dir, "vrrpGapRounds.ts");
    // A round takes two elections, a failover and a few starts: seldom more than 20 s.
    const timeoutMs = plan.rounds * plan.faults.length * 60_000;
    const child = Bun.spawn([process.execPath, "test", "--isolate", "--timeout", String(timeoutMs), rounds], {
      env: { ...process.env, VRRP_GAPS_PLAN: JSON.stringify(plan), VRRP_GAPS_FILE: file },
      stdio: ["ignore", 2, 2],
    });
    const ok = (await child.exited) === 0;
    const lines = (await Bun.file(file).exists()) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
    return { gaps: lines.map((line) => JSON.parse(line) as Gap), ok };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Median and extremes in ms; how many rounds saw no failover, if any. */
function cell(gaps: readonly Gap[]): string {
  const sum = summarize(gaps.map(({ gapMs }) => gapMs));
  const without = gaps.filter(({ gapMs }) => gapMs === null).length;
  if (gaps.length === 0) return "";
  if (sum === null) return "no failover";
  const [median, min, max] = [sum.median, sum.min, sum.max].map((ms) => formatNumber(ms, 0));
  return `${median} [${min}–${max}]${without === 0 ? "" : `, ${without} without`}`;
}

function table({ faults, timers, pairs }: Plan, gaps: readonly Gap[]): string {
  const columns = timers.flatMap((timer) => pairs.map((pair) => ({ timer, pair })));
  return renderTable(
    ["client without answer, ms", ...columns.map(({ timer, pair }) => `${timer}, ${pair}`)],
    faults.map((fault) => [
      fault,
      ...columns.map(({ timer, pair }) =>
        cell(gaps.filter((gap) => gap.fault === fault && gap.timers === timer && gap.pair === pair)),
      ),
    ]),
  );
}

try {
  const plan = readPlan(process.argv.slice(2));
  if (plan === null) console.log(USAGE);
  else {
    const { gaps, ok } = await measure(plan);
    console.log(table(plan, gaps));
    process.exitCode = ok ? 0 : 1;
  }
} catch (failure) {
  console.error(`${failure instanceof Error ? failure.message : failure}\n\n${USAGE}`);
  process.exitCode = 2;
}
