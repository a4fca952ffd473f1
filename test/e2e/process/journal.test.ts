import { describe, expect, test } from "bun:test";
import type { JournalEvent } from "../../../src/stats/event.ts";
import type { Why } from "../../../src/stats/why/why.ts";
import { serve } from "../../support/echo.ts";
import { type Proxy as RunningProxy, startProxy } from "../../support/instance.ts";
import { canMakeNetns, link, makeNetns } from "../../support/netns.ts";
import { freePort } from "../../support/ports.ts";
import { ctl, reload, rewrite } from "../reload/reloading.ts";
import { logLines, proxyPid, toml } from "./stand.ts";

const CHECK = 'interval = "100ms"\nrise = 2\nfall = 2\ninit_state = "fully-up"';

async function events(proxy: RunningProxy): Promise<JournalEvent[]> {
  return JSON.parse((await proxy.status("--events", "--json")).stdout) as JournalEvent[];
}

async function why(proxy: RunningProxy, name: string): Promise<Why> {
  return JSON.parse((await proxy.status("--why", name, "--json")).stdout) as Why;
}

/** Changes with what led to them: "down", "noServer < down". */
function told(list: readonly JournalEvent[]): string[] {
  return list.map(({ change, because }) => {
    const led = list.find(({ id }) => id === because);
    return led === undefined ? change : `${change} < ${led.change}`;
  });
}

describe("the journal", () => {
  test("has what the log has, in its words, and what led to it", async () => {
    const [one, two] = [await serve({ kind: "echo" }), await serve({ kind: "echo" })];
    const proxy = await startProxy(toml({ port: freePort(), servers: [one, two], check: CHECK }));
    expect(await proxy.status("--events")).toMatchObject({ code: 0 });
    await one.stop();
    await proxy.process.waitFor("Server web/s1 is DOWN");
    await two.stop();
    await proxy.process.waitFor("has no server available");
    const list = await events(proxy);
    expect(told(list.filter(({ subject }) => subject.kind !== "process"))).toEqual(["down", "down", "noServer < down"]);
    expect(list.map(({ id }) => id)).toEqual(list.map((_, index) => index + 1));
    expect(list.at(-2)?.subject).toEqual({ kind: "server", listen: "web", server: "s2" });
    expect(list.at(-2)?.cause).toBe(`check failed 2 in a row, the last at ${two.address}: ECONNREFUSED`);
    const alerts = [...logLines(proxy, "alert"), ...logLines(proxy, "emerg")].sort();
    expect(
      list
        .filter(({ level }) => level <= 1)
        .map(({ text }) => text)
        .sort(),
    ).toEqual(alerts);

    const { stdout, code } = await proxy.status("--events");
    expect(code).toBe(1);
    expect(stdout.trimEnd().split("\n")).toHaveLength(list.length);
    expect(stdout).toMatch(/^#\d+ \S+ emerg web noServer because=#\d+: proxy web has no server available!$/m);
    expect((await ctl(proxy, "show", "events")).stdout).toBe(stdout);
    const last = await ctl(proxy, "show", "events", "after", String(list.length - 1));
    expect(last.stdout.trim()).toEndWith("proxy web has no server available!");
  });

  test("knows who took a server out: an operator, or the file", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: [echo], check: CHECK }));
    expect((await ctl(proxy, "set", "server", "web/s1", "state", "maint")).code).toBe(0);
    const told = async () => (await events(proxy)).slice(-2);
    expect(await told()).toMatchObject([
      { change: "maint", cause: "an operator" },
      { change: "noServer", cause: null },
    ]);
    const [maint, noServer] = await told();
    expect(noServer?.because).toBe(maint?.id as number);
    const said = await proxy.status("--why", "s1");
    expect(said.stdout).toContain("  it was put in maintenance by an operator (");
    expect(said.stdout).toContain('"set server web/s1 state ready"');
    expect((await ctl(proxy, "set", "server", "web/s1", "state", "ready")).code).toBe(0);
    await reload(proxy, toml({ port, servers: [echo], check: CHECK, server: "disabled = true" }));
    const changes = (await events(proxy)).filter(({ subject }) => subject.kind === "server");
    expect(changes.map(({ change, cause }) => `${change} ${cause}`).slice(1)).toEqual([
      "ready an operator",
      "maint the configuration file",
      "changed null",
    ]);
  });

  test("survives the proxy process, knows its end, and a reload with its parts", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const proxy = await startProxy(toml({ port, servers: [echo], check: CHECK }));
    process.kill(proxyPid(proxy), "SIGKILL");
    await proxy.process.waitFor(/proxy process \d+ is serving again/);
    await reload(proxy, toml({ port, servers: [echo, echo], check: CHECK }));
    await reload(proxy, toml({ port, servers: [echo], check: CHECK }));
    await proxy.process.waitFor("Server web/s2 is gone");
    rewrite(proxy, "[global]\nthreads = 0\n");
    expect((await ctl(proxy, "reload")).code).toBe(1);
    const list = await events(proxy);
    expect(told(list.filter(({ change }) => change !== "gone")).slice(-7)).toEqual([
      "crash",
      "serving",
      "reload",
      "added < reload",
      "reload",
      "removed < reload",
      "reloadRefused",
    ]);
    expect(list.find(({ change }) => change === "crash")?.text).toContain("killed by signal SIGKILL");
    expect(list.at(-1)?.cause).toContain("global.threads");
    expect(await why(proxy, "web/s2")).toMatchObject({ state: "GONE", kind: "server" });
    const all = await proxy.status("--why", "process");
    expect(all.code).toBe(0);
    expect(all.stdout).toContain("the proxy process was started anew once, last because of ");
  });

  test("is told by the supervisor while the proxy process hangs, and explains what follows from that", async () => {
    const echo = await serve({ kind: "echo" });
    const proxy = await startProxy(toml({ port: freePort(), servers: [echo], check: CHECK }));
    const pid = proxyPid(proxy);
    process.kill(pid, "SIGSTOP");
    try {
      await proxy.process.waitFor("the proxy process hangs: no sign of life for");
      const hang = (await events(proxy)).at(-1);
      expect(hang).toMatchObject({ change: "hang", subject: { kind: "process" } });
      const said = await proxy.status("--why", "web/s1");
      expect(said.code).toBe(1);
      expect(said.stdout).toStartWith(
        "no working proxy process answers\n  the proxy process hangs: no sign of life for",
      );
    } finally {
      process.kill(pid, "SIGCONT");
    }
  });

  test("is as bounded as it says, and its numbers go on", async () => {
    const port = freePort();
    const echo = await serve({ kind: "echo" });
    const one = (weight: number) => toml({ port, servers: [echo], server: `weight = ${weight}` });
    const proxy = await startProxy(one(1));
    for (let weight = 2; weight < 6; weight++) await reload(proxy, one(weight));
    const list = await events(proxy);
    const two = await ctl(proxy, "show", "events", "2", "json");
    expect(JSON.parse(two.stdout)).toEqual(list.slice(-2));
    expect(list.filter(({ change }) => change === "changed").map(({ text }) => text.split("weight ")[1])).toEqual([
      "1 -> 2",
      "2 -> 3",
      "3 -> 4",
      "4 -> 5",
    ]);
  });
});

describe("--why", () => {
  const PING = `${CHECK}\nsend = "PING\\r\\n"\nexpect = "PONG"`;

  test("a wrong answer: the step and the bytes; a name that nobody has; not running", async () => {
    const wrong = await serve({ kind: "reply", reply: "+OK\u0001\r\n" });
    const right = await serve({ kind: "reply", reply: "+PONG\r\n" });
    const proxy = await startProxy(toml({ port: freePort(), servers: [wrong, right], check: PING }));
    await proxy.process.waitFor("Server web/s1 is DOWN");

    const down = await proxy.status("--why", "web/s1");
    expect(down).toMatchObject({ code: 1, stderr: "" });
    expect(down.stdout).toStartWith("web/s1 is DOWN for ");
    expect(down.stdout).toContain(`    connected to ${wrong.address}; step 2 of 2: expect string 'PONG'
    sent 6 bytes "PING\\r\\n"
    received 6 bytes "+OK\\x01\\r\\n"
`);
    expect(down.stdout).toMatch(/2 successful checks in a row would bring it up \(rise 2, 0 so far\): /);
    expect(down.stdout).toContain("what has happened:\n");

    const up = await proxy.status("--why", "s2");
    expect(up.code).toBe(0);
    expect(up.stdout).toMatch(/^web\/s2 is UP for /);
    expect(up.stdout).toContain('received 7 bytes "+PONG\\r\\n"');
    expect((await proxy.status("--why", "web")).code).toBe(0);
    expect((await ctl(proxy, "show", "why", "web/s2")).stdout).toStartWith("web/s2 is UP for ");

    const wbe = await proxy.status("--why", "wbe");
    expect(wbe).toMatchObject({ code: 2, stdout: "" });
    expect(wbe.stderr).toContain('there is no "wbe"; did you mean "web"?');
    expect((await proxy.status("--why", "a; show info")).stderr).toContain('there is no "a; show info"');
    expect((await proxy.status("--why", "web", "--watch")).code).toBe(2);
    await proxy.stop();
    expect((await proxy.status("--why", "web")).code).toBe(3);
    expect((await proxy.status("--events")).code).toBe(3);
  });

  test("a server that is killed: the system's word, how many, and when it was last well", async () => {
    const echo = await serve({ kind: "echo" });
    const proxy = await startProxy(toml({ port: freePort(), servers: [echo], check: CHECK }));
    await echo.stop();
    await proxy.process.waitFor("has no server available");
    const { stdout } = await proxy.status("--why", "web");
    expect(stdout).toMatch(/^web is DOWN for /);
    expect(stdout).toContain("0 of 1 server can take sessions; nobody serves it since");
    expect(stdout).toMatch(/checks in a row have failed \(fall 2\), the first at /);
    expect(stdout).toMatch(/L4CON Connection refused -> UP 1\/2\n.*L4CON Connection refused -> DOWN/);
    expect(stdout).toContain(`connecting to ${echo.address}: ECONNREFUSED (Connection refused)`);
    expect(stdout).toContain("the last check that passed was at ");
    const answer = await why(proxy, "web");
    expect(answer.events.map(({ change }) => change)).toEqual(["down", "noServer"]);
  });

  test.skipIf(!canMakeNetns())("a black hole: where the connect went, and that nothing came of it", async () => {
    const ns = await makeNetns();
    await link({ ns, addresses: ["192.0.2.1/24"] }, { ns: await makeNetns(), addresses: ["192.0.2.2/24"] });
    // Somebody who never answers, rather than nobody: that would be EHOSTUNREACH.
    await ns.ip("neighbour", "add", "192.0.2.9", "lladdr", "02:00:00:00:00:09", "dev", "eth0");
    const check = `${CHECK}\ntimeout = "100ms"`;
    const proxy = await startProxy(
      toml({ port: freePort(), servers: ["192.0.2.9:4900"], check, global: 'user = "nobody"' }),
      { inside: ns.inside([]) },
    );
    await proxy.process.waitFor("Server web/s1 is DOWN");
    const { stdout, code } = await proxy.status("--why", "web/s1");
    expect(code).toBe(1);
    expect(stdout).toMatch(/L4TOUT, Layer4 timeout/);
    expect(stdout).toContain("connecting to 192.0.2.9:4900\n");
    expect(stdout).not.toContain("received");
    expect(stdout).toContain("no check has passed since its checks began in this process");
  });
});
