import { describe, expect, test } from "bun:test";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { DEVICE, makeLan, VIP } from "./support/lan.ts";
import { untilRouter } from "./support/ours.ts";
import { waitForOwner } from "./support/owners.ts";
import { type Stand, standOf, startRouter } from "./support/pair.ts";
import { V3 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";

const skip = cannotMakeLan();

/** A script that succeeds until `fail` is called, and [[vrrp.script]] for it. */
function switchable(weight: number): { table: string; fail(): void; mend(): void } {
  const dir = tmpDir();
  // Whoever the scripts run as, they must get here.
  chmodSync(dir, 0o755);
  const [script, flag] = [join(dir, "chk"), join(dir, "broken")];
  writeFileSync(script, `#!/bin/sh\n[ -e ${flag} ] && { echo "haproxy is not running" >&2; exit 3; }\nexit 0\n`);
  chmodSync(script, 0o755);
  return {
    table: `[[vrrp.script]]\nname = "chk"\ncommand = ["${script}"]\ninterval = "100ms"\nweight = ${weight}`,
    fail: () => writeFileSync(flag, ""),
    mend: () => rmSync(flag),
  };
}

const TRACK = 'track_script = ["chk"]';

/** Waits for the router on A to have this effective priority; its parts. */
async function parts({ first }: Stand, effective: number) {
  const { priority } = await untilRouter(
    first,
    `priority ${effective}`,
    (router) => router.priority.effective === effective,
  );
  return priority.parts.map(({ tracker, state, amount }) => [tracker, state, amount]);
}

describe("the priority", () => {
  test.skipIf(skip).concurrent(
    "gains a positive weight while the script succeeds; when it fails keepalived takes over, and the log has its words",
    async () => {
      const script = switchable(20);
      const stand = await standOf({
        second: "keepalived",
        a: { instance: `${TRACK}`, more: script.table },
        profile: { ...V3, ours: (host, rank) => V3.ours(host, rank).replace("priority = 101", "priority = 90") },
      });
      expect(await parts(stand, 110)).toContainEqual(["script chk", "ok", 20]);
      script.fail();
      expect(await parts(stand, 90)).toContainEqual(["script chk", "failed", 0]);
      await waitForOwner(stand.lan, stand.lan.b);
      expect(stand.first.output()).toMatch(
        /VI_1: priority 90 = 90 \+ 0 \(script chk failed\); was 110: script chk failed: exit status 3: haproxy is not running/,
      );
      expect(stand.wire.adverts({ from: stand.lan.a, priority: 0 })).toEqual([]);
      script.mend();
      await waitForOwner(stand.lan, stand.lan.a);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "loses a negative weight while the script fails, and is never less than 1 nor more than 254",
    async () => {
      const [script, file] = [switchable(-200), join(tmpDir(), "weight")];
      writeFileSync(file, "0");
      const track = `${TRACK}\ntrack_file = [{ file = "${file}", weight = 2 }]`;
      const stand = await standOf({ second: null, a: { instance: track, more: script.table } });
      script.fail();
      expect(await parts(stand, 1)).toContainEqual(["script chk", "failed", -200]);
      writeFileSync(file, "100");
      expect(await parts(stand, 101)).toContainEqual([`file ${file}`, "ok", 200]);
      script.mend();
      await parts(stand, 254);
      const { total } = (await stand.first.router()).priority;
      expect(total).toBe(301);
      // keepalived: an empty file, or one that is gone, is 0.
      rmSync(file);
      await parts(stand, 101);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "of a script without weight is FAULT: priority 0 twice, and the log says what the script said",
    async () => {
      const script = switchable(0);
      const { lan, wire, first } = await standOf({ second: "keepalived", a: { instance: TRACK, more: script.table } });
      script.fail();
      await waitForOwner(lan, lan.b);
      expect(wire.adverts({ from: lan.a, priority: 0 })).toHaveLength(2);
      expect(first.output()).toMatch(
        /VI_1: MASTER -> FAULT: script chk failed: exit status 3: haproxy is not running;/,
      );
      const status = await first.proxy.status();
      expect(status.code).toBe(1);
      expect(status.stdout).toContain("script chk failed: exit status 3: haproxy is not running");
      script.mend();
      await waitForOwner(lan, lan.a);
      expect((await first.proxy.status()).code).toBe(0);
    },
    60_000,
  );
});

describe("priority 255", () => {
  test.skipIf(skip).concurrent(
    "takes its own address back at once, whatever its trackers say, and keeps it when it stops",
    async () => {
      const lan = await makeLan();
      const script = switchable(-50);
      await lan.a.ns.ip("address", "add", `${VIP}/24`, "dev", DEVICE);
      await startRouter(lan.b, V3, "second");
      const profile = { ...V3, ours: () => V3.ours(lan.a, "first").replace("priority = 101", "priority = 255") };
      const owner = await startRouter(lan.a, profile, "first", { instance: TRACK, more: script.table });
      // The host has the address all the time; that the router is MASTER is said.
      await owner.proxy.process.waitFor(/VI_1: INIT -> MASTER: it owns the addresses \(priority 255\)/);
      await waitForOwner(lan, lan.a);
      script.fail();
      const { priority, state } = await untilRouter(owner, "the script to fail", ({ priority }) =>
        priority.parts.some((part) => part.state === "failed"),
      );
      expect([state, priority.effective]).toEqual(["MASTER", 255]);
      await owner.stop();
      expect(await lan.a.ns.ip("address", "show", "dev", DEVICE)).toContain(`inet ${VIP}/24`);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "of two routers is an error in the log, and the higher address has it",
    async () => {
      const lan = await makeLan();
      const profile = { ...V3, ours: () => V3.ours(lan.a, "first").replace("priority = 101", "priority = 255") };
      const first = await startRouter(lan.a, profile, "first");
      const second = await startRouter(lan.b, profile, "first");
      await untilRouter(first, "the lower address to yield", ({ state }) => state === "BACKUP");
      await waitForOwner(lan, lan.b);
      expect((await second.router()).state).toBe("MASTER");
      await until("the error", () => /err VRRP VI_1: two routers have priority 255/.test(first.output()));
    },
    60_000,
  );
});
