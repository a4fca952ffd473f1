import { describe, expect, test } from "bun:test";
import { chmodSync, chownSync, cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { VrrpSnapshot } from "../../../src/stats/vrrpSnapshot.ts";
import { binary } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { killEverything } from "./support/faults.ts";
import { startKeepalived } from "./support/keepalived.ts";
import { DEVICE, makeLan, VIP } from "./support/lan.ts";
import { pidsOf, signal } from "./support/node.ts";
import { type OurNode, ourConfig, startOurs, untilRouter } from "./support/ours.ts";
import { holds, ownersOf, ownersUntil, waitForOwner } from "./support/owners.ts";
import { standOf, startRouter } from "./support/pair.ts";
import { startNode, V2, V3 } from "./support/profiles.ts";
import { cannotMakeLan } from "./support/skip.ts";
import { masterDownMs, SLACK_MS } from "./support/timing.ts";

const skip = cannotMakeLan();

/** Changes the configuration file and sends SIGHUP; resolves when it has said something that matches. */
async function reload({ proxy }: OurNode, change: (toml: string) => string, said: RegExp): Promise<void> {
  writeFileSync(proxy.configFile, change(readFileSync(proxy.configFile, "utf8")));
  const from = proxy.output().length;
  proxy.process.signal("SIGHUP");
  await proxy.process.waitFor(said, { from });
}

describe("nothing is left behind", () => {
  test.skipIf(skip).concurrent(
    "by the supervisor alone that was killed: its proxy process ends, the address goes, never two have it",
    async () => {
      const { lan, first } = await standOf({ profile: V2, second: "keepalived" });
      signal(first.proxy.pid, "SIGKILL");
      const seen = await ownersUntil(lan, lan.b, { timeoutMs: masterDownMs(V2, 100) + SLACK_MS });
      expect(seen).toEqual(["A", "", "B"]);
      await until("no process of ours on A", async () => (await pidsOf(lan.a)).length === 0);
      expect((await first.proxy.status()).code).toBe(3);
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "of keepalived that was killed: ours takes its address away at the start, while another has it",
    async () => {
      const lan = await makeLan();
      await startNode("keepalived", V3, lan.a, "first");
      await waitForOwner(lan, lan.a);
      await killEverything(lan.a);
      expect(await holds(lan.a)).toBe(true);
      await startRouter(lan.b, V3, "first");
      const router = await startRouter(lan.a, V3, "second");
      await waitForOwner(lan, lan.b);
      expect(router.output()).toMatch(
        /notice VRRP VI_1: removed 10\.9\.0\.100\/24 from eth0: left there by an earlier life/,
      );
      expect((await router.router()).state).toBe("BACKUP");
    },
    60_000,
  );

  test.skipIf(skip).concurrent(
    "of [vrrp] that a reload removes, in status neither; added again it is shown as it is",
    async () => {
      const { lan, first } = await standOf({ second: null });
      const { configFile } = first.proxy;
      const before = readFileSync(configFile, "utf8");
      const without = before.replace(/^\[vrrp\][\s\S]*?(?=^\[admin\])/m, "");
      await reload(first, () => without, /SIGHUP: virtual IPs: \[vrrp\] removed/);
      expect(await holds(lan.a)).toBe(false);
      const shown = async () => (await first.proxy.statusJson<{ vrrp: VrrpSnapshot | null }>()).vrrp;
      await until("nothing in status", async () => (await shown()) === null);
      // Longer than the time between two pictures.
      const sinceMs = Date.now();
      await until("still nothing", async () => (await shown()) === null && Date.now() - sinceMs > 1500);

      await reload(first, () => before, /SIGHUP: virtual IPs: \[vrrp\] added/);
      await waitForOwner(lan, lan.a);
      const { inStateMs } = await untilRouter(first, "MASTER for 1.5 s", ({ state, inStateMs }) => {
        return state === "MASTER" && inStateMs > 1500;
      });
      expect(inStateMs).toBeLessThan(10_000);
    },
    60_000,
  );
});

describe("a reload of the MASTER", () => {
  test.skipIf(skip).concurrent(
    "that adds a script and then takes it away changes the priority, and nothing else",
    async () => {
      const { lan, wire, first } = await standOf({ second: "keepalived" });
      const before = readFileSync(first.proxy.configFile, "utf8");
      const script = '[[vrrp.script]]\nname = "chk"\ncommand = ["/bin/true"]\ninterval = "100ms"\nweight = 7\n\n';
      const tracked = before
        .replace(/^\[vrrp\.instance/m, `${script}[vrrp.instance`)
        .replace(/^priority = /m, 'track_script = ["chk"]\npriority = ');
      await reload(first, () => tracked, /SIGHUP: virtual IPs: VI_1: track_script changed/);
      await wire.waitForAdvert({ from: lan.a, priority: 108 });
      const untrackedMs = Date.now();
      await reload(first, () => before, /SIGHUP: virtual IPs: VI_1: track_script changed/);
      await wire.waitForAdvert({ from: lan.a, sinceMs: untrackedMs + 50, priority: 101 });
      expect((await first.router()).counters.becameMaster).toBe(1);
      expect(await ownersOf(lan)).toBe("A");
    },
    60_000,
  );
});

describe("a sync group beside keepalived's", () => {
  test.skipIf(skip).concurrent(
    "goes over and comes back as a whole",
    async () => {
      const lan = await makeLan();
      const vips = [VIP, "10.9.0.101"] as const;
      const theirs = (name: string, vrid: number, vip: string) => `
vrrp_instance ${name} {
  state BACKUP
  interface ${DEVICE}
  virtual_router_id ${vrid}
  priority 100
  version 3
  advert_int 0.1
  virtual_ipaddress {
    ${vip}/24
  }
}`;
      await startKeepalived(lan.b, {
        config: `vrrp_sync_group G1 {\n  group {\n    VI_1\n    VI_2\n  }\n}\n${theirs("VI_1", 51, vips[0])}\n${theirs("VI_2", 52, vips[1])}\n`,
      });
      const uplink = ["link", "add", "uplink0", "type", "veth", "peer", "name", "far0"];
      await lan.a.ns.ip(...uplink);
      for (const device of ["uplink0", "far0"]) await lan.a.ns.ip("link", "set", device, "up");
      const ours = (vrid: number, vip: string) =>
        `virtual_router_id = ${vrid}\npriority = 101\nversion = 3\nadvert_int = "100ms"\nsync_group = "G1"\nvirtual_ipaddress = ["${vip}/24"]`;
      const node = await startOurs(lan.a, {
        instance: ours(51, vips[0]),
        more: `[vrrp.instance.VI_2]\ninterface = "${DEVICE}"\n${ours(52, vips[1])}\ntrack_interface = ["uplink0"]`,
      });
      for (const address of vips) await waitForOwner(lan, lan.a, { address });
      await lan.a.ns.ip("link", "set", "far0", "down");
      for (const address of vips) await waitForOwner(lan, lan.b, { address });
      await lan.a.ns.ip("link", "set", "far0", "up");
      for (const address of vips) await waitForOwner(lan, lan.a, { address });
      const moves = node.output().match(/sync group G1: all members are \w+ now/g) ?? [];
      expect(moves.map((line) => line.split(" ")[6])).toEqual(["BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER"]);
    },
    60_000,
  );
});

describe("an ordinary user's", () => {
  test.skipIf(skip).concurrent(
    "with ambient capabilities is MASTER as root's is, with notify scripts that run as that user",
    async () => {
      const lan = await makeLan();
      const dir = tmpDir();
      const [program, file, told] = ["haproxy-lite", "haproxy-lite.toml", "told"].map((name) => join(dir, name)) as [
        string,
        string,
        string,
      ];
      cpSync(binary(), program);
      const notify = `notify = ["/bin/sh", "-c", "id -u >>${told}; echo $2 >>${told}"]`;
      const socket = `[admin]\nsocket = "${dir}/admin.sock"`;
      writeFileSync(file, `${ourConfig({ instance: `${V3.ours(lan.a, "first")}\n${notify}`, more: socket })}\n`);
      for (const path of [dir, file]) chownSync(path, 65534, 65534);
      const sets = "+net_admin,+net_raw,+net_bind_service";
      const become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
      const ambient = [`--inh-caps=${sets}`, `--ambient-caps=${sets}`, "--"];
      const running = lan.a.ns.start([...become, ...ambient, program, "serve", "-c", file]);
      await running.waitFor("VI_1: BACKUP -> MASTER");
      await waitForOwner(lan, lan.a);
      await until("the script", () => existsSync(told) && readFileSync(told, "utf8").includes("MASTER"));
      expect(readFileSync(told, "utf8").split("\n")[0]).toBe("65534");
      expect(await running.stop()).toEqual({ code: 0, signal: null });
      expect(await holds(lan.a)).toBe(false);
    },
    60_000,
  );
});

describe("without the privileges", () => {
  test.skipIf(skip).concurrent(
    "neither check nor serve goes on: the sentence names them",
    async () => {
      const lan = await makeLan();
      // The binary where an ordinary user may read it.
      const dir = tmpDir();
      chmodSync(dir, 0o755);
      const [program, file] = [join(dir, "haproxy-lite"), join(dir, "haproxy-lite.toml")];
      cpSync(binary(), program);
      writeFileSync(file, ourConfig({ instance: V3.ours(lan.a, "first") }));
      const nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
      for (const command of ["check", "serve"]) {
        const said = await lan.a.ns.run([...nobody, program, command, "-c", file]);
        expect(said.code).toBe(78);
        expect(said.stderr).toMatch(/error: vrrp: virtual addresses need CAP_NET_ADMIN and CAP_NET_RAW/);
      }
    },
    60_000,
  );
});
