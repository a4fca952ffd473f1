/** Run by reloadStorm.ts under `bun test`: one test for each way to reload, one after the other. */
import { expect, test } from "bun:test";
import { appendFileSync } from "node:fs";
import { loadavg } from "node:os";
import { Load } from "../e2e/process/load.ts";
import { Storm } from "../e2e/reload/storm.ts";
import { type Ports, serverName, settingsOf } from "../e2e/reload/versions.ts";
import { refusingAddress, serve } from "../support/echo.ts";
import { freePort } from "../support/ports.ts";
import { until } from "../support/until.ts";
import { lossesOf } from "./reloadLosses.ts";
import type { Plan, StormResult, Way } from "./reloadPlan.ts";
import { megabytesOf, type Reloadable, startReloadable } from "./reloadProducts.ts";

/** A transfer takes longer than the time between two reloads. */
const SIZE = { clients: 8, transfers: 2, idle: 10 };
const LONGEST_ROUND_MS = 600_000;

/** A server that is DOWN is checked as often as both products do unless told otherwise. */
const DEAD_CHECK_MS = 2000;
const LONGEST_UP_MS = 20_000;

const NO_DEAD = { upMs: [], lostToDead: 0 };

const plan = JSON.parse(process.env.RELOAD_STORM_PLAN ?? "") as Plan;
const resultFile = process.env.RELOAD_STORM_FILE ?? "";

for (const way of plan.ways) {
  test(way, async () => {
    const dead = plan.deadReloads === 0 ? NO_DEAD : await reloadWithDeadServer(way, [freePort(), freePort()]);
    const result = { ...(await storm(way, [freePort(), freePort()])), ...dead };
    appendFileSync(resultFile, `${JSON.stringify(result)}\n`);
    if (!way.startsWith("haproxy-lite")) return;
    const { refused, reset, corrupt, transfersCut, idleLost, counted, sessions, countedBytes, bytes } = result;
    expect({ refused, reset, corrupt, transfersCut, idleLost }).toEqual({
      refused: 0,
      reset: 0,
      corrupt: 0,
      transfersCut: 0,
      idleLost: 0,
    });
    expect(counted).toBe(sessions);
    expect(countedBytes).toEqual([bytes, bytes]);
    expect(result.addressLost ?? 0).toBe(0);
    expect(result.upgradeMs).toHaveLength(way === "haproxy-lite upgraded" ? plan.upgrades : 0);
  });
}

async function storm(way: Way, ports: Ports): Promise<Omit<StormResult, "upMs" | "lostToDead">> {
  const echoes = await Promise.all([1, 2, 3].map(async () => (await serve({ kind: "echo" })).address));
  const product = await startReloadable(way, settingsOf(0, echoes), ports);
  const loadBefore = loadavg()[0] ?? 0;
  const traffic = new Storm(ports[0], { ...SIZE, pieces: plan.pieces });
  await traffic.prod();
  const reloadMs: number[] = [];
  const upgradeMs: number[] = [];
  const upgrades = way === "haproxy-lite upgraded" ? plan.upgrades : 0;
  for (let round = 1; round <= plan.reloads; round++) {
    const wanted = (plan.connections * round) / (plan.reloads + 1);
    await until("traffic", () => traffic.served >= wanted, { timeoutMs: LONGEST_ROUND_MS });
    reloadMs.push(await product.reload(settingsOf(round, echoes)));
    // Sessions that stay come all the time, not only before the first reload.
    traffic.visit();
    // Evenly spread among the reloads.
    const due = Math.floor((upgrades * round) / plan.reloads);
    if (upgradeMs.length < due && product.upgrade !== null) upgradeMs.push(await product.upgrade());
    await traffic.prod();
  }
  await until("the rest", () => traffic.served >= plan.connections, { timeoutMs: LONGEST_ROUND_MS });
  const left = leftOver(product);
  const outcome = await traffic.stop();
  const losses = lossesOf(outcome);
  const idle = SIZE.idle + plan.reloads;
  const sessions = outcome.short.served + outcome.transfers + idle;
  const bytes = 100 * outcome.short.served + outcome.bytes + outcome.idleBytes;
  const row = () => product.row("web", "FRONTEND");
  // Processes of before an upgrade tell in the end what they have counted.
  const isOurs = way.startsWith("haproxy-lite");
  const isWhole = async () => Number((await row())?.get("bout")) >= bytes;
  if (isOurs) await until("what is counted late", isWhole).catch(() => {});
  const last = await row();
  return {
    way,
    loadBefore,
    ...losses,
    transfers: outcome.transfers + losses.transfersCut,
    idle,
    reloadMs,
    upgradeMs,
    ...left,
    counted: Number(last?.get("stot")),
    sessions,
    countedBytes: [Number(last?.get("bin")), Number(last?.get("bout"))],
    bytes,
    addressLost: product.addressLost(),
  };
}

function leftOver(product: Reloadable): Pick<StormResult, "processes" | "oldProcesses" | "memoryMb" | "oldMemoryMb"> {
  const { current, old } = product.processes();
  const [oldMemoryMb, currentMb] = [megabytesOf(old), megabytesOf(current)];
  return {
    processes: current.length + old.length,
    oldProcesses: old.length,
    memoryMb: currentMb + oldMemoryMb,
    oldMemoryMb,
  };
}

async function reloadWithDeadServer(way: Way, ports: Ports): Promise<Pick<StormResult, "upMs" | "lostToDead">> {
  const [alive, dead] = [(await serve({ kind: "echo" })).address, refusingAddress()];
  const settings = (round: number) => ({
    ...settingsOf(0, [alive, dead, alive]),
    maxconn: 1000 + round,
    servers: [alive, dead],
    retries: 3,
    checkIntervalMs: DEAD_CHECK_MS,
  });
  const product = await startReloadable(way, settings(0), ports);
  const isDown = async (): Promise<boolean> =>
    (await product.row("web", serverName(dead)))?.get("status")?.startsWith("DOWN") === true;
  const untilDown = () => until("the dead server to be DOWN", isDown, { timeoutMs: LONGEST_UP_MS, everyMs: 2 });
  await untilDown();
  const load = new Load(ports[0], 4);
  const upMs: number[] = [];
  for (let round = 1; round <= plan.deadReloads; round++) {
    await product.reload(settings(round));
    const fromMs = performance.now();
    // The first look may see it DOWN: then it was never anything else.
    const neverUp = await isDown();
    await untilDown();
    upMs.push(neverUp ? 0 : performance.now() - fromMs);
  }
  const { failed } = await load.stop();
  return { upMs, lostToDead: [...failed.values()].reduce((sum, count) => sum + count, 0) };
}
