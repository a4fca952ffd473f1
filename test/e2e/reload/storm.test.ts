import { expect, test } from "bun:test";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../support/until.ts";
import { quantile } from "../process/load.ts";
import { proxyPid, snapshot } from "../process/stand.ts";
import { reload } from "./reloading.ts";
import { Storm, type StormOutcome } from "./storm.ts";
import { version } from "./versions.ts";

/** test/bench/reloadStorm.ts asks for more. */
const CONNECTIONS = Number(process.env.STORM_CONNECTIONS ?? 2000);
const RELOADS = Number(process.env.STORM_RELOADS ?? 20);
const SIZE = { clients: 8, transfers: 2, idle: 10, pieces: 60 };

test(`${RELOADS} reloads under a storm: not one failed connect, reset or corrupt byte, and counters go on`, async () => {
  const echoes = (await Promise.all([1, 2, 3].map(() => serve({ kind: "echo" })))).map(({ address }) => address);
  const ports = [freePort(), freePort()] as const;
  const proxy = await startProxy(version(0, echoes, ports));
  const pid = proxyPid(proxy);
  const startedMs = performance.now();
  const storm = new Storm(ports[0], SIZE);
  await storm.prod();
  const reloadMs: number[] = [];
  for (let round = 1; round <= RELOADS; round++) {
    const wanted = (CONNECTIONS * round) / (RELOADS + 1);
    await until("traffic", () => storm.served >= wanted, { timeoutMs: 600_000 });
    const fromMs = performance.now();
    await reload(proxy, version(round, echoes, ports));
    reloadMs.push(performance.now() - fromMs);
    if (round % 5 === 0) await storm.prod();
  }
  await until("the rest", () => storm.served >= CONNECTIONS, { timeoutMs: 600_000 });
  const outcome = await storm.stop();
  if (process.env.STORM_CONNECTIONS !== undefined)
    console.log(report(outcome, reloadMs, performance.now() - startedMs));
  expect([...outcome.short.failed]).toEqual([]);
  expect(outcome.broken).toEqual([]);
  expect(outcome.transfers).toBeGreaterThan(0);
  const { process: running, listens } = await snapshot(proxy);
  expect([running.pid, running.restarts]).toEqual([pid, 0]);
  expect(listens[0]?.sessions.total).toBe(outcome.short.served + outcome.transfers + SIZE.idle);
}, 3_600_000);

function report({ short, transfers, bytes, broken }: StormOutcome, reloadMs: number[], tookMs: number): string {
  const ms = (share: number) => `${quantile(short.latenciesMs, share).toFixed(1)} ms`;
  return [
    `${short.served} short connections in ${(tookMs / 1000).toFixed(1)} s, ${transfers} transfers (${(bytes / 2 ** 30).toFixed(1)} GiB), ${SIZE.idle} idle sessions`,
    `${reloadMs.length} reloads: ctl took ${quantile(reloadMs, 0.5).toFixed(0)} ms, at most ${quantile(reloadMs, 1).toFixed(0)} ms`,
    `latency: median ${ms(0.5)}, 99.9 % ${ms(0.999)}, longest ${ms(1)}`,
    `lost: ${
      [...short.failed]
        .map(([how, count]) => `${count} ${how}`)
        .concat(broken)
        .join(", ") || "none"
    }`,
  ].join("\n");
}
