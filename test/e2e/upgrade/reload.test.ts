import { expect, test } from "bun:test";
import { serve } from "../../support/echo.ts";
import { freePort } from "../../support/ports.ts";
import { exchange } from "../process/load.ts";
import { childrenOf, liveClient, proxyPid, toml } from "../process/stand.ts";
import { ctl, reload } from "../reload/reloading.ts";
import { startUpgradable } from "./versions.ts";

test("after an upgrade, ordered over the admin socket, listens can still be added and removed in place", async () => {
  const echo = await serve({ kind: "echo" });
  const [port, added] = [freePort(), freePort()];
  const listen = `[listen.app]\nbind = "127.0.0.1:${added}"\n[[listen.app.server]]\nname = "s1"\naddress = "${echo.address}"`;
  const base = (more = "") => toml({ port, threads: 2, servers: [echo], more });
  const proxy = await startUpgradable(base());
  await reload(proxy, base(listen));
  const [former, live] = [proxyPid(proxy), await liveClient(added)];
  expect(await ctl(proxy, "upgrade")).toMatchObject({ code: 0, stdout: "upgraded: another proxy process serves\n" });
  await proxy.process.waitFor("upgraded from");
  expect(childrenOf(proxy.pid)).toContain(former);
  for (let i = 0; i < 10; i++) expect(await exchange(added, "hello")).toBe("served");
  await reload(proxy, base());
  expect(await exchange(added, "hello")).not.toBe("served");
  await reload(proxy, base(listen));
  for (let i = 0; i < 10; i++) expect(await exchange(added, "hello")).toBe("served");
  expect(await exchange(port, "hello")).toBe("served");
  await live.send("still here");
  await live.receive("still here");
}, 60_000);
