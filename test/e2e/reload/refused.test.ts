import { expect, test } from "bun:test";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { runOk } from "../../support/process.ts";
import { root } from "../../support/tools.ts";
import { exchange } from "../process/load.ts";
import { isRunning, liveClient, logLines, openFiles, proxyPid, toml } from "../process/stand.ts";
import { ctl, listenOf, reload, rewrite } from "./reloading.ts";

const echo = await serve({ kind: "echo" });

test("a broken file changes nothing, and ctl and the log say why", async () => {
  const port = freePort();
  const proxy = await startProxy(toml({ port, servers: [echo] }));
  rewrite(proxy, toml({ port, servers: [echo], listen: 'maxcon = 1\nbalance = "fair"' }));
  const said = await ctl(proxy, "reload");
  expect(said.code).toBe(1);
  expect(said.stderr).toStartWith(`Failed: ${proxy.configFile}:`);
  expect(said.stderr).toContain("maxcon");
  expect(said.stderr).toContain('"fair"');
  expect(said.stderr).toContain("is not valid: nothing changes, the running configuration stays");
  expect(logLines(proxy, "err").map((line) => line.replace("ctl reload: ", ""))).toEqual(
    said.stderr.replace("Failed: ", "").trimEnd().split("\n"),
  );
  expect(await exchange(port, "hello")).toBe("served");
});

test("a file that means the same changes nothing and says so", async () => {
  const port = freePort();
  const proxy = await startProxy(toml({ port, servers: [echo] }));
  expect(await reload(proxy, `# words\n${toml({ port, servers: [echo] })}`)).toContain("nothing changes");
});

test("what takes a restart is named, and all else is applied", async () => {
  const port = freePort();
  const proxy = await startProxy(toml({ port, servers: [echo] }));
  const plan = await reload(proxy, toml({ port, servers: [echo], threads: 2, server: "weight = 7" }));
  expect(plan).toContain("server web/s1 changed: weight 1 -> 7\n");
  expect(plan).toContain("[global] changed: threads 1 -> 2: takes effect at the next start\n");
  expect((await listenOf(proxy))?.servers[0]?.weight.configured).toBe(7);
});

test("a plan that fails half-way is taken back: an address in use leaves everything as it was", async () => {
  const [port, free, taken] = [freePort(), freePort(), await serve({ kind: "echo" })];
  const proxy = await startProxy(toml({ port, servers: [echo], threads: 2 }));
  const live = await liveClient(port);
  const files = [openFiles(proxy.pid), openFiles(proxyPid(proxy))];
  const more = (name: string, bind: string) =>
    `[listen.${name}]\nbind = "${bind}"\n[[listen.${name}.server]]\nname = "s1"\naddress = "${echo.address}"`;
  const wished = toml({
    port,
    servers: [echo],
    threads: 2,
    server: "weight = 7",
    more: `${more("good", `127.0.0.1:${free}`)}\n${more("bad", taken.address)}`,
  });
  rewrite(proxy, wished);
  const said = await ctl(proxy, "reload");
  expect(said.code).toBe(1);
  expect(said.stderr).toContain(`cannot bind listen bad to ${taken.address}: bind: Address already in use`);
  expect(said.stderr).toContain("nothing has changed, the running configuration stays");
  expect(await exchange(free, "hello")).toBe("ECONNREFUSED");
  expect((await listenOf(proxy))?.servers[0]?.weight.configured).toBe(1);
  expect(await listenOf(proxy, "good")).toBeUndefined();
  expect([openFiles(proxy.pid), openFiles(proxyPid(proxy))]).toEqual(files);
  await live.send("still here");
  await live.receive("still here");
  // The very same file is good once the address is free.
  await taken.stop();
  await reload(proxy, wished);
  expect(await exchange(free, "hello")).toBe("served");
  expect(await exchange(taken.port, "hello")).toBe("served");
});

test("ctl passes a command on with all its words, and tells what is refused", async () => {
  const port = freePort();
  const proxy = await startProxy(toml({ port, servers: [echo] }));
  const stat = await ctl(proxy, "show", "stat", "-1", "4", "-1");
  expect(stat.code).toBe(0);
  expect(stat.stdout.trimEnd().split("\n")).toHaveLength(2);
  const unknown = await ctl(proxy, "bogus");
  expect([unknown.code, unknown.stdout]).toEqual([1, ""]);
  expect(unknown.stderr).toStartWith("Unknown command.");
  await proxy.stop();
  expect((await ctl(proxy, "reload")).code).toBe(3);
});

test.skipIf(!root())("a proxy process without room for new listening sockets refuses them and lives on", async () => {
  const [port, added] = [freePort(), freePort()];
  const base = (more = "") => toml({ port, servers: [echo], more });
  const more = `[listen.app]\nbind = "127.0.0.1:${added}"\n[[listen.app.server]]\nname = "s1"\naddress = "${echo.address}"`;
  const proxy = await startProxy(base());
  const pid = proxyPid(proxy);
  const files = openFiles(pid);
  const asNobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"];
  await runOk([...asNobody, "prlimit", `--pid=${pid}`, `--nofile=${files}:${files}`]);
  rewrite(proxy, base(more));
  proxy.process.signal("SIGHUP"); // it has no descriptor for a client of its admin socket
  await proxy.process.waitFor("nothing has changed, the running configuration stays");
  expect(logLines(proxy, "err")[0]).toMatch(/the new listening sockets did not arrive/);
  expect(logLines(proxy, "alert")).toEqual([]);
  expect(isRunning(pid)).toBe(true);
  expect(await exchange(added, "hello")).toBe("ECONNREFUSED");
});
