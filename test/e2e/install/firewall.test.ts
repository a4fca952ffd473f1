import { beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { VrrpInstanceSnapshot, VrrpSnapshot } from "../../../src/stats/vrrpSnapshot.ts";
import { startProxy } from "../../support/instance.ts";
import { canMakeNetns, makeNetns } from "../../support/netns.ts";
import { binary, type Result, run, runOk } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { tool } from "../../support/tools.ts";
import { until } from "../../support/until.ts";
import { COPY, canMakeHost, type Host, makeHost } from "./host.ts";

const CONFIG = "/etc/haproxy-lite/haproxy-lite.toml";
const RULE = 'rule protocol value="vrrp" accept';

/** A router that hears nobody is MASTER, whoever else is. */
const config = (priority: number): string => `
[[log]]
address = "stdout"
[listen.web]
bind = "127.0.0.1:14900"
[vrrp.instance.VI_1]
interface = "eth0"
virtual_router_id = 51
priority = ${priority}
version = 3
advert_int = "100ms"
virtual_ipaddress = ["10.9.0.100/24"]
`;

/** A host with eth0, on whose other end a MASTER of higher priority sends adverts. */
async function hostWithPeer(): Promise<Host> {
  const [host, peer] = [await makeHost(), await makeNetns()];
  await runOk(`ip link add eth0 netns ${peer.name} type veth peer name eth0 netns ${host.pid}`.split(" "));
  for (const args of ["address add 10.9.0.2/24 dev eth0", "link set eth0 up"]) await peer.ip(...args.split(" "));
  await host.sh("ip address add 10.9.0.1/24 dev eth0; ip link set eth0 up");
  await host.sh(`mkdir -p /etc/haproxy-lite /run/haproxy-lite`);
  await host.write(CONFIG, config(100));
  await startProxy(config(200), { inside: peer.inside([]) });
  return host;
}

const install = (host: Host, ...flags: string[]): Promise<Result> =>
  host.run([COPY, "install", ...flags], { timeoutMs: 60_000 });

async function router(host: Host): Promise<VrrpInstanceSnapshot | undefined> {
  const { stdout } = await host.run([COPY, "status", "--json", "-c", CONFIG]);
  return (JSON.parse(stdout) as { vrrp: VrrpSnapshot }).vrrp.instances[0];
}

/** Starts ours on the host, where nothing of the peer arrives. */
async function startDeaf(host: Host): Promise<void> {
  expect(await host.run([COPY, "serve", "--daemon", "-c", CONFIG])).toMatchObject({ code: 0 });
  await until("two MASTERs", async () => (await router(host))?.state === "MASTER");
  expect((await router(host))?.counters.advertsReceived).toBe(0);
}

const untilBackup = (host: Host): Promise<unknown> =>
  until("the peer to be heard", async () => (await router(host))?.state === "BACKUP", { timeoutMs: 10_000 });

const can = canMakeHost() && canMakeNetns();

describe.skipIf(!can || tool("iptables") === null)("where iptables drops what it does not know", () => {
  let host: Host;
  const rules = async (program: string): Promise<string[]> =>
    (await host.run([program, "-S", "INPUT"])).stdout.split("\n").filter((line) => line.includes("vrrp"));

  beforeEach(async () => {
    host = await hostWithPeer();
    await host.sh("iptables -P INPUT DROP; ip6tables -P INPUT DROP; iptables -A INPUT -i lo -j ACCEPT");
  });

  test("adverts pass once --firewall was given, also by the commands that are told without it", async () => {
    await startDeaf(host);
    const told = (await install(host)).stdout;
    expect(await rules("iptables")).toEqual([]);
    const commands = [...told.matchAll(/^ {4}(ip6?tables -I .*)$/gm)].map(([, command]) => command as string);
    expect(commands).toHaveLength(2);
    expect((await host.sh(commands.join(" && "))).code).toBe(0);
    await untilBackup(host);
    for (const command of commands) await host.sh(command.replace("-I", "-D"));
    await until("it to be deaf again", async () => (await router(host))?.state === "MASTER");

    expect(await install(host, "--firewall")).toMatchObject({ code: 0, stderr: "" });
    await untilBackup(host);
    expect(await rules("iptables")).toEqual(["-A INPUT -p vrrp -j ACCEPT"]);
    expect(await rules("ip6tables")).toEqual(["-A INPUT -p vrrp -j ACCEPT"]);
  }, 60_000);

  test("a second installation adds nothing, and uninstall takes the rules away again", async () => {
    for (let i = 0; i < 2; i++) expect((await install(host, "--firewall")).code).toBe(0);
    expect(await rules("iptables")).toHaveLength(1);
    expect((await host.run([COPY, "uninstall"])).code).toBe(0);
    expect([...(await rules("iptables")), ...(await rules("ip6tables"))]).toEqual([]);
  }, 60_000);
});

describe.skipIf(!can || tool("nft") === null)("where a rule set of nftables drops what it does not know", () => {
  test("the rule that is told lets adverts pass, and iptables' alone would not have", async () => {
    const host = await hostWithPeer();
    const chain = "add chain inet own in { type filter hook input priority 0; policy drop; }";
    for (const command of ["add table inet own", chain, "add rule inet own in iif lo accept"])
      expect(await host.run(["nft", command])).toMatchObject({ code: 0 });
    await startDeaf(host);
    const told = (await install(host, "--firewall")).stdout;
    const [, command] = /^ {4}(nft insert rule .*)$/m.exec(told) ?? [];
    expect(command).toBe("nft insert rule inet own in meta l4proto 112 accept");
    expect((await router(host))?.state).toBe("MASTER");
    expect((await host.sh(command as string)).code).toBe(0);
    await untilBackup(host);
  }, 60_000);
});

describe.skipIf(!can || tool("firewalld") === null || tool("dbus-daemon") === null)("where firewalld runs", () => {
  test("adverts pass in the zone of the interface, now and after its restart; uninstall closes it again", async () => {
    const host = await hostWithPeer();
    await host.sh("mkdir -p /run/dbus; dbus-daemon --system --fork --nopidfile; firewalld --nopid");
    await until("firewalld", async () => (await host.run(["firewall-cmd", "--state"])).code === 0);
    const zone = "firewall-cmd --zone=internal --change-interface=eth0";
    expect((await host.sh(`${zone} && ${zone} --permanent`)).code).toBe(0);
    await startDeaf(host);

    for (let i = 0; i < 2; i++) expect(await install(host, "--firewall")).toMatchObject({ code: 0, stderr: "" });
    await untilBackup(host);
    const has = async (...flags: string[]): Promise<boolean> =>
      (await host.run(["firewall-cmd", ...flags, `--query-rich-rule=${RULE}`])).code === 0;
    expect([await has("--zone=internal"), await has("--zone=internal", "--permanent")]).toEqual([true, true]);
    expect(await has("--zone=public")).toBeFalse();
    expect((await host.run(["firewall-cmd", "--reload"])).code).toBe(0);
    expect(await has("--zone=internal")).toBeTrue();

    expect((await host.run([COPY, "uninstall"], { timeoutMs: 60_000 })).code).toBe(0);
    expect([await has("--zone=internal"), await has("--zone=internal", "--permanent")]).toEqual([false, false]);
  }, 90_000);
});

describe.skipIf(!can || tool("firewall-offline-cmd") === null)("where firewalld does not run", () => {
  test("a tree is given the rule in its configuration, once", async () => {
    const tree = tmpDir();
    mkdirSync(join(tree, "etc"));
    cpSync("/etc/firewalld", join(tree, "etc/firewalld"), { recursive: true });
    chmodSync(tree, 0o755);
    const query = ["firewall-offline-cmd", `--system-config=${tree}/etc/firewalld`, `--query-rich-rule=${RULE}`];
    expect((await run(query)).code).not.toBe(0);
    for (let i = 0; i < 2; i++)
      expect(await run([binary(), "install", "--root", tree, "--firewall"])).toMatchObject({ code: 0, stderr: "" });
    expect((await run(query)).code).toBe(0);
    const zone = readFileSync(join(tree, "etc/firewalld/zones/public.xml"), "utf8");
    expect(zone.match(/<protocol value="vrrp"\/>/g)).toHaveLength(1);
    expect((await run([binary(), "uninstall", "--root", tree])).code).toBe(0);
    expect((await run(query)).code).not.toBe(0);
  }, 60_000);

  test("a host's configuration is changed, for its next start", async () => {
    const host = await makeHost();
    const query = ["firewall-offline-cmd", `--query-rich-rule=${RULE}`];
    expect((await host.run(query)).code).not.toBe(0);
    expect(await install(host, "--firewall")).toMatchObject({ code: 0 });
    expect((await host.run(query)).code).toBe(0);
  }, 60_000);
});
