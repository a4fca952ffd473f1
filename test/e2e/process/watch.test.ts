import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Snapshot } from "../../../src/stats/snapshot.ts";
import { atEnd } from "../../support/cleanup.ts";
import { serve } from "../../support/echo.ts";
import { type Proxy as RunningProxy, startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { binary, run, start } from "../../support/process.ts";
import { openTerminal, type Screen, TERMINAL, type TerminalSession } from "../../support/terminal.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { procStatus, toml } from "./stand.ts";

const CHECK = 'interval = "100ms"\nfall = 1\nrise = 1';

/** A balancer with listens web (s1, s2) and mail (mx). */
async function stand(): Promise<{ proxy: RunningProxy; s1: Awaited<ReturnType<typeof serve>> }> {
  const [s1, s2] = [await serve({ kind: "echo" }), await serve({ kind: "echo" })];
  const mail = `[listen.mail]\nbind = "127.0.0.1:${freePort()}"\n[[listen.mail.server]]\nname = "mx"\naddress = "${s2.address}"`;
  const proxy = await startProxy(toml({ port: freePort(), servers: [s1, s2], check: CHECK, more: mail }));
  return { proxy, s1 };
}

function watching(
  { adminSocket }: Pick<RunningProxy, "adminSocket">,
  options: Parameters<typeof openTerminal>[1] = {},
): TerminalSession {
  return openTerminal([binary(), "status", "--watch", "--interval", "100ms", "--socket", adminSocket], options);
}

const row = ({ lines }: Screen, name: string): string => lines.find((line) => line.trim().startsWith(name)) ?? "";
const ended = (terminal: TerminalSession) => terminal.until("ended", ({ exit }) => exit !== null);

describe.skipIf(TERMINAL === null)("status --watch on a terminal", () => {
  test("shows servers as they stand, and one that goes down and comes back", async () => {
    const { proxy, s1 } = await stand();
    const terminal = watching(proxy);
    const screen = await terminal.until("up", (seen) => row(seen, "s1").includes(" UP "));
    expect(screen).toMatchObject({ alternate: true, cursorHidden: true, wraps: false, raw: true });
    expect(screen.colours).toContain("green");
    await s1.stop();
    const down = await terminal.until("down", (seen) => row(seen, "s1").includes(" DOWN "));
    expect(row(down, "s1")).toContain("L4CON Connection refused");
    expect(down.lines.join("\n")).toContain("1 server down: web/s1");
    expect(down.colours).toContain("red");
    expect(row(down, "s2")).toContain(" UP ");
  });

  test("follows the size of the terminal, and what is filtered", async () => {
    const { proxy } = await stand();
    const terminal = watching(proxy);
    await terminal.shows("mx");
    await terminal.resize(40, 10);
    const small = await terminal.until(
      "small",
      (seen) => seen.lines.length === 10 && (seen.lines[9] ?? "").startsWith("q quit") && row(seen, "s1") !== "",
    );
    expect(row(small, "s1")).toContain(" UP ");
    await terminal.resize(140, 40);
    await terminal.until("large", ({ lines }) => (lines[39] ?? "").includes("p pause"));
    await terminal.type("/mail\r");
    const filtered = await terminal.until("filtered", (seen) => row(seen, "web") === "");
    expect(row(filtered, "mx")).not.toBe("");
    await terminal.type("\u001b");
    await terminal.until("whole again", (seen) => row(seen, "s1") !== "");
  });

  test("drains a server, and makes it ready again", async () => {
    const { proxy } = await stand();
    const terminal = watching(proxy);
    await terminal.shows("mx");
    const adminOf = async (name: string) => {
      const { listens } = await proxy.statusJson<Snapshot>();
      return listens[0]?.servers.find((server) => server.name === name)?.admin;
    };
    await terminal.type("\u001b[B\u001b[Bd");
    await terminal.shows("Drain web/s2?");
    expect(await adminOf("s2")).toBe("ready");
    await terminal.type("y");
    await terminal.shows("set server web/s2 state drain: done");
    expect(await adminOf("s2")).toBe("drain");
    await terminal.until("drained", (seen) => row(seen, "s2").includes("DRAIN"));
    await terminal.type("ry");
    await terminal.until("ready", (seen) => row(seen, "s2").includes(" UP "));
    expect(await adminOf("s2")).toBe("ready");
  });

  test("says since when nobody answers, and goes on when somebody does", async () => {
    const socket = join(tmpDir(), "admin.sock");
    const config = (): string =>
      `${toml({ port: freePort(), servers: ["127.0.0.1:9"] })}\n[admin]\nsocket = ${JSON.stringify(socket)}\n`;
    const first = await startProxy(config());
    const terminal = watching(first);
    await terminal.shows(`pid ${first.pid}`);
    await first.stop();
    await terminal.shows(/NO ANSWER since \d\d:\d\d:\d\d \(\d+s\): not running/);
    await terminal.shows(/what is below is as it was at \d\d:\d\d:\d\d/);
    const second = await startProxy(config());
    await terminal.shows(`pid ${second.pid}`);
    const back = await terminal.shows("the balancer answers again, after");
    expect(back.lines.join("\n")).not.toContain("NO ANSWER");
  });

  test("is without colour when that was asked for", async () => {
    const { proxy } = await stand();
    const screen = await watching(proxy, { env: { NO_COLOR: "1" } }).shows("mx");
    expect(screen.colours).toEqual(["default"]);
  });

  test("waits for a balancer that is not there yet", async () => {
    const terminal = watching({ adminSocket: join(tmpDir(), "none.sock") });
    await terminal.shows("NO ANSWER since");
    await terminal.type("q");
    expect(await ended(terminal)).toMatchObject({ exit: 0, modesAsBefore: true });
  });
});

describe.skipIf(TERMINAL === null)("the terminal is as it was before", () => {
  const restored = { modesAsBefore: true, alternate: false, cursorHidden: false, wraps: true };
  const shown = async (): Promise<{ terminal: TerminalSession; pid: number }> => {
    const { proxy } = await stand();
    const terminal = watching(proxy);
    const { pid, modesAsBefore } = await terminal.shows("mx");
    expect(modesAsBefore).toBeFalse();
    return { terminal, pid };
  };

  test.each([
    ["q", "q"],
    ["Ctrl-C", "\u0003"],
  ])("after %s", async (_name, key) => {
    const { terminal } = await shown();
    await terminal.type(key);
    expect(await ended(terminal)).toMatchObject({ exit: 0, ...restored });
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGHUP", 129],
    ["SIGQUIT", 131],
  ] as const)("after %s", async (signal, status) => {
    const { terminal, pid } = await shown();
    process.kill(pid, signal);
    expect(await ended(terminal)).toMatchObject({ exit: status, ...restored });
  });

  test("when the program breaks, which says so", async () => {
    const socket = join(tmpDir(), "s");
    const listener = Bun.listen({
      unix: socket,
      // Nobody's snapshot: what it says of listens is no list of listens.
      socket: { data: (client) => void client.end('{"process":{"version":"9"},"listens":[7]}\n\n') },
    });
    atEnd(() => listener.stop(true));
    const terminal = watching({ adminSocket: socket });
    const screen = await ended(terminal);
    expect(screen).toMatchObject({ exit: 1, ...restored });
    expect(screen.lines.join("\n")).toContain("TypeError");
  });

  test("while it is suspended, and taken again when it goes on", async () => {
    const { terminal, pid } = await shown();
    await terminal.type("\u001a");
    await until("the stop", () => procStatus(pid, "State").startsWith("T"));
    expect(await terminal.look()).toMatchObject({ exit: null, ...restored });
    process.kill(pid, "SIGCONT");
    const again = await terminal.until("again", ({ alternate, raw }) => alternate && raw);
    expect(again.cursorHidden).toBeTrue();
    await terminal.type("q");
    expect(await ended(terminal)).toMatchObject({ exit: 0, ...restored });
  });
});

/** Bytes that a process has written to files so far, sockets left out. */
function writtenBytes(pid: number): number {
  return Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "latin1"))?.[1]);
}

describe.skipIf(TERMINAL === null)("a terminal that fails", () => {
  test("takes the program with it when it is gone", async () => {
    const { proxy } = await stand();
    const terminal = watching(proxy);
    await terminal.shows("mx");
    await terminal.hangUp();
    expect((await ended(terminal)).exit).toBe(129);
  });

  test("does not keep it from ending when it takes no more", async () => {
    const { proxy } = await stand();
    const terminal = watching(proxy, { columns: 200, rows: 200 });
    const { pid } = await terminal.shows("mx");
    await terminal.freeze(true);
    let [written, still] = [0, 0];
    await until(
      "the terminal to be full",
      async () => {
        await terminal.type("\u000c");
        const now = writtenBytes(pid);
        still = now === written ? still + 1 : 0;
        written = now;
        return still === 4;
      },
      { everyMs: 100 },
    );
    process.kill(pid, "SIGTERM");
    await until("its end", async () => (await terminal.look()).exit !== null);
    expect((await terminal.look()).exit).toBe(143);
  });
});

describe("status --watch without a terminal", () => {
  test("says what changes in plain lines, until nobody reads", async () => {
    const { proxy, s1 } = await stand();
    const watcher = start([binary(), "status", "--watch", "--interval", "100ms", "--socket", proxy.adminSocket], {
      env: { NO_COLOR: undefined },
    });
    await watcher.waitFor(/^[-0-9]{10} [:0-9]{8} 2\/2 listens up, 3\/3 servers up, /m);
    await s1.stop();
    await watcher.waitFor("server web/s1 UP -> DOWN: L4CON Connection refused");
    expect(watcher.output()).not.toContain("\u001b");
    await proxy.stop();
    await watcher.waitFor("NO ANSWER: not running");
    expect(await watcher.stop()).toEqual({ code: null, signal: "SIGTERM" });
  });

  test("ends when its reader has seen enough", async () => {
    const { proxy } = await stand();
    const command = `${binary()} status --watch --interval 100ms --socket ${proxy.adminSocket}`;
    const said = await run(["bash", "-c", `set -o pipefail; ${command} | head -n 3`]);
    expect(said).toMatchObject({ code: 0, stderr: "" });
    expect(said.stdout.split("\n").length).toBe(4);
  });

  test("does not mix ways of saying it", async () => {
    for (const [args, problem] of [
      [["--watch", "--json"], "--json and --watch do not go together"],
      [["--csv", "--watch"], "--csv and --watch do not go together"],
      [["--interval", "1s"], "--interval is for --watch"],
      [["--watch", "--interval", "5"], "--interval 5 is not a duration"],
    ] as const) {
      const said = await run([binary(), "status", ...args]);
      expect(said.code).toBe(2);
      expect(said.stderr).toContain(problem);
    }
  });
});

test("status --csv is what show stat answers, with the exit status of status", async () => {
  const { proxy, s1 } = await stand();
  const csv = await proxy.status("--csv");
  expect(csv.code).toBe(0);
  const lines = csv.stdout.split("\n");
  expect(lines[0]).toStartWith("# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,");
  const asked = await run([binary(), "ctl", "--socket", proxy.adminSocket, "show stat"]);
  expect(lines.map((line) => line.split(",").slice(0, 2).join("/"))).toEqual(
    asked.stdout.split("\n").map((line) => line.split(",").slice(0, 2).join("/")),
  );
  expect(lines.at(-1)).toBe("");
  await s1.stop();
  await proxy.process.waitFor("Server web/s1 is DOWN");
  const down = await proxy.status("--csv");
  expect(down.code).toBe(1);
  expect(down.stdout).toMatch(/^web,s1,.*,DOWN,/m);
});
