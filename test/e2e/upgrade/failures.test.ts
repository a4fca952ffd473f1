import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../../support/echo.ts";
import { freePort } from "../../support/ports.ts";
import { tmpDir } from "../../support/tmp.ts";
import { root } from "../../support/tools.ts";
import { until } from "../../support/until.ts";
import { exchange } from "../process/load.ts";
import { filesIn, isRunning, liveClient, proxyPid, snapshot, toml } from "../process/stand.ts";
import { ctl, listenOf, reload, rewrite } from "../reload/reloading.ts";
import { crossable } from "./crossing.ts";
import { catchInstant, isSuccessor } from "./instants.ts";
import { compiledVariants, NEXT, startUpgradable, type Upgradable } from "./versions.ts";

const versions = compiledVariants("next", "crashingProxy", "hangingProxy");
const echo = await serve({ kind: "echo" });

function unixListen(name: string, path: string): string {
  return `[listen.${name}]\nbind = "unix:${path}"\n[[listen.${name}.server]]\nname = "s1"\naddress = "${echo.address}"`;
}

/** For how long the second server of the first listen has been DOWN; null: it is not. */
async function downMs(proxy: Upgradable): Promise<number | null> {
  const [, server] = (await snapshot(proxy)).listens[0]?.servers ?? [];
  return server?.status === "DOWN" ? server.inStateMs : null;
}

/** So many clients one after the other, each of which has its own place in the kernel's spread over sockets. */
async function outcomesOf(port: number, clients: number): Promise<string[]> {
  const all = await Promise.all(
    Array.from({ length: clients }, () => Promise.race([exchange(port, "hello"), Bun.sleep(3000).then(() => "hangs")])),
  );
  return [...new Set(all)];
}

describe("an upgrade that is rolled back", () => {
  test("with more threads in the file: every client finds somebody who accepts", async () => {
    const port = freePort();
    const proxy = await startUpgradable(toml({ port, threads: 2, servers: [echo] }));
    rewrite(proxy, toml({ port, threads: 6, servers: [echo] }));
    proxy.put(versions.crashingProxy);
    await proxy.upgrade(/upgrade failed/);
    expect(await outcomesOf(port, 100)).toEqual(["served"]);
    proxy.put(versions.next);
    await proxy.upgrade();
    expect(await outcomesOf(port, 100)).toEqual(["served"]);
  }, 60_000);

  test("leaves no socket and no pid file of the file that it failed with, and keeps those that it had", async () => {
    const [dir, port] = [tmpDir(), freePort()];
    const at = (name: string) => join(dir, name);
    const before = toml({
      port,
      servers: [echo],
      global: `pidfile = "${at("old.pid")}"`,
      more: unixListen("old", at("old.sock")),
    });
    const proxy = await startUpgradable(before);
    rewrite(
      proxy,
      toml({ port, servers: [echo], global: `pidfile = "${at("new.pid")}"`, more: unixListen("new", at("new.sock")) }),
    );
    proxy.put(versions.crashingProxy);
    await proxy.upgrade(/upgrade failed/);
    expect(filesIn(dir)).toEqual(["old.pid", "old.sock"]);
    proxy.put(versions.next);
    await proxy.upgrade();
    expect(filesIn(dir)).toEqual(["new.pid", "new.sock"]);
    await proxy.stop();
    expect(filesIn(dir)).toEqual([]);
  }, 60_000);

  test("because a socket cannot be made: nothing of the new file is left either", async () => {
    const [dir, port] = [tmpDir(), freePort()];
    const at = (name: string) => join(dir, name);
    const proxy = await startUpgradable(toml({ port, servers: [echo], global: `pidfile = "${at("old.pid")}"` }));
    mkdirSync(at("taken.sock"));
    const more = `${unixListen("new", at("new.sock"))}\n${unixListen("taken", at("taken.sock"))}`;
    rewrite(proxy, toml({ port, servers: [echo], global: `pidfile = "${at("new.pid")}"`, more }));
    await proxy.upgrade(/upgrade failed: .*cannot bind listen taken/);
    expect(filesIn(dir)).toEqual(["old.pid", "taken.sock"]);
    await liveClient(port);
  }, 60_000);

  test("works the second time, ordered over the admin socket, and reloads work in between and after", async () => {
    const [port, added] = [freePort(), freePort()];
    const base = (more = "") => toml({ port, servers: [echo], more });
    const more = `[listen.app]\nbind = "127.0.0.1:${added}"\n[[listen.app.server]]\nname = "s1"\naddress = "${echo.address}"`;
    const proxy = await startUpgradable(base());
    for (let round = 0; round < 2; round++) {
      proxy.put(versions.crashingProxy);
      const failed = await ctl(proxy, "upgrade");
      expect({ code: failed.code, said: failed.stderr }).toMatchObject({
        code: 1,
        said: expect.stringMatching(/^Failed: upgrade failed: .*exit status 3; .* and its proxy process go on\n$/),
      });
      await reload(proxy, base(more));
      expect(await exchange(added, "hello")).toBe("served");
      await reload(proxy, base());
      await until("its last session to be over", async () => (await listenOf(proxy, "app")) === undefined);
    }
    proxy.put(versions.next);
    expect(await ctl(proxy, "upgrade")).toMatchObject({ code: 0, stdout: "upgraded: another proxy process serves\n" });
    await until("the new version", async () => (await snapshot(proxy)).process.version === NEXT);
    await reload(proxy, base(more));
    expect(await exchange(added, "hello")).toBe("served");
  }, 60_000);

  test("and cannot be, because the former program cannot be executed any more: its proxy process serves on, and an upgrade mends it", async () => {
    const port = freePort();
    const proxy = await startUpgradable(toml({ port, servers: [echo] }));
    const [former, idle] = [proxyPid(proxy), await liveClient(port)];
    chmodSync(`/proc/${proxy.pid}/exe`, 0);
    proxy.put(versions.crashingProxy);
    await proxy.upgrade(/the former program cannot go on: it cannot be executed any more/);
    expect(await exchange(port, "hello")).toBe("served");
    expect(isRunning(former)).toBe(true);
    proxy.put(versions.next);
    await proxy.upgrade();
    expect(await exchange(port, "hello")).toBe("served");
    await idle.send("y");
    await idle.receive("y");
  }, 60_000);
});

test("SIGTERM while the new proxy process has yet to serve: nothing of either file is left behind", async () => {
  const [dir, port] = [tmpDir(), freePort()];
  const at = (name: string) => join(dir, name);
  const file = (name: string) =>
    toml({
      port,
      servers: [echo],
      global: `pidfile = "${at(`${name}.pid`)}"`,
      more: unixListen(name, at(`${name}.sock`)),
    });
  const proxy = await startUpgradable(file("old"));
  rewrite(proxy, file("new"));
  proxy.put(versions.hangingProxy);
  await proxy.upgrade(/takes over/);
  await until("the new files", () => existsSync(at("new.pid")) && existsSync(at("new.sock")));
  expect(await proxy.stop()).toEqual({ code: 0, signal: null });
  expect(filesIn(dir)).toEqual([]);
}, 60_000);

test("a proxy process that crashes while its successor starts: clients wait half a second for that one at most, and what checks found is not lost", async () => {
  const { text, port } = await crossable();
  const proxy = await startUpgradable(text);
  await until("the check to notice", async () => ((await downMs(proxy)) ?? 0) > 500);
  const former = proxyPid(proxy);
  proxy.process.signal("SIGUSR2");
  await proxy.process.waitFor("executing");
  catchInstant("the new program", () => isSuccessor(proxy.pid));
  process.kill(former, "SIGKILL");
  const killedMs = performance.now();
  expect(await exchange(port, "hello")).toBe("served");
  expect(performance.now() - killedMs).toBeLessThan(1000);
  await proxy.process.waitFor(
    "proxy process ended unexpectedly (killed by signal 9); the one of this version is starting, clients wait meanwhile",
  );
  await proxy.process.waitFor("upgraded from");
  expect(proxyPid(proxy)).not.toBe(former);
  expect(await downMs(proxy)).toBeGreaterThan(500);
}, 60_000);

test("after an upgrade that was rolled back a crash loses as little as before it", async () => {
  const { text } = await crossable();
  const proxy = await startUpgradable(text);
  await until("the check to notice", async () => ((await downMs(proxy)) ?? 0) > 500);
  proxy.put(versions.crashingProxy);
  await proxy.upgrade(/upgrade failed/);
  const from = proxy.output().length;
  process.kill(proxyPid(proxy), "SIGKILL");
  await proxy.process.waitFor("is serving again", { from });
  expect(await downMs(proxy)).toBeGreaterThan(500);
}, 60_000);

test.skipIf(!root())(
  "a chroot that only a start can enter is refused before anything changes",
  async () => {
    const port = freePort();
    const proxy = await startUpgradable(toml({ port, servers: [echo] }));
    const before = proxyPid(proxy);
    rewrite(proxy, toml({ port, servers: [echo], global: `chroot = "${tmpDir()}"` }));
    expect(await proxy.upgrade(/no upgrade: .*/)).toContain(
      "[global] chroot needs the capability CAP_SYS_CHROOT, which a service manager may withhold, and which is given up by whoever starts without a chroot: restart instead of upgrading; nothing changes",
    );
    expect(isRunning(before)).toBe(true);
    await liveClient(port);
  },
  60_000,
);
