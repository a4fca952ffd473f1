import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readingCommands } from "../../src/admin/commands/reading.ts";
import { serveAdmin } from "../../src/admin/server.ts";
import { askFirst, exitStatus, findSockets } from "../../src/cli/status.ts";
import { systemClock } from "../../src/core/clock.ts";
import { UserError } from "../../src/core/errors.ts";
import { bindListeners, closeListeners } from "../../src/net/listen.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { renderStatus } from "../../src/stats/table.ts";
import { BUSY, listenWith, processWith, serverWith } from "../stats/tableCases.ts";
import { atEnd } from "../support/cleanup.ts";
import { type Result, run } from "../support/process.ts";
import { tmpDir } from "../support/tmp.ts";
import { tool } from "../support/tools.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const HEALTHY: Snapshot = {
  process: processWith(),
  listens: [listenWith({ name: "web", servers: [serverWith({ name: "a" })] })],
  vrrp: null,
};

/** An admin socket behind which things stand like this. */
function standing(snapshot: Snapshot, path = join(tmpDir(), "admin.sock")): string {
  const fds = bindListeners({ kind: "unix", path }, { sockets: 1, backlog: 16, mode: 0o600 });
  const commands = readingCommands(() => snapshot);
  const server = serveAdmin({ fd: fds[0] as number, backlog: 16, commands, level: "user" }, systemClock);
  atEnd(() => {
    server.stop();
    closeListeners(fds);
  });
  return path;
}

/** The command as a process of its own; its default socket would be in a directory that is empty. */
function status(...args: string[]): Promise<Result> {
  return run([process.execPath, MAIN, "status", ...args], { env: { XDG_RUNTIME_DIR: tmpDir() } });
}

function fileWith(text: string): string {
  const path = join(tmpDir(), "haproxy-lite.toml");
  writeFileSync(path, text);
  return path;
}

describe("status", () => {
  test("prints the table and exits 0 when all is well", async () => {
    const said = await status("--socket", standing(HEALTHY));
    expect(said).toMatchObject({ code: 0, stderr: "", stdout: renderStatus(HEALTHY, { colour: false, width: 100 }) });
  });

  test("exits 1 when something is down", async () => {
    const said = await status("--socket", standing(BUSY));
    expect(said).toMatchObject({ code: 1, stderr: "" });
    expect(said.stdout).toContain("2 servers down: tcp_service_a/tcp_service_a_02, b/b2\n");
  });

  test("gives scripts the whole snapshot, with the same exit statuses", async () => {
    const said = await status("--json", "--socket", standing(BUSY));
    expect(JSON.parse(said.stdout)).toEqual(BUSY);
    expect(said).toMatchObject({ code: 1, stderr: "" });
  });

  test("asks the socket that the configuration file names, whatever else is in the file", async () => {
    const config = fileWith(`[admin]\nsocket = ${JSON.stringify(standing(HEALTHY))}\n[listen.x]\nnonsense = 1\n`);
    expect(await status("-c", config)).toMatchObject({ code: 0, stderr: "" });
  });

  test("exits 3 when nothing is running, and says where it looked", async () => {
    const socket = join(tmpDir(), "none.sock");
    expect(await status("--socket", socket)).toMatchObject({
      code: 3,
      stdout: "",
      stderr: `haproxy-lite: not running: nothing answers at ${socket} (no such socket)\n`,
    });
  });

  test("does not take another program's answer for ours", async () => {
    const socket = join(tmpDir(), "s");
    const listener = Bun.listen({
      unix: socket,
      socket: { data: (client) => void client.end("Unknown command.\n\n") },
    });
    atEnd(() => listener.stop(true));
    const said = await status("--socket", socket);
    expect(said).toMatchObject({
      code: 1,
      stdout: "",
      stderr: 'haproxy-lite: the answer is not haproxy-lite\'s: "Unknown command.\\n"\n',
    });
  });

  test("is whole in a slow pipe, and silent in one that is closed early", async () => {
    const servers = Array.from({ length: 8000 }, (_, i) => serverWith({ name: `server_${i}` }));
    const large: Snapshot = { process: processWith(), listens: [listenWith({ name: "web", servers })], vrrp: null };
    const socket = standing(large);
    const command = `${process.execPath} ${MAIN} status --json --socket ${socket}`;
    const slow = await run(["bash", "-c", `set -o pipefail; ${command} | (sleep 0.3; cat)`]);
    expect(slow.code).toBe(0);
    // test/support/process.ts keeps the last 4 MiB of output.
    expect(slow.stdout.endsWith(JSON.stringify(large, null, 2).slice(-100_000).concat("\n"))).toBeTrue();
    const early = await run(["bash", "-c", `${command} | head -c 10`]);
    expect(early).toMatchObject({ stdout: '{\n  "proce', stderr: "" });
  });

  const script = tool("script");
  test.skipIf(script === null)("is coloured on a terminal, and not with NO_COLOR", async () => {
    const socket = standing(BUSY);
    const onTerminal = async (env: Record<string, string | undefined>): Promise<string> => {
      const typescript = join(tmpDir(), "out");
      await run([script ?? "", "-qec", `${process.execPath} ${MAIN} status --socket ${socket}`, typescript], { env });
      return await Bun.file(typescript).text();
    };
    expect(await onTerminal({ NO_COLOR: undefined })).toContain("\u001b[31mDOWN");
    expect(await onTerminal({ NO_COLOR: "1" })).not.toContain("\u001b[");
  });
});

describe("the socket to ask", () => {
  const nowhere = { uid: 1000, runtimeDir: "/run/user/1000", systemConfig: "/nonexistent.toml" };

  test("is the one that --socket names, before the file's", async () => {
    expect(await findSockets({ socket: "/a", config: "/nonexistent" }, nowhere)).toEqual(["/a"]);
  });

  test("of a file that names none is the user's own", async () => {
    expect(await findSockets({ config: fileWith("[global]\n") }, nowhere)).toEqual([
      "/run/user/1000/haproxy-lite/admin.sock",
    ]);
  });

  test("without flags is the installed service's, then the user's own, then root's", async () => {
    const systemConfig = fileWith('[admin]\nsocket = "/srv/admin.sock"\n');
    const users = ["/run/user/1000/haproxy-lite/admin.sock", "/run/haproxy-lite/admin.sock"];
    expect(await findSockets({}, { ...nowhere, systemConfig })).toEqual(["/srv/admin.sock", ...users]);
    expect(await findSockets({}, nowhere)).toEqual(users);
    expect(await findSockets({}, { ...nowhere, systemConfig: fileWith("broken =") })).toEqual(users);
    expect(await findSockets({}, { ...nowhere, uid: 0 })).toEqual(["/run/haproxy-lite/admin.sock"]);
  });

  test("is not guessed when the file that was given cannot be read", async () => {
    const problem = (config: string) =>
      findSockets({ config }, nowhere).then(
        () => null,
        (error: unknown) => (error instanceof UserError ? `${error.exitCode} ${error.message}` : error),
      );
    expect(await problem("/nonexistent.toml")).toStartWith("78 cannot read /nonexistent.toml: ENOENT");
    const broken = fileWith("a = 1\nb =\n");
    expect(await problem(broken)).toBe(`78 ${broken}:2 is not valid TOML; "check -c ${broken}" says why`);
    const wrong = fileWith("[admin]\nsocket = 5\n");
    expect(await problem(wrong)).toBe(`78 ${wrong}: admin.socket is not a path; "check -c ${wrong}" says more`);
  });
});

describe("of several sockets", () => {
  const failure = (sockets: string[]) =>
    askFirst(sockets).then(
      (text) => text,
      (error: unknown) => (error instanceof UserError ? error.message : error),
    );

  test("the first that somebody serves is asked", async () => {
    const socket = standing(HEALTHY);
    expect(JSON.parse(await askFirst([join(tmpDir(), "none"), fileWith("left over"), socket]))).toEqual(HEALTHY);
  });

  test("one that is served but gives no answer is not passed over for another", async () => {
    const mute = join(tmpDir(), "s");
    const listener = Bun.listen({ unix: mute, socket: { data: (client) => void client.end() } });
    atEnd(() => listener.stop(true));
    expect(await failure([mute, standing(HEALTHY)])).toStartWith(`no usable answer from ${mute}`);
  });

  test("the first is named when nobody serves any", async () => {
    expect(await failure(["/nonexistent/first", "/nonexistent/second"])).toContain("/nonexistent/first");
  });
});

test("the exit status is 1 for a listen that nobody serves, although a person wanted it so", () => {
  const servers = [serverWith({ name: "a", admin: "maint", status: "MAINT" })];
  const exitWith = (available: boolean) =>
    exitStatus({ process: processWith(), listens: [listenWith({ name: "web", available, servers })], vrrp: null });
  expect([exitWith(true), exitWith(false)]).toEqual([0, 1]);
});
