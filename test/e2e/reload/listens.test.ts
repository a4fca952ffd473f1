import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { client } from "../../support/client.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { tmpDir } from "../../support/tmp.ts";
import { until } from "../../support/until.ts";
import { exchange, Load } from "../process/load.ts";
import { filesIn, liveClient, openFiles, proxyPid, toml } from "../process/stand.ts";
import { listenOf, reload } from "./reloading.ts";

const echo = await serve({ kind: "echo" });
const NOTICES = 'address = "stdout"\nlevel = "notice"';

/** A further listen, at the end of a file. */
function listen(name: string, bind: string): string {
  return `[listen.${name}]\nbind = "${bind}"\n[[listen.${name}.server]]\nname = "s1"\naddress = "${echo.address}"`;
}

function base(port: number, more = "", wishes: Partial<Parameters<typeof toml>[0]> = {}): string {
  return toml({ port, threads: 2, servers: [echo], more, log: null, ...wishes });
}

describe("a listen that is added", () => {
  test("serves at once, and also after the proxy process was killed and replaced", async () => {
    const [port, added] = [freePort(), freePort()];
    const proxy = await startProxy(base(port));
    const live = await liveClient(port);
    await reload(proxy, base(port, listen("app", `127.0.0.1:${added}`)));
    for (let i = 0; i < 20; i++) expect(await exchange(added, "hello")).toBe("served");
    expect(await listenOf(proxy, "app")).toMatchObject({ sessions: { total: 20 } });
    await live.send("still here");
    await live.receive("still here");
    process.kill(proxyPid(proxy), "SIGKILL");
    await proxy.process.waitFor("is serving again");
    for (let i = 0; i < 20; i++) expect(await exchange(added, "hello")).toBe("served");
    expect(await exchange(port, "hello")).toBe("served");
  });

  test("may be on a unix socket, whose file goes with it", async () => {
    const [port, dir] = [freePort(), tmpDir()];
    const proxy = await startProxy(base(port));
    await reload(proxy, base(port, listen("app", `unix:${dir}/app.sock`)));
    const live = client(`unix:${dir}/app.sock`);
    await live.send("hello");
    await live.receive("hello");
    await reload(proxy, base(port));
    await until("its file to go", () => filesIn(dir).length === 0);
    await live.send("still here");
    await live.receive("still here");
  });
});

describe("a listen that is removed", () => {
  test("serves whom it has accepted, or has in its queue, and then refuses", async () => {
    const [port, other] = [freePort(), freePort()];
    const proxy = await startProxy(base(port, listen("app", `127.0.0.1:${other}`), { log: NOTICES }));
    const live = await liveClient(other);
    const load = new Load(other, 8);
    await until("a storm", () => load.outcomes.served > 500);
    const plan = await reload(proxy, base(port, "", { log: NOTICES }));
    expect(plan).toMatch(/listen app removed: \d+ connections? may finish within 30s and will then be cut/);
    await until("it to refuse", () => (load.outcomes.failed.get("ECONNREFUSED") ?? 0) > 0);
    const { failed } = await load.stop();
    expect([...failed.keys()]).toEqual(["ECONNREFUSED"]);
    expect(await listenOf(proxy, "app")).toMatchObject({ status: "STOP", sessions: { current: 1 } });
    expect((await proxy.status()).code).toBe(0);
    await live.send("still here");
    await live.receive("still here");
    live.fin();
    await proxy.process.waitFor("Proxy app stopped (cumulated conns");
    expect(await listenOf(proxy, "app")).toBeUndefined();
    expect(await exchange(port, "hello")).toBe("served");
  });

  test("is rid of its sessions at hard_stop_after", async () => {
    const [port, other] = [freePort(), freePort()];
    const wishes = { global: 'hard_stop_after = "500ms"', log: NOTICES };
    const proxy = await startProxy(base(port, listen("app", `127.0.0.1:${other}`), wishes));
    const [live, kept] = [await liveClient(other), await liveClient(port)];
    const startedMs = performance.now();
    await reload(proxy, base(port, "", wishes));
    expect(await live.ended).toBe("fin");
    expect(performance.now() - startedMs).toBeWithin(450, 2000);
    await proxy.process.waitFor("Proxy app hard-stopped (1 remaining conns will be closed).");
    await kept.send("still here");
    await kept.receive("still here");
  });

  test("and added again under another name keeps its socket: nobody is refused or reset", async () => {
    const [port, other] = [freePort(), freePort()];
    const proxy = await startProxy(base(port, listen("app", `127.0.0.1:${other}`)));
    const live = await liveClient(other);
    const load = new Load(other, 8);
    for (const name of ["one", "two", "three"]) {
      const before = load.outcomes.served;
      await until("more traffic", () => load.outcomes.served > before + 200);
      await reload(proxy, base(port, listen(name, `127.0.0.1:${other}`)));
    }
    const { served, failed } = await load.stop();
    expect([...failed]).toEqual([]);
    expect(served).toBeGreaterThan(600);
    expect((await listenOf(proxy, "three"))?.sessions.total).toBeGreaterThan(0);
    await live.send("still here");
    await live.receive("still here");
  });
});

describe("a listen that is changed", () => {
  test("opens a new address before it closes the old one, and leaves no file open", async () => {
    const [port, other] = [freePort(), freePort()];
    const at = (...ports: number[]) =>
      base(port).replace(/bind = .*/, `bind = [${ports.map((each) => `"127.0.0.1:${each}"`).join(", ")}]`);
    const proxy = await startProxy(at(port));
    const before = [openFiles(proxy.pid), openFiles(proxyPid(proxy))];
    const live = await liveClient(port);
    for (let round = 0; round < 2; round++) {
      await reload(proxy, at(port, other));
      for (const each of [port, other]) expect(await exchange(each, "hello")).toBe("served");
      await reload(proxy, at(other));
      await until("the old one to refuse", async () => (await exchange(port, "hello")) === "ECONNREFUSED");
      expect(await exchange(other, "hello")).toBe("served");
      await reload(proxy, at(port));
      await until("the other to refuse", async () => (await exchange(other, "hello")) === "ECONNREFUSED");
      expect(await exchange(port, "hello")).toBe("served");
    }
    await live.send("still here");
    await live.receive("still here");
    live.fin();
    await until("files to be closed", () => {
      const now = [openFiles(proxy.pid), openFiles(proxyPid(proxy))];
      return now.every((count, i) => count <= (before[i] ?? 0));
    });
  });

  test("gives its new timeouts and balance to new sessions; those that live keep theirs", async () => {
    const port = freePort();
    const proxy = await startProxy(base(port));
    const patient = await liveClient(port);
    await reload(proxy, base(port, "", { listen: 'timeout.client = "300ms"\nbalance = "leastconn"' }));
    const hasty = await liveClient(port);
    const startedMs = performance.now();
    expect(await hasty.ended).toBe("fin");
    expect(performance.now() - startedMs).toBeWithin(250, 1500);
    await patient.send("still here");
    await patient.receive("still here");
    expect((await listenOf(proxy))?.balance).toBe("leastconn");
  });

  test("accepts who waits in the kernel as soon as its maxconn allows", async () => {
    const port = freePort();
    const proxy = await startProxy(base(port, "", { listen: "maxconn = 1" }));
    await liveClient(port);
    const second = client(port);
    await second.send("hello");
    await until("the limit", async () => (await listenOf(proxy))?.status === "FULL");
    await reload(proxy, base(port, "", { listen: "maxconn = 2" }));
    await second.receive("hello");
  });

  test("logs as the file now says, at once", async () => {
    const [port, file] = [freePort(), join(tmpDir(), "unused.sock")];
    const proxy = await startProxy(base(port, "", { log: `address = "${file}"` }));
    expect(await exchange(port, "unseen")).toBe("served");
    await reload(proxy, base(port, "", { log: 'address = "stdout"' }));
    expect(await exchange(port, "seen")).toBe("served");
    await proxy.process.waitFor(/info .* web web\/s1 /);
    expect(proxy.output().match(/ web web\/s1 /g)).toHaveLength(1);
  });

  test("has the process's new maxconn", async () => {
    const port = freePort();
    const proxy = await startProxy(base(port, "", { global: "maxconn = 1" }));
    await liveClient(port);
    const second = client(port);
    await second.send("hello");
    await until("the limit", async () => (await listenOf(proxy))?.status === "FULL");
    const plan = await reload(proxy, base(port, "", { global: "maxconn = 50" }));
    expect(plan).toContain("[global] changed: maxconn 1 -> 50");
    await second.receive("hello");
  });
});
