import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { atEnd } from "../../support/cleanup.ts";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { canMakeNetns, makeNetns } from "../../support/netns.ts";
import { freePort } from "../../support/ports.ts";
import { binary, ROOT, run, runOk, start } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { root, tool } from "../../support/tools.ts";
import { childrenOf, filesIn, procStatus, proxyPid, toml } from "./stand.ts";

/** Every number of an id line of /proc/PID/status: real, effective, saved, file system. */
const all = (id: number): string => Array(4).fill(id).join("\t");

async function idOf(user: string, what: "-u" | "-g"): Promise<number> {
  return Number(await runOk(["id", what, user]));
}

/** Runs as an ordinary user, in a directory of its own. `privileges`: further options of setpriv(1). */
async function asNobody(text: string, privileges: string[] = []): Promise<{ cmd: string[]; dir: string }> {
  const dir = tmpDir();
  const [uid, gid] = [await idOf("nobody", "-u"), await idOf("nobody", "-g")];
  const file = join(dir, "haproxy-lite.toml");
  writeFileSync(file, `${text}\n[admin]\nsocket = "${dir}/admin.sock"\n`);
  for (const path of [dir, file]) chownSync(path, uid, gid);
  const become = ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", ...privileges, "--"];
  return { cmd: [...become, binary(), "serve", "-c", file], dir };
}

/** What each thread of a process has in a field of its status. */
function threadStatus(pid: number, field: string): Set<string> {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return new Set(tasks.map((task) => procStatus(Number(task), field)));
}

const NONE = "0".repeat(16);
/** A set of capabilities(7), as the kernel writes it. */
const caps = (...bits: number[]): string =>
  bits
    .reduce((set, bit) => set | (1n << BigInt(bit)), 0n)
    .toString(16)
    .padStart(16, "0");
const [CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW] = [5, 6, 7, 10, 12, 13];
const SUPERVISORS = [CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW];

/** The program's source where everybody may read it: a checkout may lie in a directory that only its owner may enter. */
function publicSource(): string {
  const dir = tmpDir();
  chmodSync(dir, 0o755);
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const modules = Object.keys(dependencies).map((name) => `node_modules/${name}`);
  for (const part of ["src", "package.json", "tsconfig.json", ...modules]) {
    cpSync(join(ROOT, part), join(dir, part), { recursive: true });
  }
  copyFileSync(join(import.meta.dir, "trespasser.ts"), join(dir, "trespasser.ts"));
  return dir;
}

describe.skipIf(!root())("whoever breaks into the proxy process", () => {
  const stranger = { bind: "EACCES", read: "EACCES" };
  const everything = { bind: "done", read: "done" };

  /** What a proxy process of the program, run from source by `prefix`, was able to do; or its supervisor. */
  async function trespass(prefix: string[], global: string, who: "proxy" | "supervisor"): Promise<unknown> {
    const [dir, vault] = [tmpDir(), tmpDir()];
    const [file, secret] = [join(dir, "haproxy-lite.toml"), join(vault, "secret")];
    writeFileSync(secret, "for root alone", { mode: 0o600 });
    chmodSync(vault, 0o755);
    chmodSync(dir, 0o777);
    const more = `[admin]\nsocket = "${dir}/admin.sock"`;
    writeFileSync(file, toml({ port: freePort(), servers: [], global, more }));
    // In a namespace of its own, whose first unprivileged port is the kernel's default: containers often lower it.
    const source = publicSource();
    const inside = (await makeNetns()).inside([...prefix, process.execPath, "src/main.ts", "serve", "-c", file]);
    const preload = `--preload=${join(source, "trespasser.ts")}`;
    const program = start(inside, { cwd: source, env: { BUN_OPTIONS: preload, SECRET: secret } });
    await program.waitFor(/\bready\b/);
    process.kill(who === "proxy" ? proxyPid(program) : Number(procStatus(proxyPid(program), "PPid")), "SIGUSR2");
    const said = await program.waitFor(/trespasser .*\n/);
    return JSON.parse(said.slice("trespasser ".length));
  }

  const locked = {
    ...stranger,
    readLater: "EACCES",
    write: "EACCES",
    setuid: "EPERM",
    newPrivileges: false,
    thread: stranger,
  };

  test.skipIf(!canMakeNetns())(
    "binds no privileged port, reads no file of root's, and becomes nobody else",
    async () => {
      expect(await trespass([], 'user = "daemon"', "proxy")).toEqual(locked);
    },
  );

  test.skipIf(!canMakeNetns())("nor when an ordinary user with capabilities has started it", async () => {
    const sets = "+net_bind_service,+dac_override,+setuid";
    const ambient = ["setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups"];
    const prefix = [...ambient, `--inh-caps=${sets}`, `--ambient-caps=${sets}`, "--"];
    expect(await trespass(prefix, "", "proxy")).toEqual(locked);
  });

  test.skipIf(!canMakeNetns())("(the same attempts succeed where nothing was given up)", async () => {
    const free = { ...everything, write: "done", setuid: "done", newPrivileges: true, thread: everything };
    expect(await trespass([], 'user = "daemon"', "supervisor")).toMatchObject(free);
  });
});

describe.skipIf(!root())("started as root", () => {
  test("the supervisor keeps six capabilities in all its threads, and nobody whom it starts can have more", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: [], global: 'user = "daemon"' }));
    // Threads for files and names are started when they are needed.
    expect((await run([binary(), "ctl", "--socket", proxy.adminSocket, "reload"])).code).toBe(0);
    for (const set of ["CapPrm", "CapEff", "CapBnd"])
      expect(threadStatus(proxy.pid, set)).toEqual(new Set([caps(...SUPERVISORS)]));
    expect(threadStatus(proxy.pid, "CapInh")).toEqual(new Set([NONE]));
    expect(threadStatus(proxyPid(proxy), "CapBnd")).toEqual(new Set([caps(...SUPERVISORS)]));
  });

  test("a configuration of any size survives that, and an upgrade", async () => {
    const servers = Array.from({ length: 2500 }, (_, i) => `127.0.0.1:${20_000 + (i % 1000)}`);
    const proxy = await startProxy(toml({ port: freePort(), servers, global: 'user = "daemon"' }), {
      timeoutMs: 20_000,
    });
    expect(threadStatus(proxy.pid, "CapEff")).toEqual(new Set([caps(...SUPERVISORS)]));
    const upgraded = await run([binary(), "ctl", "--socket", proxy.adminSocket, "upgrade"], { timeoutMs: 30_000 });
    expect(upgraded).toMatchObject({ code: 0, stderr: "" });
  }, 60_000);

  test("no thread of the proxy process has a capability or can gain one", async () => {
    const proxy = await startProxy(toml({ port: freePort(), threads: 2, servers: [], global: 'user = "daemon"' }));
    const pid = proxyPid(proxy);
    expect(threadStatus(pid, "NoNewPrivs")).toEqual(new Set(["1"]));
    for (const set of ["CapPrm", "CapInh", "CapAmb"]) expect(threadStatus(pid, set)).toEqual(new Set([NONE]));
  });

  test("a proxy process that is to stay root has no capability either", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: [], global: 'user = "root"' }));
    expect(procStatus(proxyPid(proxy), "CapPrm")).toBe(NONE);
  });

  test("process lists tell the two apart by owner, name and arguments", async () => {
    const proxy = await startProxy(toml({ port: freePort(), servers: [], global: 'user = "daemon"' }));
    const list = async (pid: number) =>
      (await runOk(["ps", "-o", "user=,comm=,args=", "-p", String(pid)])).trim().split(/\s+/);
    const [owner, name, , ...args] = await list(proxy.pid);
    expect([owner, name, ...args.slice(0, 2)]).toEqual(["root", "haproxy-lite", "serve", "-c"]);
    expect(await list(proxyPid(proxy))).toEqual(["daemon", "haproxy-lite:px", "haproxy-lite", "(proxy)"]);
  });

  test("what is in a directory of the account's own is removed at the end all the same", async () => {
    const dir = tmpDir();
    chownSync(dir, 1, 1);
    const [pidfile, socket, unix] = ["lite.pid", "admin.sock", "web.sock"].map((name) => join(dir, name));
    const global = `user = "daemon"\npidfile = "${pidfile}"`;
    const text = toml({ port: 1, servers: [], global, more: `[admin]\nsocket = "${socket}"` });
    const proxy = await startProxy(text.replace(/bind = .*/, `bind = "unix:${unix}"`));
    expect(filesIn(dir)).toEqual(["admin.sock", "lite.pid", "web.sock"]);
    expect(await proxy.stop()).toEqual({ code: 0, signal: null });
    expect(proxy.process.stderr()).not.toContain("EACCES");
    expect(filesIn(dir)).toEqual([]);
  });

  test("a configuration that only its owner can reach is read at the start, at a reload and at an upgrade", async () => {
    const [home, port] = [tmpDir(), freePort()];
    const text = toml({ port, servers: [], global: 'user = "daemon"', more: `[admin]\nsocket = "${home}/admin.sock"` });
    const file = join(home, "haproxy-lite.toml");
    writeFileSync(file, text, { mode: 0o600 });
    for (const path of [home, file]) chownSync(path, 1, 1);
    chmodSync(home, 0o700);
    const running = start([binary(), "serve", "-c", file]);
    await running.waitFor(/\bready\b/);
    const ctl = (order: string) => run([binary(), "ctl", "--socket", `${home}/admin.sock`, order]);
    expect(await ctl("reload")).toMatchObject({ code: 0, stderr: "" });
    expect(await ctl("upgrade")).toMatchObject({ code: 0, stderr: "" });
    await running.waitFor("upgraded from");
    expect(await running.stop()).toEqual({ code: 0, signal: null });
    expect(filesIn(home)).toEqual(["haproxy-lite.toml"]);
  });

  test("sockets that a crash has left in somebody's directory are in nobody's way, whoever made them", async () => {
    const home = tmpDir();
    const more = `[admin]\nsocket = "${home}/admin.sock"`;
    const text = toml({ port: 1, servers: [], global: 'user = "daemon"', more });
    const file = join(tmpDir(), "haproxy-lite.toml");
    writeFileSync(file, text.replace(/bind = .*/, `bind = "unix:${home}/web.sock"`));
    for (const owner of [0, 1]) {
      // The first instance leaves root's sockets, the second those of the directory's owner.
      const crashed = start([binary(), "serve", "-c", file]);
      await crashed.waitFor(/\bready\b/);
      chownSync(home, 1, 1);
      const children = childrenOf(crashed.pid);
      process.kill(crashed.pid, "SIGSTOP");
      for (const pid of [...children, crashed.pid]) process.kill(pid, "SIGKILL");
      await crashed.exited;
      expect(statSync(join(home, "web.sock")).uid).toBe(owner);
    }
    const again = start([binary(), "serve", "-c", file]);
    await again.waitFor(/\bready\b/);
    expect(await again.stop()).toEqual({ code: 0, signal: null });
    expect(filesIn(home)).toEqual([]);
  });

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
  test.skipIf(!canMakeNetns())(
    "with ambient capabilities it binds a privileged port, and the proxy process has none",
    async () => {
      const sets = "+net_bind_service,+net_admin,+net_raw,+sys_time";
      const ambient = [`--inh-caps=${sets}`, `--ambient-caps=${sets}`];
      const { cmd } = await asNobody(toml({ port: 83, threads: 2, servers: [] }), ambient);
      const running = (await makeNetns()).start(cmd);
      await running.waitFor(/\bready\b/);
      for (const set of ["CapPrm", "CapEff", "CapAmb"])
        expect(threadStatus(running.pid, set)).toEqual(
          new Set([caps(CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW)]),
        );
      process.kill(proxyPid(running), "SIGKILL");
      await running.waitFor("is serving again");
      const pid = proxyPid(running);
      for (const set of ["CapPrm", "CapEff", "CapInh", "CapAmb"])
        expect(threadStatus(pid, set)).toEqual(new Set([NONE]));
      expect(threadStatus(pid, "NoNewPrivs")).toEqual(new Set(["1"]));
      expect(await running.stop()).toEqual({ code: 0, signal: null });
    },
  );

  const setcap = tool("setcap");
  test.skipIf(setcap === null || !canMakeNetns())(
    "with capabilities of the file as well, as before there were ambient ones",
    async () => {
      const copy = join(tmpDir(), "haproxy-lite");
      copyFileSync(binary(), copy);
      chmodSync(copy, 0o755);
      chmodSync(join(copy, ".."), 0o755);
      await runOk([setcap as string, "cap_net_bind_service,cap_net_raw,cap_net_admin,cap_sys_time+ep", copy]);
      const { cmd } = await asNobody(toml({ port: 83, threads: 2, servers: [] }));
      const running = (await makeNetns()).start(cmd.map((word) => (word === binary() ? copy : word)));
      await running.waitFor(/\bready\b/);
      // What the file gives it would give again: of a capability too many, the runtime's own threads are not rid.
      expect(procStatus(running.pid, "CapEff")).toBe(caps(CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW));
      process.kill(proxyPid(running), "SIGKILL");
      await running.waitFor("is serving again");
      for (const set of ["CapPrm", "CapEff"]) expect(threadStatus(proxyPid(running), set)).toEqual(new Set([NONE]));
    },
  );

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
