import { resolve } from "node:path";
import { parseArgs } from "node:util";

const ROOT = resolve(import.meta.dir, "../..");

/** Shown by `--help`, and after a usage mistake. */
export const USAGE = `usage: bun test/bench/run.ts [options]
  --quick          two rounds, bulk to the client only: under a minute in all
  --rounds N       rounds, 1 to 50 (default: 8, fewer when four minutes would not do)
  --threads N      threads of each proxy, 1 to 64 (default: 1)
  --json FILE      where the JSON goes (default: dist/bench.json)
  --binary FILE    the haproxy-lite to measure (default: dist/haproxy-lite)
  --assert         exit 1 when a target is missed
`;

/** What one run of the bench does. */
export interface BenchOptions {
  rounds: number;
  /** Rounds are cut when the run would take longer than this; null when the user named their number. */
  budgetMs: number | null;
  /** Seconds of each measurement. */
  slotS: number;
  /** Bulk to the server is measured too. */
  upload: boolean;
  threads: number;
  jsonPath: string;
  binary: string;
  assert: boolean;
}

/** A mistake on the command line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Reads the command line; null asks for the help text. */
export function parseOptions(argv: string[]): BenchOptions | null {
  let values: ReturnType<typeof read>;
  try {
    values = read(argv);
  } catch (failure) {
    throw new UsageError(failure instanceof Error ? failure.message : String(failure));
  }
  if (values.help) return null;
  const rounds = values.rounds === undefined ? (values.quick ? 2 : 8) : integer("--rounds", values.rounds, 50);
  return {
    rounds,
    budgetMs: values.rounds === undefined ? (values.quick ? 60_000 : 240_000) : null,
    // Short slots and more rounds: a disturbance then spoils a round, not the median.
    slotS: 1,
    upload: !values.quick,
    threads: integer("--threads", values.threads, 64),
    jsonPath: resolve(values.json),
    binary: resolve(values.binary),
    assert: values.assert,
  };
}

function read(argv: string[]) {
  return parseArgs({
    args: argv,
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      threads: { type: "string", default: "1" },
      json: { type: "string", default: resolve(ROOT, "dist/bench.json") },
      binary: { type: "string", default: resolve(ROOT, "dist/haproxy-lite") },
      assert: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  }).values;
}

function integer(flag: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > max)
    throw new UsageError(`${flag} takes a whole number from 1 to ${max}, not ${JSON.stringify(text)}`);
  return value;
}
