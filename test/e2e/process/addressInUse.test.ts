import { describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { atEnd } from "../../support/cleanup.ts";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { binary, type Result, run, start } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { root } from "../../support/tools.ts";
import { exchange } from "./load.ts";
import { filesIn, isRunning, proxyPid, snapshot, toml } from "./stand.ts";

/** `serve` on a file with this text, to its end. */
async function serveOnce(text: string, prefix: readonly string[] = []): Promise<Result> {
  const file = join(tmpDir(), "haproxy-lite.toml");
  writeFileSync(file, text);
  return await run([...prefix, binary(), "serve", "-c", file]);
}

const adminAt = (socket: string): string => `[admin]\nsocket = "${socket}"`;

describe("an address that is taken", () => {
  test.each([1, 2])("by another program: refused with address, reason and hint, %i threads", async (threads) => {
    const other = await serve({ kind: "echo" });
    const dir = tmpDir();
    const said = await serveOnce(toml({ port: other.port, threads, servers: [], more: adminAt(`${dir}/admin.sock`) }));
    expect(said.stderr).toContain(
      `cannot bind listen web to 127.0.0.1:${other.port}: bind: Address already in use\n` +
        `  another program, or another instance, listens there; see: ss -ltnp 'sport = :${other.port}'\n`,
    );
    expect(said.code).toBe(1);
    expect(said.stdout).not.toContain("ready");
    expect(filesIn(dir)).toEqual([]);
  });

  test("by one that shares it (SO_REUSEPORT): refused all the same, and it keeps every client", async () => {
    const port = freePort();
    const other = start([
      process.execPath,
      "-e",
      `Bun.listen({ hostname: "127.0.0.1", port: ${port}, reusePort: true, socket: { open(s) { s.end("other"); }, data() {} } }); console.log("listens")`,
    ]);
    await other.waitFor("listens");
    const { code, stderr } = await serveOnce(toml({ port, threads: 2, servers: [], more: adminAt(`${tmpDir()}/a`) }));
    expect(code).toBe(1);
    expect(stderr).toContain("Address already in use");
    for (let i = 0; i < 20; i++) await client(port).receive("other");
  });

  test("on the second of two binds: the first is given back and nothing is half started", async () => {
    const [free, taken] = [freePort(), await serve({ kind: "echo" })];
    const dir = tmpDir();
    const text = toml({ port: 1, servers: [], more: adminAt(`${dir}/admin.sock`) });
    const binds = `bind = ["unix:${dir}/web.sock", "127.0.0.1:${free}", "127.0.0.1:${taken.port}"]`;
    const { code, stderr } = await serveOnce(text.replace(/bind = .*/, binds));
    expect(code).toBe(1);
    expect(stderr).toContain(`127.0.0.1:${taken.port}`);
    expect(filesIn(dir)).toEqual([]);
    expect(await exchange(free, "x")).toBe("ECONNREFUSED");
  });

  test.each([1, 2])(
    "by a running instance: the second is refused, the first goes on undisturbed, %i threads",
    async (threads) => {
      const echo = await serve({ kind: "echo" });
      const port = freePort();
      const pidfile = join(tmpDir(), "lite.pid");
      const text = toml({ port, threads, servers: [echo], global: `pidfile = "${pidfile}"` });
      const first = await startProxy(text);
      const unlocked = text.replace(/^pidfile.*/m, "");
      for (const [same, reason] of [
        [text, `another instance is running with pid ${first.pid}: it holds ${pidfile}`],
        [unlocked, `another instance is running on this socket: pid ${first.pid}`],
      ] as const) {
        const { code, stderr } = await serveOnce(`${same}\n${adminAt(first.adminSocket)}`);
        expect(code).toBe(1);
        expect(stderr).toContain(reason);
      }
      const { code, stderr } = await serveOnce(`${unlocked}\n${adminAt(join(tmpDir(), "admin.sock"))}`);
      expect(code).toBe(1);
      expect(stderr).toContain(`127.0.0.1:${port}: bind: Address already in use`);
      expect((await snapshot(first)).process.supervisorPid).toBe(first.pid);
      expect(await Bun.file(pidfile).text()).toBe(`${first.pid}\n`);
      for (let i = 0; i < 10; i++) expect(await exchange(port, "x")).toBe("served");
    },
  );

  test("for the admin socket, by a running instance on other ports: refused, and the socket stays the first one's", async () => {
    const first = await startProxy(toml({ port: freePort(), servers: [] }));
    const port = freePort();
    const { code, stderr } = await serveOnce(toml({ port, servers: [], more: adminAt(first.adminSocket) }));
    expect(code).toBe(1);
    expect(stderr).toContain(
      `cannot bind the admin socket to unix:${first.adminSocket}: bind: Address already in use\n  another instance is running on this socket: pid ${first.pid}\n`,
    );
    expect((await snapshot(first)).process.supervisorPid).toBe(first.pid);
    expect(await exchange(port, "x")).toBe("ECONNREFUSED");
  });

  test("two instances started in the same instant: one serves everybody, the other is refused", async () => {
    for (let round = 0; round < 5; round++) {
      const echo = await serve({ kind: "echo" });
      const [port, dir] = [freePort(), tmpDir()];
      const file = join(dir, "haproxy-lite.toml");
      writeFileSync(file, toml({ port, threads: 2, servers: [echo], more: adminAt(`${dir}/admin.sock`) }));
      const both = [start([binary(), "serve", "-c", file]), start([binary(), "serve", "-c", file])];
      const outcomes = await Promise.all(
        both.map((one) =>
          Promise.race([
            one.waitFor(/\bready\b/).then(
              () => "ready",
              () => "refused",
            ),
            one.exited.then(() => "refused"),
          ]),
        ),
      );
      expect(outcomes.toSorted()).toEqual(["ready", "refused"]);
      const loser = both[outcomes.indexOf("refused")];
      expect(await loser?.exited).toEqual({ code: 1, signal: null });
      for (let i = 0; i < 10; i++) expect(await exchange(port, "x")).toBe("served");
      await both[outcomes.indexOf("ready")]?.stop();
      expect(filesIn(dir)).toEqual(["haproxy-lite.toml"]);
    }
  });

  test("by one that was just killed, together with its proxy process: free at once", async () => {
    const echo = await serve({ kind: "echo" });
    const text = `${toml({ port: freePort(), threads: 2, servers: [echo] })}\n${adminAt(`${tmpDir()}/admin.sock`)}`;
    const first = await startProxy(text);
    const child = proxyPid(first);
    process.kill(first.pid, "SIGKILL");
    process.kill(child, "SIGKILL");
    const second = await startProxy(text);
    expect(isRunning(second.pid)).toBeTrue();
    expect((await snapshot(second)).process.supervisorPid).toBe(second.pid);
  });
});

describe("the admin socket", () => {
  test.each([
    ["", 0o600],
    ['mode = "0660"', 0o660],
  ] as const)("is for its owner alone unless configured: %p", async (mode, expected) => {
    const socket = join(tmpDir(), "admin.sock");
    const proxy = await startProxy(toml({ port: freePort(), servers: [], more: `${adminAt(socket)}\n${mode}` }));
    expect(statSync(socket).mode & 0o777).toBe(expected);
    expect((await proxy.status()).stdout).toContain("haproxy-lite ");
  });

  test("gets the directories that it lacks", async () => {
    const dir = tmpDir();
    await startProxy(toml({ port: freePort(), servers: [], more: adminAt(`${dir}/run/lite/admin.sock`) }));
    expect(filesIn(dir, "run", "lite")).toEqual(["admin.sock"]);
  });

  test("in a place that cannot be: refused, and what was bound before is given back", async () => {
    const [dir, port] = [tmpDir(), freePort()];
    writeFileSync(join(dir, "file"), "");
    const { code, stderr } = await serveOnce(toml({ port, servers: [], more: adminAt(`${dir}/file/admin.sock`) }));
    expect(code).toBe(1);
    expect(stderr).toContain(`cannot make ${dir}/file for the admin socket: `);
    expect(stderr).toContain("give [admin] socket a path that this user may write to");
  });

  test.skipIf(!root())("in a directory that this user may not write to: refused with a hint", async () => {
    const dir = tmpDir();
    chmodSync(dir, 0o755);
    const file = join(dir, "haproxy-lite.toml");
    for (const [socket, problem] of [
      [`${dir}/admin.sock`, `cannot bind the admin socket to unix:${dir}/admin.sock: bind: Permission denied`],
      [`${dir}/run/admin.sock`, `cannot make ${dir}/run for the admin socket: EACCES`],
    ] as const) {
      writeFileSync(file, toml({ port: freePort(), servers: [], more: adminAt(socket) }));
      const { code, stderr } = await run([
        "setpriv",
        "--reuid=1",
        "--regid=1",
        "--clear-groups",
        "--",
        binary(),
        "serve",
        "-c",
        file,
      ]);
      expect(stderr).toContain(problem);
      expect(code).toBe(1);
    }
  });

  test.skipIf(!root())("is not put into a directory that somebody else made where ours should be", async () => {
    // The default for a user without a runtime directory is below /tmp.
    const uid = 61_000 + (process.pid % 1000);
    const dir = `/tmp/haproxy-lite-${uid}`;
    atEnd(() => rmSync(dir, { recursive: true, force: true }));
    mkdirSync(dir);
    chownSync(dir, uid + 1, uid + 1);
    chmodSync(dir, 0o777);
    const file = join(tmpDir(), "haproxy-lite.toml");
    writeFileSync(file, toml({ port: freePort(), servers: [] }));
    chmodSync(join(file, ".."), 0o755);
    const become = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--"];
    const { code, stderr } = await run([...become, binary(), "serve", "-c", file], {
      env: { XDG_RUNTIME_DIR: undefined },
    });
    expect(stderr).toContain(`${dir}, the directory for the admin socket, belongs to somebody else (uid ${uid + 1})`);
    expect(code).toBe(1);
    expect(filesIn(dir)).toEqual([]);
  });
});
