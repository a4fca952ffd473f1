import { describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, run } from "../../support/process.ts";
import { serviceManager } from "../../support/serviceManager.ts";
import { tmpDir } from "../../support/tmp.ts";
import { root } from "../../support/tools.ts";
import { until } from "../../support/until.ts";
import { isRunning, procStatus, proxyPid, snapshot } from "../process/stand.ts";
import { SERVICE_PORT } from "../vrrp/support/keepalived.ts";
import { makeLan, VIP } from "../vrrp/support/lan.ts";
import { ourConfig } from "../vrrp/support/ours.ts";
import { ownersOf, waitForOwner } from "../vrrp/support/owners.ts";
import { startEcho, startProber } from "../vrrp/support/prober.ts";
import { V3 } from "../vrrp/support/profiles.ts";
import { cannotMakeLan } from "../vrrp/support/skip.ts";
import { longestPauseMs, record } from "../vrrp/support/wire.ts";
import { crossable, expectCrossing } from "./crossing.ts";
import { compiledVariants, NEXT, startUpgradable } from "./versions.ts";

const versions = compiledVariants("next", "crashingProxy");
const NO_CAPABILITIES = "0".repeat(16);

/** An upgrade to another version, and back to one whose proxy process does not come up. */
async function expectAll(wishes: Parameters<typeof crossable>[0], inside: string[]): Promise<number[]> {
  const { text, port } = await crossable(wishes);
  const proxy = await startUpgradable(text, { inside });
  proxy.put(versions.next);
  await expectCrossing(proxy, port, () => proxy.upgrade());
  expect((await snapshot(proxy)).process.version).toBe(NEXT);
  const serving = proxyPid(proxy);
  proxy.put(versions.crashingProxy);
  await proxy.upgrade(/upgrade failed/);
  expect((await snapshot(proxy)).process.pid).toBe(serving);
  return [proxy.pid, serving];
}

describe.skipIf(process.arch !== "x64")("an upgrade on a kernel that knows no system call newer than", () => {
  test.each([
    ["4.18 (RHEL 8)", 334],
    ["3.10 (RHEL 7)", 313],
  ])(
    "Linux %s",
    async (_, last) => {
      const confine = join(import.meta.dir, "../../support/confine.ts");
      const inside = [process.execPath, confine, "--no-syscalls-after", String(last), "--"];
      const global = `${root() ? 'user = "daemon"\n' : ""}pidfile = "${join(tmpDir(), "lite.pid")}"`;
      const [supervisor = 0, serving = 0] = await expectAll({ global }, inside);
      expect([supervisor, serving].map((pid) => procStatus(pid, "Seccomp"))).toEqual(["2", "2"]);
    },
    60_000,
  );
});

test.skipIf(!root())(
  "an upgrade in a chroot: the new proxy process is locked in as the former was",
  async () => {
    const dir = join(tmpDir(), "jail");
    mkdirSync(dir);
    for (const path of [join(dir, ".."), dir]) chmodSync(path, 0o755);
    const [supervisor = 0, serving = 0] = await expectAll({ global: `user = "daemon"\nchroot = "${dir}"` }, []);
    expect([supervisor, serving].map((pid) => readlinkSync(`/proc/${pid}/root`))).toEqual(["/", dir]);
    expect(procStatus(serving, "Uid")).toBe("1\t1\t1\t1");
    expect(procStatus(serving, "CapPrm")).toBe(NO_CAPABILITIES);
  },
  60_000,
);

test.skipIf(!root() || cannotMakeLan())(
  "an upgrade of an ordinary user's with ambient capabilities: privileged port and virtual IP stay",
  async () => {
    const lan = await makeLan();
    const wire = await record(lan);
    const { address } = await startEcho(lan.c, 5001, "one");
    const config = ourConfig({
      instance: V3.ours(lan.a, "first"),
      server: address,
      listen: `bind = [":${SERVICE_PORT}", ":88"]`,
    });
    const sets = "+net_bind_service,+net_admin,+net_raw";
    // The file, and the directory of the admin socket, are to be that user's.
    const become = `chown -R daemon "$(dirname "$4")"; exec setpriv --reuid=daemon --regid=daemon --clear-groups --inh-caps=${sets} --ambient-caps=${sets} -- "$@"`;
    const proxy = await startUpgradable(config, { inside: lan.a.ns.inside(["sh", "-c", become, "sh"]) });
    await waitForOwner(lan, lan.a);
    const prober = await startProber(lan.c);
    await prober.waitFor({ name: "one" });
    const [serving, sinceMs] = [proxyPid(proxy), Date.now()];
    proxy.put(versions.next);
    await proxy.upgrade();
    const upgradedMs = Date.now();
    await until("traffic again", () => prober.answers(upgradedMs).length >= 10);
    expect(proxyPid(proxy)).not.toBe(serving);
    expect(await ownersOf(lan)).toBe("A");
    expect(longestPauseMs(wire.adverts({ sinceMs }))).toBeLessThan(3.6 * V3.advertMs);
    const ages = prober.answers(sinceMs).map(({ atMs }) => atMs);
    expect(Math.max(...ages.slice(1).map((atMs, n) => atMs - (ages[n] ?? atMs)))).toBeLessThan(1000);
    for (const pid of [proxy.pid, proxyPid(proxy)]) expect(procStatus(pid, "Uid")).toBe("1\t1\t1\t1");
    expect(procStatus(proxyPid(proxy), "CapPrm")).toBe(NO_CAPABILITIES);
    const low = await lan.c.ns.run(["sh", "-c", `echo . | socat -t2 - TCP:${VIP}:88`]);
    expect(low.stdout).toStartWith("one");
  },
  60_000,
);

test("an upgrade of a daemon: detached as before, and its pid file still names it", async () => {
  const dir = tmpDir();
  const at = (name: string) => join(dir, name);
  const { text, port } = await crossable({
    global: `daemon = true\npidfile = "${at("pid")}"`,
    more: `[admin]\nsocket = "${at("admin.sock")}"`,
  });
  chmodSync(dir, 0o755);
  copyFileSync(binary(), at("haproxy-lite"));
  writeFileSync(at("file.toml"), text);
  expect((await run([at("haproxy-lite"), "serve", "-c", at("file.toml")])).code).toBe(0);
  const pid = Number(readFileSync(at("pid"), "utf8"));
  const session = () => readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ").slice(1, 4).join();
  const before = session();
  copyFileSync(versions.next, at("new"));
  expect((await run(["mv", at("new"), at("haproxy-lite")])).code).toBe(0);
  const proxy = { adminSocket: at("admin.sock") };
  await expectCrossing(proxy, port, async () => {
    process.kill(pid, "SIGUSR2");
    await until("the new version", async () => (await snapshot(proxy)).process.version === NEXT, { timeoutMs: 20_000 });
  });
  expect(readFileSync(at("pid"), "utf8")).toBe(`${pid}\n`);
  expect(session()).toBe(before as string);
  const again = await run([at("haproxy-lite"), "serve", "-c", at("file.toml")]);
  expect(again.stderr).toContain(`another instance is running with pid ${pid}`);
  process.kill(pid, "SIGTERM");
  await until("the daemon to end", () => !isRunning(pid));
}, 60_000);

test("an upgrade under a service manager: RELOADING, then READY with the same main pid, also when it is rolled back", async () => {
  const manager = serviceManager(join(tmpDir(), "notify"));
  const { text, port } = await crossable();
  const env = { NOTIFY_SOCKET: manager.address, WATCHDOG_USEC: "6000000" };
  const proxy = await startUpgradable(text, { env });
  await manager.waitFor("READY=1");
  const told = (from: number) =>
    manager
      .heard()
      .slice(from)
      .map(({ text }) => text.split("\n"));
  const phases = (from: number) =>
    told(from).flatMap(([first = ""]) => (/^(STATUS|WATCHDOG)/.test(first) ? [] : [first]));
  for (const [version, said] of [
    ["next", /upgraded from/],
    ["crashingProxy", /upgrade failed/],
  ] as const) {
    const from = manager.heard().length;
    proxy.put(versions[version]);
    if (version === "next") await expectCrossing(proxy, port, () => proxy.upgrade(said));
    else await proxy.upgrade(said);
    await manager.waitFor("READY=1", { from });
    expect(phases(from)).toEqual(["RELOADING=1", "READY=1"]);
    const [reloading, ready] = told(from).filter(([first]) => first?.endsWith("=1") && !first.startsWith("WATCHDOG"));
    expect(reloading?.[1]).toMatch(/^MONOTONIC_USEC=\d+$/);
    expect(ready?.[1]).toBe(`MAINPID=${proxy.pid}`);
  }
  // The watchdog is fed on, by whichever program is there.
  const from = manager.heard().length;
  await manager.waitFor("WATCHDOG=1", { from });
  const fedMs = manager
    .heard()
    .filter(({ text }) => text === "WATCHDOG=1")
    .map(({ atMs }) => atMs);
  expect(Math.max(...fedMs.slice(1).map((atMs, i) => atMs - (fedMs[i] ?? atMs)))).toBeLessThan(6000);
}, 60_000);
