import { describe, expect, test } from "bun:test";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../support/until.ts";
import { childrenOf, isRunning, proxyPid, snapshot, toml } from "../process/stand.ts";
import { blocks, catchInstant, hasRelayThread, isSuccessor, seesInstant } from "./instants.ts";
import { startUpgradable, type Upgradable } from "./versions.ts";

/** Long enough for an orderly end without connections, and short enough for a lost signal to be seen. */
const END_MS = 5000;

async function startOne(port = freePort()): Promise<Upgradable> {
  return await startUpgradable(toml({ port, servers: [await serve({ kind: "echo" })] }));
}

/** It ends by itself as the README says, and nothing of it is left. */
async function expectOrderlyEnd(proxy: Upgradable, others: readonly number[] = []): Promise<void> {
  const ended = await Promise.race([proxy.process.exited, Bun.sleep(END_MS)]);
  expect(ended ?? "still running", proxy.output()).toEqual({ code: 0, signal: null });
  expect([proxyPid(proxy), ...others].filter(isRunning)).toEqual([]);
}

/** Executes the program on disk and sends a signal: just before the execution, or just after it. */
const INSTANTS = {
  async "just before the execution"(proxy: Upgradable, signal: NodeJS.Signals) {
    // On a busy host we may be looking elsewhere in that millisecond: then another upgrade is tried.
    for (let attempt = 0; attempt < 30; attempt++) {
      const from = proxy.output().length;
      proxy.process.signal("SIGUSR2");
      await proxy.process.waitFor("executing", { from });
      if (seesInstant(() => blocks(proxy.pid, signal))) {
        proxy.process.signal(signal);
        return;
      }
      await proxy.process.waitFor("upgraded from", { from });
    }
    throw new Error("a blocked signal was not seen in 30 upgrades");
  },
  async "just after it"(proxy: Upgradable, signal: NodeJS.Signals) {
    proxy.process.signal("SIGUSR2");
    await proxy.process.waitFor("executing");
    catchInstant("the new program", () => isSuccessor(proxy.pid));
    proxy.process.signal(signal);
  },
};

describe.each(Object.entries(INSTANTS))("a signal that comes %s", (_when, send) => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s stops as ever",
    async (signal) => {
      const proxy = await startOne();
      await send(proxy, signal);
      await expectOrderlyEnd(proxy);
      expect(proxy.output()).toContain(`${signal}: stopping`);
    },
    60_000,
  );

  test("SIGHUP reloads", async () => {
    const proxy = await startOne();
    await send(proxy, "SIGHUP");
    await proxy.process.waitFor("upgraded from");
    await proxy.process.waitFor(/SIGHUP: .*nothing changes: all that can change in place runs already/);
  }, 60_000);

  test("a second SIGUSR2 is told that one is under way", async () => {
    const proxy = await startOne();
    await send(proxy, "SIGUSR2");
    await proxy.process.waitFor("SIGUSR2: no upgrade: another one is under way; nothing changes");
    await proxy.process.waitFor("upgraded from");
  }, 60_000);
});

test("two SIGTERMs around the execution: the second one closes the connections at once", async () => {
  const port = freePort();
  const proxy = await startOne(port);
  const idle = client(port);
  await idle.connected;
  proxy.process.signal("SIGUSR2");
  await proxy.process.waitFor("executing");
  catchInstant("the new program", () => isSuccessor(proxy.pid));
  proxy.process.signal("SIGTERM");
  await proxy.process.waitFor("SIGTERM: stopping");
  proxy.process.signal("SIGTERM");
  await expectOrderlyEnd(proxy);
  await idle.ended;
}, 60_000);

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s at any time around an upgrade stops as ever",
  async (signal) => {
    for (const delayMs of [0, 10, 20, 30, 45, 60, 80, 100, 150, 250]) {
      const proxy = await startOne();
      proxy.process.signal("SIGUSR2");
      await Bun.sleep(delayMs);
      proxy.process.signal(signal);
      await expectOrderlyEnd(proxy);
    }
  },
  90_000,
);

test("SIGTERM in the instant in which the new proxy process says that it serves stops as ever", async () => {
  const proxy = await startOne();
  const former = proxyPid(proxy);
  proxy.process.signal("SIGUSR2");
  await proxy.process.waitFor("takes over");
  const fresh = await until("a new proxy process that was told to serve", () =>
    childrenOf(proxy.pid).find((pid) => pid !== former && hasRelayThread(pid)),
  );
  // Frozen, the supervisor finds both of them at once.
  proxy.process.signal("SIGSTOP");
  await until("it to serve", async () => (await snapshot(proxy)).process.pid === fresh);
  proxy.process.signal("SIGTERM");
  proxy.process.signal("SIGCONT");
  await expectOrderlyEnd(proxy, [former, fresh]);
}, 60_000);

test("SIGTERM while the program on disk is asked stops as ever, and leaves nothing behind", async () => {
  const proxy = await startOne();
  proxy.putScript("#!/bin/sh\nexec sleep 100\n");
  proxy.process.signal("SIGUSR2");
  const script = await until("the script", () => childrenOf(proxy.pid).find((pid) => pid !== proxyPid(proxy)));
  proxy.process.signal("SIGTERM");
  await expectOrderlyEnd(proxy);
  await until("the script to be gone", () => !isRunning(script));
}, 60_000);

test("SIGHUP before an upgrade that is rolled back reloads after it", async () => {
  const proxy = await startOne();
  const former = proxyPid(proxy);
  proxy.process.signal("SIGUSR2");
  await proxy.process.waitFor("takes over");
  proxy.process.signal("SIGHUP");
  const fresh = await until("a new proxy process", () => childrenOf(proxy.pid).find((pid) => pid !== former));
  process.kill(fresh, "SIGKILL");
  await proxy.process.waitFor("upgrade failed");
  await proxy.process.waitFor(/SIGHUP: .*nothing changes: all that can change in place runs already/);
}, 60_000);

test("SIGHUP to a program that nohup has started: no effect, after an upgrade neither", async () => {
  const proxy = await startUpgradable(toml({ port: freePort(), servers: [await serve({ kind: "echo" })] }), {
    inside: ["nohup"],
  });
  await proxy.upgrade();
  proxy.process.signal("SIGHUP");
  // Whatever it does at a hangup it has done when it has upgraded again.
  await proxy.upgrade();
  expect(proxy.output()).not.toContain("SIGHUP");
  expect(await proxy.stop()).toEqual({ code: 0, signal: null });
}, 60_000);
