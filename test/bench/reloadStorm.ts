/**
 * Reloads under load, ours beside HAProxy's two: the same short connections, long transfers and sessions that stay, the
 * same servers, the same changes of the configuration. Prints a Markdown table, and fails when ours lost a single
 * connection. Needs haproxy and the built binary.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Plan, type StormResult, WAYS } from "./reloadPlan.ts";
import { reloadTable } from "./reloadTable.ts";

const USAGE = `usage: bun test/bench/reloadStorm.ts [options]
  --connections N  short connections served through each (default: 200000)
  --reloads N      reloads of each (default: 20)
  --way NAME       only ${WAYS.join(", ")}; may be repeated
`;

/** The plan of a command line; null asks for the help text. Throws what is wrong with it. */
function readPlan(argv: string[]): Plan | null {
  const { values } = parseArgs({
    args: argv,
    options: {
      connections: { type: "string", default: "200000" },
      reloads: { type: "string", default: "20" },
      way: { type: "string", multiple: true },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const [connections, reloads] = [Number(values.connections), Number(values.reloads)];
  if (!Number.isInteger(connections) || connections < 1) throw new Error("--connections is a whole number from 1 on");
  if (!Number.isInteger(reloads) || reloads < 1) throw new Error("--reloads is a whole number from 1 on");
  const { way } = values;
  for (const name of way ?? []) if (!WAYS.some((known) => known === name)) throw new Error(`no way "${name}"`);
  return { ways: WAYS.filter((name) => way === undefined || way.includes(name)), connections, reloads };
}

/** The measuring is done by a test file, because servers, processes and their clean-up are the test harness'. */
async function measure(plan: Plan): Promise<{ results: StormResult[]; ok: boolean }> {
  const dir = mkdtempSync(join(tmpdir(), "hl-storm-"));
  try {
    const file = join(dir, "results.jsonl");
    const rounds = join(import.meta.dir, "reloadRounds.ts");
    const child = Bun.spawn([process.execPath, "test", "--isolate", "--timeout", "3600000", rounds], {
      env: { ...process.env, RELOAD_STORM_PLAN: JSON.stringify(plan), RELOAD_STORM_FILE: file },
      stdio: ["ignore", 2, 2],
    });
    const ok = (await child.exited) === 0;
    const lines = (await Bun.file(file).exists()) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
    return { results: lines.map((line) => JSON.parse(line) as StormResult), ok };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

try {
  const plan = readPlan(process.argv.slice(2));
  if (plan === null) console.log(USAGE);
  else {
    const { results, ok } = await measure(plan);
    console.log(reloadTable(results));
    process.exitCode = ok ? 0 : 1;
  }
} catch (failure) {
  console.error(`${failure instanceof Error ? failure.message : failure}\n\n${USAGE}`);
  process.exitCode = 2;
}
