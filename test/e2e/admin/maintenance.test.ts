import { expect, test } from "bun:test";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../support/until.ts";
import { exchange } from "../process/load.ts";
import { liveClient, logLines, sessionLines, terminationOf, toml } from "../process/stand.ts";
import { ctl, serverOf } from "../reload/reloading.ts";

const CHECK = 'interval = "20ms"\nrise = 1\nfall = 1';

test("maintenance ends checks, drain does not; whoever leaves maintenance is up before any check has said so", async () => {
  const [echo, other] = [await serve({ kind: "echo" }), await serve({ kind: "echo" })];
  const port = freePort();
  const proxy = await startProxy(toml({ port, servers: [echo, other], check: CHECK }));
  await until("the first check", async () => (await serverOf(proxy, "s1"))?.status === "UP");
  await ctl(proxy, "set server web/s1 state drain");
  expect((await serverOf(proxy, "s1"))?.status).toBe("DRAIN");
  const before = echo.accepted;
  await until("more checks", () => echo.accepted > before + 3);
  // It goes down as any other would, and less loudly: nobody new was to come.
  await echo.stop();
  await until("it to be down", async () => (await serverOf(proxy, "s1"))?.status === "DOWN");
  expect(logLines(proxy, "notice").some((line) => line.startsWith("Server web/s1 is DOWN, reason: Layer4"))).toBe(true);
  await ctl(proxy, "set server web/s1 state maint");
  expect((await serverOf(proxy, "s1"))?.status).toBe("MAINT");
  await echo.restart();
  const inMaintenance = echo.accepted;
  await Bun.sleep(200);
  expect(echo.accepted).toBe(inMaintenance);
  await echo.stop();
  await ctl(proxy, "set server web/s1 state ready");
  await until("the check after it", () =>
    logLines(proxy, "alert").some((line) => line.startsWith("Server web/s1 is DOWN")),
  );
  const said = ["notice", "alert"].flatMap((level) => logLines(proxy, level)).filter((line) => line.includes("web/s1"));
  expect(said).toContain("Server web/s1 was DOWN and now enters maintenance.");
  expect(said).toContain("Server web/s1 is UP/READY (leaving forced maintenance).");
});

test("the sessions of a server that goes into maintenance end if the file says so, and drain leaves them alone", async () => {
  const echo = await serve({ kind: "echo" });
  const port = freePort();
  const proxy = await startProxy(toml({ port, servers: [echo], server: 'on_marked_down = "shutdown-sessions"' }));
  const live = await liveClient(port);
  await ctl(proxy, "set server web/s1 state drain");
  expect(await exchange(port, "nobody")).not.toBe("served");
  await live.send("still here");
  await live.receive("still here");
  await ctl(proxy, "disable server web/s1");
  await live.ended;
  await until("the session's line", () => sessionLines(proxy).some((line) => terminationOf(line) === "D-"));
  expect(logLines(proxy, "emerg")).toEqual(["proxy web has no server available!"]);
  await ctl(proxy, "enable server web/s1");
  expect(await exchange(port, "hello")).toBe("served");
});

test("sessions are ended by order, those of one server alone", async () => {
  const [echo, other] = [await serve({ kind: "echo" }), await serve({ kind: "echo" })];
  const port = freePort();
  const proxy = await startProxy(toml({ port, servers: [echo, other], threads: 2 }));
  const live = [await liveClient(port), await liveClient(port)];
  expect([echo.open.length, other.open.length]).toEqual([1, 1]);
  await ctl(proxy, "shutdown sessions server web/s1");
  await until("its session to end", () => echo.open.length === 0);
  await until("its line", () =>
    sessionLines(proxy).some((line) => line.includes("web/s1") && terminationOf(line) === "K-"),
  );
  expect(other.open.length).toBe(1);
  await Promise.any(live.map(({ ended }) => ended));
});

test("ctl says what is refused on stderr and exits 1, whatever the words", async () => {
  const echo = await serve({ kind: "echo" });
  const proxy = await startProxy(toml({ port: freePort(), servers: [echo] }));
  for (const [command, said] of [
    ["set server web/nosuch weight 5", "No such server.\n"],
    ["set server web/s1 weight abc", "Empty weight string empty or preceded by garbage\n"],
    ["del server web/s1", "Only servers in maintenance mode can be deleted.\n"],
    ["operator;set weight web/s1 3", "Permission denied\n"],
    ["show cli level;set maxconn global 999999999", "Value out of range.\n"],
  ] as const) {
    const { code, stdout, stderr } = await ctl(proxy, command);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toEndWith(said);
    expect(stderr).not.toMatch(/\[\d\]/);
  }
  for (const command of ["set server web/s1 weight 5", "get weight web/s1", "add server web/x 127.0.0.1:1", "help"]) {
    const { code, stderr, stdout } = await ctl(proxy, command);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).not.toMatch(/\[\d\]/);
  }
});

test("a listen that is enabled again while it is full goes on when there is room", async () => {
  const echo = await serve({ kind: "echo" });
  const port = freePort();
  const proxy = await startProxy(toml({ port, servers: [echo], threads: 2, listen: "maxconn = 1" }));
  const live = await liveClient(port);
  for (const order of ["disable", "enable"]) await ctl(proxy, `${order} frontend web`);
  const waiting = [exchange(port, "first"), exchange(port, "second"), exchange(port, "third")];
  live.rst();
  expect(await Promise.all(waiting)).toEqual(["served", "served", "served"]);
});

test("limits that are raised let in who waits, and those that are lowered send nobody away", async () => {
  const echo = await serve({ kind: "echo" });
  const port = freePort();
  const proxy = await startProxy(toml({ port, servers: [echo], threads: 2, listen: "maxconn = 1" }));
  await liveClient(port);
  const second = liveClient(port);
  expect((await ctl(proxy, "set maxconn frontend web 2")).code).toBe(0);
  const live = await second;
  expect((await ctl(proxy, "set maxconn frontend web 1;set maxconn global 1;set maxconn server web/s1 1")).code).toBe(
    0,
  );
  await live.send("still here");
  await live.receive("still here");
  const third = liveClient(port);
  expect((await ctl(proxy, "set maxconn frontend web 9;set maxconn server web/s1 0")).code).toBe(0);
  expect((await ctl(proxy, "set maxconn global 9")).code).toBe(0);
  await third;
});
