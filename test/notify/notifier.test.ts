import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { Notifier, type NotifyConfig } from "../../src/notify/notifier.ts";
import type { NotifyScripts } from "../../src/notify/scripts.ts";
import { freePort } from "../support/ports.ts";
import { start } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { until } from "../support/until.ts";
import { change } from "./changes.ts";
import { fifoReader } from "./fifoReader.ts";
import { haveMailServer, mailConfig, mailServer } from "./mailServer.ts";
import { talk } from "./smtpTalk.ts";
import { worldWith } from "./world.ts";

/** A notifier in a directory of its own, with a FIFO there, and a script that logs its arguments. */
function bench(mail: NotifyConfig["mail"]) {
  const directory = tmpDir();
  const [fifo, log, script] = [join(directory, "fifo"), join(directory, "log"), join(directory, "script")];
  writeFileSync(log, "");
  writeFileSync(script, `#!/bin/sh\necho "$*" >> ${log}\n`);
  chmodSync(script, 0o755);
  const own = (name: string): string[] => [script, name];
  const scripts: NotifyScripts = {
    any: [script, "any"],
    master: own("master"),
    backup: own("backup"),
    fault: own("fault"),
    stop: own("stop"),
    deleted: null,
    masterRxLowerPri: own("rival"),
  };
  const world = worldWith(systemClock);
  const config: NotifyConfig = { routerId: "lb01", notifyFifo: fifo, mail };
  return {
    notifier: new Notifier(config, world),
    config,
    world,
    fifo,
    directory,
    scripts,
    told: () => readFileSync(log, "utf8").split("\n").filter(Boolean),
  };
}

describe.skipIf(!haveMailServer)("a notifier", () => {
  test("tells scripts, the FIFO and the mail server of a life from BACKUP to STOP", async () => {
    const port = freePort();
    const server = await mailServer(port);
    const { notifier, scripts, fifo, told, world } = bench(mailConfig(port));
    await notifier.start();
    const lines = start(["cat", fifo]);
    notifier.changed(change("BACKUP"), scripts, true);
    await until("the first", () => told().length === 2);
    notifier.changed(change("MASTER"), scripts, true);
    notifier.changed(change("MASTER", { kind: "GROUP", instance: "G1", priority: 0 }), null, true);
    await until("the second", () => told().length === 4);
    notifier.rival({ instance: "VI_1", priority: 101 }, scripts);
    await until("the third", () => told().length === 5);
    await lines.waitFor("MASTER_RX_LOWER_PRI");
    notifier.changed(change("STOP"), scripts, true);
    await notifier.stop(5000);
    expect(told()).toEqual([
      "backup",
      "any INSTANCE VI_1 BACKUP 101",
      "master",
      "any INSTANCE VI_1 MASTER 101",
      "rival",
      "stop",
      "any INSTANCE VI_1 STOP 101",
    ]);
    expect(await lines.exited).toEqual({ code: 0, signal: null });
    expect(lines.stdout().split("\n")).toEqual([
      'INSTANCE "VI_1" BACKUP 101',
      'INSTANCE "VI_1" MASTER 101',
      'GROUP "G1" MASTER 0',
      'INSTANCE "VI_1" MASTER_RX_LOWER_PRI 101',
      'INSTANCE "VI_1" STOP 101',
      "",
    ]);
    expect(server.received().map(({ headers }) => headers.Subject)).toEqual([
      "[lb01] VRRP Instance VI_1 - Entering BACKUP state",
      "[lb01] VRRP Instance VI_1 - Entering MASTER state",
      "[lb01] VRRP Group G1 - Entering MASTER state",
      "[lb01] VRRP Instance VI_1 - Stopping",
    ]);
    expect(world.lines).toEqual([]);
    expect(existsSync(fifo)).toBe(false);
  });

  test("sends no mail for an instance that wants none", async () => {
    const port = freePort();
    const server = await mailServer(port);
    const { notifier, scripts, told } = bench(mailConfig(port));
    await notifier.start();
    notifier.changed(change("MASTER"), scripts, false);
    await until("the scripts", () => told().length === 2);
    notifier.changed(change("STOP"), scripts, true);
    await notifier.stop(5000);
    expect(server.received()).toHaveLength(1);
  });

  test("goes by a new configuration without losing mails that wait", async () => {
    const port = freePort();
    const server = await mailServer(port);
    const { notifier, scripts, config, world, fifo, directory } = bench(mailConfig(freePort()));
    await notifier.start();
    notifier.changed(change("MASTER"), scripts, true);
    await until("a refused connection", () => world.lines.length === 1);
    const other = join(directory, "other");
    notifier.reconfigure({ ...config, notifyFifo: other, mail: mailConfig(port) });
    expect([existsSync(fifo), existsSync(other)]).toEqual([false, true]);
    await until("the mail", () => server.received().length === 1);
    await notifier.stop(1000);
  });
});

test("a notifier does not make its caller wait, whoever hangs", async () => {
  const hanging = talk([]);
  const { notifier, scripts, world } = bench(mailConfig(hanging, { connectTimeoutMs: 60_000 }));
  await notifier.start();
  notifier.changed(change("BACKUP"), scripts, true);
  const took: number[] = [];
  for (let i = 0; i < 2000; i++) {
    const startMs = performance.now();
    notifier.changed(change(i % 2 === 0 ? "MASTER" : "BACKUP"), scripts, true);
    took.push(performance.now() - startMs);
  }
  // The median, for the machine may have other things to do now and then.
  expect(took.sort((a, b) => a - b)[1000]).toBeLessThan(1);
  const startMs = performance.now();
  await notifier.stop(300);
  expect(performance.now() - startMs).toBeLessThan(2000);
  expect(world.lines.at(-1)).toMatch(/never read$|not delivered before the stop$/);
});

test("an instance that a reload took away is FAULT for scripts and readers of old, but not for people", async () => {
  const { notifier, scripts, fifo, told } = bench(null);
  await notifier.start();
  const read = fifoReader(fifo);
  notifier.changed(change("DELETED"), scripts, true);
  await notifier.stop(5000);
  expect(read()).toBe('INSTANCE "VI_1" FAULT 101\n');
  expect(told()).toEqual(["fault", "any INSTANCE VI_1 FAULT 101"]);
});
