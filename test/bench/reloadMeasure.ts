import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Plan, StormResult } from "./reloadPlan.ts";

/** Interface of a network that consists of this program alone. */
const DEVICE = "eth0";
const LONGEST_MS = 3_600_000;

/**
 * Carries out a plan; `ok`: ours lost nothing. The measuring is done by a test file, because servers, processes and their
 * clean-up are the test harness'. As root it has a network of its own, and ours a virtual IP in it.
 */
export async function measure(plan: Plan): Promise<{ results: StormResult[]; ok: boolean }> {
  const dir = mkdtempSync(join(tmpdir(), "hl-storm-"));
  try {
    const file = join(dir, "results.jsonl");
    const rounds = [
      process.execPath,
      "test",
      "--isolate",
      "--timeout",
      String(LONGEST_MS),
      join(import.meta.dir, "reloadRounds.ts"),
    ];
    const isRoot = process.geteuid?.() === 0 && Bun.which("unshare") !== null && Bun.which("ip") !== null;
    const child = Bun.spawn(isRoot ? [...apart(), ...rounds] : rounds, {
      env: {
        ...process.env,
        RELOAD_STORM_PLAN: JSON.stringify(plan),
        RELOAD_STORM_FILE: file,
        RELOAD_STORM_DEVICE: isRoot ? DEVICE : undefined,
      },
      stdio: ["ignore", 2, 2],
    });
    const ok = (await child.exited) === 0;
    const lines = (await Bun.file(file).exists()) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
    return { results: lines.map((line) => JSON.parse(line) as StormResult), ok };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A command line that runs the one behind it in a network of its own; that goes away with the last process in it. */
function apart(): string[] {
  const steps = [
    "ip link set lo up",
    `ip link add ${DEVICE} type veth peer name far0`,
    "ip link set far0 up",
    `ip address add 192.0.2.1/24 dev ${DEVICE}`,
    `ip link set ${DEVICE} up`,
    'exec "$@"',
  ];
  return ["unshare", "--net", "--", "sh", "-ec", steps.join("; "), "sh"];
}
