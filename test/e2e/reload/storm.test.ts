import { expect, test } from "bun:test";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../support/until.ts";
import { proxyPid, snapshot } from "../process/stand.ts";
import { reload } from "./reloading.ts";
import { Storm } from "./storm.ts";
import { version } from "./versions.ts";

/** test/bench/reloadStorm.ts does more of them. */
const CONNECTIONS = 2000;
const RELOADS = 20;
const SIZE = { clients: 8, transfers: 2, idle: 10, pieces: 60 };

test(`${RELOADS} reloads under a storm: not one failed connect, reset or corrupt byte, and counters go on`, async () => {
  const echoes = (await Promise.all([1, 2, 3].map(() => serve({ kind: "echo" })))).map(({ address }) => address);
  const ports = [freePort(), freePort()] as const;
  const proxy = await startProxy(version(0, echoes, ports));
  const pid = proxyPid(proxy);
  const storm = new Storm(ports[0], SIZE);
  await storm.prod();
  for (let round = 1; round <= RELOADS; round++) {
    const wanted = (CONNECTIONS * round) / (RELOADS + 1);
    await until("traffic", () => storm.served >= wanted, { timeoutMs: 60_000 });
    await reload(proxy, version(round, echoes, ports));
    if (round % 5 === 0) await storm.prod();
  }
  await until("the rest", () => storm.served >= CONNECTIONS, { timeoutMs: 60_000 });
  const outcome = await storm.stop();
  expect([...outcome.short.failed]).toEqual([]);
  expect(outcome.broken).toEqual([]);
  expect(outcome.transfers).toBeGreaterThan(0);
  const { process: running, listens } = await snapshot(proxy);
  expect([running.pid, running.restarts]).toEqual([pid, 0]);
  expect(listens[0]?.sessions.total).toBe(outcome.short.served + outcome.transfers + SIZE.idle);
}, 120_000);
