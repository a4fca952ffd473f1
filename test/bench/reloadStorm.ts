/**
 * Reloads and upgrades under load, ours beside HAProxy's two: the same short connections, long transfers and sessions that stay, the
 * same servers, the same changes of the configuration. Prints a Markdown table, and fails when ours lost a single
 * connection. Needs haproxy and the built binary.
 */
import { parseArgs } from "node:util";
import { measure } from "./reloadMeasure.ts";
import { type Plan, WAYS } from "./reloadPlan.ts";
import { reloadTable } from "./reloadTable.ts";

const USAGE = `usage: bun test/bench/reloadStorm.ts [options]
  --connections N  short connections served through each (default: 200000)
  --reloads N      reloads of each (default: 20)
  --upgrades N     upgrades among them, where that is the way (default: 3)
  --way NAME       only ${WAYS.join(", ")}; may be repeated
`;

/** A transfer takes longer than the time between two reloads. */
const LONG = { pieces: 600, deadReloads: 5 };

/** The plan of a command line; null asks for the help text. Throws what is wrong with it. */
function readPlan(argv: string[]): Plan | null {
  const { values } = parseArgs({
    args: argv,
    options: {
      connections: { type: "string", default: "200000" },
      reloads: { type: "string", default: "20" },
      upgrades: { type: "string", default: "3" },
      way: { type: "string", multiple: true },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const [connections, reloads, upgrades] = [values.connections, values.reloads, values.upgrades].map(Number) as [
    number,
    number,
    number,
  ];
  if (!Number.isInteger(connections) || connections < 1) throw new Error("--connections is a whole number from 1 on");
  if (!Number.isInteger(reloads) || reloads < 1) throw new Error("--reloads is a whole number from 1 on");
  if (!Number.isInteger(upgrades) || upgrades < 0 || upgrades > reloads)
    throw new Error("--upgrades is a whole number, at most that of the reloads");
  const { way } = values;
  for (const name of way ?? []) if (!WAYS.some((known) => known === name)) throw new Error(`no way "${name}"`);
  return {
    ways: WAYS.filter((name) => way === undefined || way.includes(name)),
    connections,
    reloads,
    upgrades,
    ...LONG,
  };
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
