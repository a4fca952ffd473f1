import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { until } from "../../support/until.ts";
import { makeLan, VIP } from "./support/lan.ts";
import { type OurNode, startOurs } from "./support/ours.ts";
import { ownersOf, waitForOwner } from "./support/owners.ts";
import { type Answer, startEcho, startProber } from "./support/prober.ts";
import { V3 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";
import { masterDownMs } from "./support/timing.ts";
import { longestPauseMs, record } from "./support/wire.ts";

const skip = cannotMakeLan();

/** Text of a server of the listen, and of another listen, in front of what they are put before. */
const SECOND = '[[listen.tcp_service_a.server]]\nname = "tcp_service_a_02"\naddress = "10.9.0.3:5002"\n\n';
const OTHER = `[listen.other]\nbind = "${VIP}:14901"\n[[listen.other.server]]\nname = "o"\naddress = "10.9.0.3:5002"\n\n`;

/** One change after the other, of listens and servers, and a word of the plan that it comes to. */
const CHANGES: readonly (readonly [change: (toml: string) => string, said: RegExp])[] = [
  [(toml) => toml.replace("[vrrp]", `${SECOND}[vrrp]`), /tcp_service_a_02 added/],
  [(toml) => toml.replace("[vrrp]", `${OTHER}[vrrp]`), /listen other added/],
  [(toml) => toml.replace('log = "off"', 'log = "off"\nbalance = "leastconn"\nretries = 1'), /balance/],
  [(toml) => toml.replace(/^name = "tcp_service_a_01"\naddress = .*:5001"$/m, "$&\nweight = 5"), /weight 1 -> 5/],
  [(toml) => toml.replace(SECOND, "").replace(OTHER, ""), /listen other removed/],
];

/** Changes the configuration file and tells the program; resolves when it is applied. */
async function reload(node: OurNode, change: (toml: string) => string, said: RegExp): Promise<void> {
  const { configFile } = node.proxy;
  writeFileSync(configFile, change(readFileSync(configFile, "utf8")));
  const from = node.output().length;
  node.proxy.process.signal("SIGHUP");
  await node.proxy.process.waitFor(/is applied, without a restart/, { from });
  expect(node.output().slice(from)).toMatch(said);
}

function longestSilenceMs(answers: readonly Answer[]): number {
  return Math.max(...answers.slice(1).map(({ atMs }, i) => atMs - (answers[i]?.atMs ?? atMs)));
}

test.skipIf(skip)(
  "five reloads of listens and servers under traffic: the address never moves, and no advert is late by an interval",
  async () => {
    const lan = await makeLan();
    const wire = await record(lan);
    const [one] = [await startEcho(lan.c, 5001, "one"), await startEcho(lan.c, 5002, "two")];
    const second = await startOurs(lan.b, { instance: V3.ours(lan.b, "second"), server: one.address });
    const first = await startOurs(lan.a, { instance: V3.ours(lan.a, "first"), server: one.address });
    await waitForOwner(lan, lan.a);
    const prober = await startProber(lan.c);
    await prober.waitFor({ name: "one" });
    const becameMaster = (await second.router()).counters.becameMaster;
    const sinceMs = Date.now();
    const monitor = lan.b.ns.start(["ip", "monitor", "address"]);
    await until("the monitor to see", async () => {
      await lan.b.ns.ip("address", "replace", "127.0.0.77/8", "dev", "lo");
      return monitor.output().includes("127.0.0.77");
    });

    const names = new Set<string>();
    for (const [change, said] of CHANGES) {
      const reloadMs = Date.now();
      // The other host has the same file in the end: it is reloaded as well, and stays BACKUP.
      await Promise.all([first, second].map((node) => reload(node, change, said)));
      await until("5 adverts after it", () => wire.adverts({ from: lan.a, sinceMs: reloadMs }).length >= 5);
      await until("10 answers after it", () => prober.answers(reloadMs).length >= 10);
      for (const { name } of prober.answers(reloadMs)) names.add(name);
      expect(await ownersOf(lan)).toBe("A");
    }

    // Both servers had their share, so the changes were real ones.
    expect([...names].sort()).toEqual(["one", "two"]);
    expect(wire.adverts({ sinceMs }).filter(({ priority, mac }) => priority !== 101 || mac !== lan.a.mac)).toEqual([]);
    expect((await first.router()).counters.becameMaster).toBe(1);
    expect((await second.router()).counters.becameMaster).toBe(becameMaster);
    // Nobody has so much as touched the address on the other host.
    expect(monitor.output()).not.toContain(VIP);
    expect(longestPauseMs(wire.adverts({ from: lan.a, sinceMs }))).toBeLessThan(2 * V3.advertMs);
    // Had it moved and come back, the client would have been without an answer for longer.
    expect(longestSilenceMs(prober.answers(sinceMs))).toBeLessThan(masterDownMs(V3, V3.priorities.second));
  },
  60_000,
);
