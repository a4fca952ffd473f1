import { expect, test } from "bun:test";
import { connect } from "node:net";
import { atEnd } from "../../support/cleanup.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../support/until.ts";
import { exchange } from "../process/load.ts";
import { toml } from "../process/stand.ts";
import { ctl, reload, rewrite } from "../reload/reloading.ts";
import { startUpgradable } from "../upgrade/versions.ts";
import { say } from "./haproxy.ts";

const echo = await serve({ kind: "echo" });

/** All that is answered over TCP to these lines; the error's code when nobody can be asked. */
async function ask(port: number, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let heard = "";
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("data", (chunk) => (heard += chunk.toString()));
  socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  socket.on("close", () => resolve(heard));
  socket.write(text);
  atEnd(() => {
    socket.destroy();
  });
  return promise;
}

test("the runtime API is served over TCP at the level that the file gives it, and the socket at its own", async () => {
  const [port, tcp] = [freePort(), freePort()];
  const file = (admin: string): string => toml({ port, servers: [echo], more: `[admin]\n${admin}` });
  const proxy = await startProxy(file(`bind = "127.0.0.1:${tcp}"\nlevel = "operator"`));
  expect(await ask(tcp, "show cli level;clear counters;get weight web/s1\n")).toBe(
    "user\n\nPermission denied\n\n1 (initial 1)\n\n",
  );
  expect(await say(proxy.adminSocket, "show cli level;clear counters;disable server web/s1\n")).toBe(
    "operator\n\n\nPermission denied\n\n",
  );
  expect((await ctl(proxy, "disable server web/s1")).code).toBe(1);
});

test("a reload gives and takes addresses and levels in place, and says what of it waits for a restart", async () => {
  const [port, first, second] = [freePort(), freePort(), freePort()];
  const file = (admin: string): string => toml({ port, servers: [echo], more: `[admin]\nsocket = "SOCKET"\n${admin}` });
  const proxy = await startProxy(toml({ port, servers: [echo] }));
  const change = async (admin: string): Promise<string> => {
    rewrite(proxy, toml({ port, servers: [echo] }));
    const text = file(admin).replace("SOCKET", proxy.adminSocket);
    await Bun.write(proxy.configFile, text);
    const said = await ctl(proxy, "reload");
    expect(said).toMatchObject({ code: 0 });
    return said.stdout;
  };
  expect(await ask(first, "show cli level\n")).toBe("ECONNREFUSED");
  expect(await change(`bind = ["127.0.0.1:${first}", "127.0.0.1:${second}"]`)).toContain(
    "[admin] changed: bind none ->",
  );
  expect(await Promise.all([first, second].map((at) => ask(at, "show cli level\n")))).toEqual(["user\n\n", "user\n\n"]);
  // Who has a prompt is told to go when the level changes: what they may do is not what it was.
  const plan = await change(`bind = "127.0.0.1:${second}"\nbind_level = "admin"\nmode = "0660"`);
  expect(plan).toContain("bind_level user -> admin");
  expect(plan).toContain("[admin] changed: mode 0600 -> 0660: takes effect at the next start");
  await until("the first to be closed", async () => (await ask(first, "show cli level\n")) === "ECONNREFUSED");
  expect(await ask(second, "show cli level;disable server web/s1\n")).toBe("admin\n\n\n");
  await change("");
  await until("the second to be closed", async () => (await ask(second, "show cli level\n")) === "ECONNREFUSED");
  expect(await exchange(port, "hello")).not.toBe("served");
});

test("an upgrade keeps the address, and its clients are answered by the new process", async () => {
  const [port, tcp] = [freePort(), freePort()];
  const proxy = await startUpgradable(
    toml({ port, servers: [echo], more: `[admin]\nbind = "127.0.0.1:${tcp}"\nbind_level = "admin"` }),
  );
  const pid = async (): Promise<string | undefined> => /^Pid: (\d+)$/m.exec(await ask(tcp, "show info\n"))?.[1];
  const before = await pid();
  await proxy.upgrade();
  const after = await pid();
  expect(after).toMatch(/^\d+$/);
  expect(after).not.toBe(before);
  expect(await ask(tcp, "disable server web/s1\n")).toBe("\n");
});

test("an address in use fails the start, and a reload changes nothing", async () => {
  const port = freePort();
  const proxy = await startProxy(toml({ port, servers: [echo] }));
  const taken = `[admin]\nsocket = "${proxy.adminSocket}"\nbind = "${echo.address}"`;
  await Bun.write(proxy.configFile, toml({ port, servers: [echo], more: taken }));
  const said = await ctl(proxy, "reload");
  expect(said).toMatchObject({ code: 1 });
  expect(said.stderr).toContain(`cannot bind [admin] to ${echo.address}: bind: Address already in use`);
  expect(await reload(proxy, toml({ port, servers: [echo], listen: "retries = 1" }))).toContain("retries 3 -> 1");
});
