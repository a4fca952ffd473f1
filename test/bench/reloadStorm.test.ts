import { expect, test } from "bun:test";
import { measure } from "./reloadMeasure.ts";

/** The same as `bun test/bench/reloadStorm.ts` does a hundred times as long. */
const PLAN = { connections: 3000, reloads: 20, upgrades: 3, pieces: 60, deadReloads: 0 };

test("20 reloads and 3 upgrades under a storm lose nothing, count all of it, and no virtual IP moves", async () => {
  const { results, ok } = await measure({ ways: ["haproxy-lite upgraded"], ...PLAN });
  const [result] = results;
  expect(result?.reloadMs).toHaveLength(PLAN.reloads);
  expect(result?.upgradeMs).toHaveLength(PLAN.upgrades);
  expect(result?.tried).toBeGreaterThanOrEqual(PLAN.connections);
  expect(ok).toBe(true);
}, 180_000);
