import { describe, expect, test } from "bun:test";
import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { atEnd } from "../../support/cleanup.ts";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { canMakeNetns, makeNetns } from "../../support/netns.ts";
import { freePort } from "../../support/ports.ts";
import { binary, run, runOk, start } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { root } from "../../support/tools.ts";
import { procStatus, proxyPid, toml } from "./stand.ts";

/** Every number of an id line of /proc/PID/status: real, effective, saved, file system. */
const all = (id: number): string => Array(4).fill(id).join("\t");

async function idOf(user: string, what: "-u" | "-g"): Promise<number> {
  return Number(await runOk(["id", what, user]));
}

/** Runs as an ordinary user, in a directory of its own. */
async function asNobody(text: string): Promise<{ cmd: string[]; dir: string }> {
  const dir = tmpDir();
  const [uid, gid] = [await idOf("nobody", "-u"), await idOf("nobody", "-g")];
  const file = join(dir, "haproxy-lite.toml");
  writeFileSync(file, `${text}\n[admin]\nsocket = "${dir}/admin.sock"\n`);
  for (const path of [dir, file]) chownSync(path, uid, gid);
  const become = ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--"];
  return { cmd: [...become, binary(), "serve", "-c", file], dir };
}

describe.skipIf(!root())("started as root", () => {
  test("the proxy process is the configured user in the configured group, and can never be more again", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: [echo], global: 'user = "daemon"\ngroup = "mail"' }));
    const pid = proxyPid(proxy);
    const one = client(port);
    await one.send("served by daemon");
    await one.receive("served by daemon");
    expect(procStatus(pid, "Uid")).toBe(all(await idOf("daemon", "-u")));
    expect(procStatus(pid, "Gid")).toBe(all(Number((await runOk(["getent", "group", "mail"])).split(":")[2])));
    expect(procStatus(pid, "NoNewPrivs")).toBe("1");
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) expect(procStatus(pid, set)).toBe("0".repeat(16));
    expect(procStatus(proxy.pid, "Uid")).toBe(all(0));
    expect(proxy.output()).not.toContain("[global] user");
  });

  test("all its threads have changed, the relay threads too", async () => {
    const proxy = await startProxy(toml({ port: freePort(), threads: 3, servers: [], global: 'user = "daemon"' }));
    const pid = proxyPid(proxy);
    const threads = await runOk(["grep", "-h", "^Uid:", ...(await taskStatusFiles(pid))]);
    const lines = threads.trim().split("\n");
    expect(lines.length).toBeGreaterThan(3);
    expect(new Set(lines)).toEqual(new Set([`Uid:\t${all(await idOf("daemon", "-u"))}`]));
  });

  test("it gets the supplementary groups of its account, and none of root's", async () => {
    const user = `hlt${process.pid % 100000}`;
    await runOk(["useradd", "--system", "--no-create-home", "--groups", "audio,video", user]);
    atEnd(async () => {
      await runOk(["userdel", user]);
    });
    const proxy = await startProxy(toml({ port: freePort(), servers: [], global: `user = "${user}"` }));
    const expected = (await runOk(["id", "-G", user])).trim().split(" ").map(Number);
    const groups = procStatus(proxyPid(proxy), "Groups").split(" ").map(Number);
    expect(groups.sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
    expect(groups).toHaveLength(3);
    await proxy.stop();
  });

  test("without a user it is nobody, and a line says so", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: [] }));
    expect(procStatus(proxyPid(proxy), "Uid")).toBe(all(await idOf("nobody", "-u")));
    expect(proxy.output()).toContain('[global] user is not set: the proxy process runs as "nobody"');
  });

  test("a number that is no account's will do, without supplementary groups", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: [], global: "uid = 54321\ngid = 54322" }));
    const pid = proxyPid(proxy);
    expect(procStatus(pid, "Uid")).toBe(all(54321));
    expect(procStatus(pid, "Gid")).toBe(all(54322));
    expect(procStatus(pid, "Groups")).toBe("54322");
  });

  test("it drops them again after a crash", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: [], global: 'user = "daemon"' }));
    process.kill(proxyPid(proxy), "SIGKILL");
    await proxy.process.waitFor("is serving again");
    const pid = proxyPid(proxy);
    expect(procStatus(pid, "Uid")).toBe(all(await idOf("daemon", "-u")));
    expect(procStatus(pid, "CapEff")).toBe("0".repeat(16));
  });

  test.each([
    ['user = "no-such-user"', 'user "no-such-user" does not exist', "useradd --system --no-create-home no-such-user"],
    ['group = "no-such-group"', 'group "no-such-group" does not exist', "groupadd --system no-such-group"],
  ])("an account that does not exist is refused: %s", async (global, problem, remedy) => {
    const dir = tmpDir();
    const file = join(dir, "haproxy-lite.toml");
    writeFileSync(file, toml({ port: freePort(), servers: [], global, more: `[admin]\nsocket = "${dir}/admin.sock"` }));
    const { code, stderr, stdout } = await run([binary(), "serve", "-c", file]);
    expect(stderr).toContain(`[global] ${problem}\n`);
    expect(stderr).toContain(remedy);
    expect(stdout).not.toContain("ready");
    expect(code).toBe(1);
  });
});

describe.skipIf(!root())("started as an ordinary user", () => {
  test("it stays that user, serves, and says that it cannot become another", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const { cmd } = await asNobody(toml({ port, servers: [echo], global: 'user = "daemon"' }));
    const running = start(cmd);
    await running.waitFor(/\bready\b/);
    const one = client(port);
    await one.send("x");
    await one.receive("x");
    one.fin();
    const pid = proxyPid(running);
    expect(procStatus(pid, "Uid")).toBe(all(await idOf("nobody", "-u")));
    expect(running.output()).toContain("[global] user/group is ignored: only root can change to another account");
    expect(await running.stop()).toEqual({ code: 0, signal: null });
  });

  test.skipIf(!canMakeNetns())("a privileged port is refused with what it takes", async () => {
    const { cmd } = await asNobody(toml({ port: 83, servers: [] }));
    // In a namespace of its own, whose first unprivileged port is the kernel's default: containers often lower it.
    const { code, stderr } = await (await makeNetns()).run(cmd);
    expect(stderr).toContain("cannot bind listen web to 127.0.0.1:83: bind: Permission denied");
    expect(stderr).toContain("ports below 1024 need root or the capability CAP_NET_BIND_SERVICE");
    expect(code).toBe(1);
  });
});

async function taskStatusFiles(pid: number): Promise<string[]> {
  const tasks = await runOk(["ls", `/proc/${pid}/task`]);
  return tasks
    .trim()
    .split("\n")
    .map((task) => `/proc/${pid}/task/${task}/status`);
}
