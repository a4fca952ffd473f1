import { expect } from "bun:test";
import { serve } from "../../support/echo.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../support/until.ts";
import { Load } from "../process/load.ts";
import { liveClient, snapshot, toml, type Wishes } from "../process/stand.ts";

/** A configuration with one server that answers checks and one that does not, and where it listens. */
export async function crossable(wishes: Partial<Wishes> = {}): Promise<{ text: string; port: number }> {
  const [echo, port] = [await serve({ kind: "echo" }), wishes.port ?? freePort()];
  const check = 'interval = "30s"\nfast_interval = "50ms"\ndown_interval = "30s"';
  const log = 'address = "stdout"\nlevel = "notice"';
  return { port, text: toml({ servers: [echo, `127.0.0.1:${freePort()}`], threads: 2, check, log, ...wishes, port }) };
}

/**
 * Upgrades in the midst of traffic, and expects that nobody notices: every exchange is served, whoever is connected stays,
 * and the states, counters and the supervisor's pid are what they were.
 */
export async function expectCrossing(
  proxy: { readonly adminSocket: string },
  port: number,
  upgrade: () => Promise<unknown>,
): Promise<void> {
  const states = async () => (await snapshot(proxy)).listens[0]?.servers.map(({ status }) => status);
  await until("the check to notice", async () => (await states())?.join() === "UP,DOWN", { timeoutMs: 10_000 });
  const before = await snapshot(proxy);
  const idle = await liveClient(port);
  const load = new Load(port, 4);
  await until("traffic", () => load.outcomes.served > 50);
  await upgrade();
  const { served } = load.outcomes;
  await until("traffic again", () => load.outcomes.served > served + 50);
  const outcomes = await load.stop();
  expect([...outcomes.failed]).toEqual([]);
  await idle.send("still here");
  await idle.receive("still here");
  idle.fin();
  const total = outcomes.served + 1;
  await until("the former proxy process to have told what it counted", async () => {
    const { listens, process } = await snapshot(proxy);
    return listens[0]?.sessions.total === total && process.connections.total === total;
  });
  const after = await snapshot(proxy);
  expect(after.process).toMatchObject({ supervisorPid: before.process.supervisorPid, restarts: 0 });
  expect(after.process.pid).not.toBe(before.process.pid);
  expect(after.process.proxyUptimeMs).toBeGreaterThan(before.process.proxyUptimeMs);
  const [, down] = after.listens[0]?.servers ?? [];
  expect(down).toMatchObject({ status: "DOWN", check: { last: { status: "L4CON" } } });
  expect(down?.inStateMs).toBeGreaterThan(before.listens[0]?.servers[1]?.inStateMs ?? Infinity);
}
