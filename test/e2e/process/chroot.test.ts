import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { binary, run } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { root } from "../../support/tools.ts";
import { exchange } from "./load.ts";
import { procStatus, proxyPid, sessionLines, snapshot, toml } from "./stand.ts";

/** An empty directory of root's that nobody else may write to. */
function jail(): string {
  const dir = join(tmpDir(), "jail");
  mkdirSync(dir);
  chmodSync(join(dir, ".."), 0o755);
  chmodSync(dir, 0o755);
  return dir;
}

const rootOf = (pid: number): string => readlinkSync(`/proc/${pid}/root`);

describe.skipIf(!root())("in a chroot", () => {
  test("the proxy process serves, checks, logs and answers as outside of it, and so does its successor", async () => {
    const [dir, echo, port] = [jail(), await serve({ kind: "echo" }), freePort()];
    const global = `user = "daemon"\nchroot = "${dir}"`;
    const text = toml({ port, threads: 2, servers: [echo], global, check: 'interval = "100ms"' });
    const proxy = await startProxy(text, { env: { TZ: "Asia/Tokyo" } });
    expect(rootOf(proxyPid(proxy))).toBe(dir);
    expect(readlinkSync(`/proc/${proxyPid(proxy)}/cwd`)).toBe(dir);
    expect(rootOf(proxy.pid)).toBe("/");
    expect(await exchange(port, "hello")).toBe("served");
    expect((await snapshot(proxy)).listens[0]?.servers[0]?.status).toBe("UP");
    process.kill(proxyPid(proxy), "SIGKILL");
    await proxy.process.waitFor("is serving again");
    expect(rootOf(proxyPid(proxy))).toBe(dir);
    expect(procStatus(proxyPid(proxy), "Uid")).toBe("1\t1\t1\t1");
    expect(procStatus(proxyPid(proxy), "CapPrm")).toBe("0".repeat(16));
    for (let i = 0; i < 4; i++) expect(await exchange(port, "hello")).toBe("served");
    // What is done a second after the start needs no file either.
    await Bun.sleep(1200);
    expect(await exchange(port, "hello")).toBe("served");
    expect(await proxy.stop()).toEqual({ code: 0, signal: null });
    const hours = [0, -1].map((off) => String((Math.floor(Date.now() / 3_600_000) + 9 + off) % 24).padStart(2, "0"));
    expect(sessionLines(proxy).at(-1)).toMatch(new RegExp(`\\[\\d+/\\w+/\\d+:(${hours.join("|")}):`));
    expect(proxy.output()).not.toContain("rror:");
  });

  test("servers' unix sockets are looked for inside", async () => {
    const [dir, port] = [jail(), freePort()];
    const path = join(dir, "app.sock");
    await serve({ kind: "banner", text: "inside" }, { path });
    chmodSync(path, 0o777);
    await startProxy(toml({ port, servers: ["unix:/app.sock"], global: `user = "daemon"\nchroot = "${dir}"` }));
    await client(port).receive("inside");
  });

  test("that an upgrade would have to begin, it is refused before anything happens; one that is there goes on", async () => {
    const [dir, port] = [jail(), freePort()];
    const text = toml({ port, servers: [], global: 'user = "daemon"' });
    const locked = text.replace("[global]", `[global]\nchroot = "${dir}"`);
    const ctl = (socket: string) => run([binary(), "ctl", "--socket", socket, "upgrade"]);
    const free = await startProxy(text);
    writeFileSync(free.configFile, locked.concat(`\n[admin]\nsocket = "${free.adminSocket}"\n`));
    const refused = await ctl(free.adminSocket);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("chroot needs the capability CAP_SYS_CHROOT");
    expect(refused.stderr).toContain("nothing changes");
    await free.stop();
    const proxy = await startProxy(locked);
    expect(await ctl(proxy.adminSocket)).toMatchObject({ code: 0 });
    expect(rootOf(Number((await snapshot(proxy)).process.pid))).toBe(dir);
  });

  test("without the capability for it the start says what is missing", async () => {
    const file = join(tmpDir(), "haproxy-lite.toml");
    writeFileSync(file, toml({ port: freePort(), servers: [], global: `user = "daemon"\nchroot = "${jail()}"` }));
    const few = ["setpriv", "--inh-caps=-all", "--bounding-set=-sys_chroot", "--"];
    const { code, stderr } = await run([...few, binary(), "serve", "-c", file]);
    expect(stderr).toContain("chroot needs the capability CAP_SYS_CHROOT");
    expect(code).toBe(1);
  });

  test("a directory that will not do is refused before anything is started", async () => {
    const dir = jail();
    chmodSync(dir, 0o777);
    const file = join(tmpDir(), "haproxy-lite.toml");
    writeFileSync(file, toml({ port: freePort(), servers: [], global: `chroot = "${dir}"` }));
    const { code, stderr } = await run([binary(), "serve", "-c", file]);
    expect(stderr).toContain(`${dir} can be written to by others than root`);
    expect(code).toBe(78);
  });
});
