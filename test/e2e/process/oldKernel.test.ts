import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { canMakeNetns, link, makeNetns } from "../../support/netns.ts";
import { freePort } from "../../support/ports.ts";
import { binary, run, runOk } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { root, tool } from "../../support/tools.ts";
import { until } from "../../support/until.ts";
import { Load } from "./load.ts";
import { isRunning, liveClient, logLines, procStatus, proxyPid, sessionLines, snapshot, toml } from "./stand.ts";

/** The newest system call that x86-64 had in each kernel. */
const KERNELS = [
  ["4.18 (RHEL 8)", 334],
  ["3.10 (RHEL 7)", 313],
] as const;

function withSyscallsUpTo(last: number): string[] {
  const confine = join(import.meta.dir, "../../support/confine.ts");
  return [process.execPath, confine, "--no-syscalls-after", String(last), "--"];
}

describe.skipIf(process.arch !== "x64")("on a kernel that knows no system call newer than", () => {
  const python = tool("python3");
  test.skipIf(python === null).each(KERNELS)("Linux %s: that is what the filter imitates", async (_, last) => {
    // getpid, getrandom (Linux 3.17), pidfd_send_signal (5.1), close_range (5.9)
    const script =
      "import ctypes; c = ctypes.CDLL(None, use_errno=True)\n" +
      "print([(ctypes.set_errno(0), c.syscall(n, 0, 0, 0), ctypes.get_errno())[2] for n in (39, 318, 424, 436)])";
    const said = await runOk([...withSyscallsUpTo(last), python as string, "-c", script]);
    const getrandom = last >= 318 ? 0 : 38;
    expect(said.trim()).toBe(`[0, ${getrandom}, 38, 38]`);
  });

  test.each(KERNELS)("Linux %s it serves, checks, logs, survives a crash, reloads and stops", async (_, last) => {
    const [one, two, port] = [await serve({ kind: "echo" }), await serve({ kind: "echo" }), freePort()];
    const dir = tmpDir();
    const [unix, pidfile] = [join(dir, "web.sock"), join(tmpDir(), "lite.pid")];
    const text = toml({
      port,
      threads: 2,
      servers: [one, two],
      check: 'interval = "100ms"\nsend = "PING\\n"\nexpect = "PING"\nfall = 1',
      global: `${root() ? 'user = "daemon"\n' : ""}pidfile = "${pidfile}"`,
    });
    const binds = `bind = ["127.0.0.1:${port}", "[::1]:${port}", "unix:${unix}"]`;
    const proxy = await startProxy(text.replace(/bind = .*/, binds), { inside: withSyscallsUpTo(last) });
    expect(procStatus(proxyPid(proxy), "Seccomp")).toBe("2");
    if (root()) expect(procStatus(proxyPid(proxy), "CapPrm")).toBe("0".repeat(16));
    for (const to of [port, `[::1]:${port}`, `unix:${unix}`]) {
      const each = client(to);
      await each.send("hello");
      await each.receive("hello");
      each.fin();
      expect(await each.ended).toBe("fin");
    }
    const bulk = "x".repeat(4 << 20);
    const large = client(port);
    const answer = large.receive(bulk);
    await large.send(bulk);
    await answer;
    large.fin();

    const load = new Load(port, 10);
    await until("traffic", () => load.outcomes.served > 200);
    process.kill(proxyPid(proxy), "SIGSEGV");
    await proxy.process.waitFor("is serving again");
    const { served } = load.outcomes;
    await until("traffic again", () => load.outcomes.served > served + 200);
    const { failed } = await load.stop();
    expect(failed.get("ECONNREFUSED") ?? 0).toBe(0);

    await one.stop();
    // By status: the log may have said it before, under the load.
    const states = async () => (await snapshot(proxy)).listens[0]?.servers.map(({ status }) => status).join(" ");
    await until("the check to notice", async () => (await states()) === "DOWN UP");
    proxy.process.signal("SIGHUP");
    await proxy.process.waitFor("SIGHUP: ");
    expect(await states()).toBe("DOWN UP");
    expect((await proxy.status()).code).toBe(1);

    const live = await liveClient(port);
    proxy.process.signal("SIGTERM");
    await proxy.process.waitFor("SIGTERM: stopping");
    await live.send("y");
    await live.receive("xy");
    live.fin();
    const child = proxyPid(proxy);
    expect(await proxy.process.exited).toEqual({ code: 0, signal: null });
    expect(isRunning(child)).toBeFalse();
    expect(sessionLines(proxy).length).toBeGreaterThan(200);
    expect(logLines(proxy, "alert").filter((text) => text.includes("unexpectedly"))).toHaveLength(1);
  });

  test.skipIf(!canMakeNetns()).each(KERNELS)(
    "Linux %s it takes a virtual IP, keeps it over reload and upgrade, and gives it back",
    async (_, last) => {
      const [here, wire] = [await makeNetns(), await makeNetns()];
      await link({ ns: here, addresses: ["10.9.0.1/24"] }, { ns: wire, addresses: [] });
      const vrrp = `[vrrp.instance.V]\ninterface = "eth0"\nvirtual_router_id = 51\npriority = 100\nversion = 3\nadvert_int = "100ms"\nvirtual_ipaddress = ["10.9.0.100/24"]`;
      const text = toml({
        port: freePort(),
        servers: [],
        more: vrrp,
        ...(root() ? { global: 'user = "daemon"' } : {}),
      });
      const proxy = await startProxy(text, { inside: here.inside(withSyscallsUpTo(last)) });
      const holds = async () => (await here.ip("-o", "address", "show", "dev", "eth0")).includes("10.9.0.100/24");
      await proxy.process.waitFor("VRRP V: BACKUP -> MASTER");
      await until("the address", holds);
      for (const [signal, said] of [
        ["SIGHUP", "SIGHUP: "],
        ["SIGUSR2", "SIGUSR2: upgraded from"],
      ] as const) {
        proxy.process.signal(signal);
        await proxy.process.waitFor(said, { timeoutMs: 20_000 });
        expect(await holds()).toBeTrue();
      }
      expect(procStatus(proxy.pid, "Seccomp")).toBe("2");
      expect(await proxy.stop()).toEqual({ code: 0, signal: null });
      expect(await holds()).toBeFalse();
      expect(proxy.output()).not.toMatch(/VRRP V: MASTER -> (BACKUP|FAULT)/);
    },
    40_000,
  );

  test.each(KERNELS)("Linux %s it becomes a daemon, and check and status work", async (_, last) => {
    const dir = tmpDir();
    const file = join(dir, "haproxy-lite.toml");
    const global = `pidfile = "${dir}/pid"\ndaemon = true`;
    writeFileSync(file, toml({ port: freePort(), servers: [], global, more: `[admin]\nsocket = "${dir}/a"` }));
    const old = withSyscallsUpTo(last);
    expect((await run([...old, binary(), "check", "-c", file])).code).toBe(0);
    expect((await run([...old, binary(), "serve", "-c", file])).code).toBe(0);
    const pid = Number(readFileSync(join(dir, "pid"), "utf8"));
    expect((await run([...old, binary(), "status", "--socket", join(dir, "a"), "--json"])).stdout).toContain(
      "uptimeMs",
    );
    process.kill(pid, "SIGTERM");
    await until("the daemon to end", () => !isRunning(pid));
  });
});
