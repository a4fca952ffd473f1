import { describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { Rsyslog } from "../../log/rsyslog.ts";
import { serve } from "../../support/echo.ts";
import { type Proxy as RunningProxy, startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { run, runOk, start } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { tool } from "../../support/tools.ts";
import { until } from "../../support/until.ts";
import { exchange, Load, quantile } from "./load.ts";
import { sessionLines, snapshot, toml } from "./stand.ts";

const rsyslogd = tool("rsyslogd");
const halog = tool("halog");

async function dropped(proxy: RunningProxy): Promise<number> {
  return (await snapshot(proxy)).process.droppedLogs;
}

/** Latencies of so many exchanges, a few at a time. */
async function latencies(port: number, exchanges: number): Promise<number[]> {
  const load = new Load(port, 4);
  await until("the exchanges", () => load.outcomes.served >= exchanges, { timeoutMs: 20_000 });
  const { failed, latenciesMs } = await load.stop();
  expect([...failed]).toEqual([]);
  return latenciesMs;
}

/** Not slower than without a log, but for noise. A write that waited for its reader would wait as long as this test lets it. */
function expectUndelayed(withLog: readonly number[], without: readonly number[]): void {
  expect(quantile(withLog, 0.5)).toBeLessThan(3 * quantile(without, 0.5) + 10);
  expect(quantile(withLog, 0.95)).toBeLessThan(4 * quantile(without, 0.95) + 250);
}

/** rsyslogd on a unix socket, in a directory that others than root may enter. */
async function startOnSocket(
  daemon: Rsyslog,
): Promise<{ socket: string; program: Awaited<ReturnType<Rsyslog["start"]>> }> {
  const socket = daemon.path("log");
  chmodSync(daemon.dir, 0o755);
  const input = `module(load="imuxsock" SysSock.Use="off")\ninput(type="imuxsock" Socket="${socket}" RateLimit.Interval="0")`;
  const output = `template(name="text" type="string" string="%msg:::sp-if-no-1st-sp%%msg%\\n")\nlocal0.* ${daemon.path("out.log")};text\n`;
  return { socket, program: await daemon.start(`${input}\n${output}`, { unixPath: socket }) };
}

describe.skipIf(rsyslogd === null)("a real rsyslogd", () => {
  test.skipIf(halog === null)(
    "with the classic drop-in files every connection and every state change, and halog counts them",
    async () => {
      const daemon = new Rsyslog(rsyslogd ?? "");
      const udp = freePort();
      await daemon.start(
        `$ModLoad imudp
$UDPServerRun ${udp}
$template Haproxy, "%msg%\\n"
local0.=info -${daemon.path("haproxy.log")};Haproxy
local0.notice -${daemon.path("haproxy-status.log")};Haproxy
local0.* ~
`,
        { udpPort: udp },
      );
      const [s1, s2] = [await serve({ kind: "echo" }), await serve({ kind: "echo" })];
      const port = freePort();
      const proxy = await startProxy(
        toml({
          port,
          threads: 2,
          servers: [s1, s2],
          check: 'interval = "100ms"\nfall = 2\nrise = 1',
          log: `address = "127.0.0.1:${udp}"\nlevel = "info"`,
        }),
      );
      for (let i = 0; i < 40; i++) expect(await exchange(port, "x".repeat(100 + i))).toBe("served");
      await s1.stop();
      const says = (text: string): boolean => daemon.lines("haproxy-status.log").some((line) => line.includes(text));
      await until("the line of the death", () => says("Server web/s1 is DOWN"));
      await s1.restart();
      await until("the line of the return", () => says("Server web/s1 is UP"));
      await proxy.stop();
      const connections = await daemon.linesWhen("haproxy.log", 40);
      await until("the last state line", () =>
        daemon.lines("haproxy-status.log").at(-1)?.includes("Proxy web stopped"),
      );
      await daemon.stop();
      expect(connections).toHaveLength(40);
      const sizes = connections.map((line) => Number(/ web\/s[12] \d+\/\d+\/\d+ (\d+) -- /.exec(line)?.[1]));
      expect(sizes.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => 100 + i));
      const states = daemon.lines("haproxy-status.log").map((line) => line.trim());
      for (const part of [
        " ready: web on ",
        "Server web/s1 is DOWN, reason: Layer4",
        "Server web/s1 is UP, reason: Layer4",
        "SIGTERM: stopping",
      ]) {
        expect(states.filter((line) => line.includes(part))).toHaveLength(1);
      }
      // halog wants what syslogd usually puts before the message.
      const log = connections.map((line) => `Nov 22 16:00:00 lb haproxy[1]:${line}\n`).join("");
      expect((await run([halog ?? "", "-c"], { stdin: log })).stdout.trim()).toBe("40");
      expect((await run([halog ?? "", "-v", "-c"], { stdin: log })).stdout.trim()).toBe("0");
    },
  );

  test("on a unix socket gets everything; frozen, stopped and started again it delays nobody, and what it missed is counted", async () => {
    const daemon = new Rsyslog(rsyslogd ?? "");
    const { socket, program } = await startOnSocket(daemon);
    const echo = await serve({ kind: "echo" });
    const [port, quietPort] = [freePort(), freePort()];
    const quiet = await startProxy(toml({ port: quietPort, servers: [echo], log: null }));
    const proxy = await startProxy(toml({ port, servers: [echo], log: `address = "${socket}"\nlevel = "info"` }));
    const without = await latencies(quietPort, 300);
    await quiet.stop();

    for (let i = 0; i < 20; i++) expect(await exchange(port, "x")).toBe("served");
    await until("20 lines", () => daemon.lines("out.log").filter((line) => line.includes("web/s1")).length === 20);
    expect(await dropped(proxy)).toBe(0);

    program.signal("SIGSTOP");
    expectUndelayed(await latencies(port, 300), without);
    await until("frozen: lines to be counted as dropped", async () => (await dropped(proxy)) > 100);
    await proxy.process.waitFor(
      `Log target ${socket}: messages are being lost (EAGAIN, the syslog daemon does not keep up).`,
    );
    program.signal("SIGCONT");

    await daemon.stop();
    const beforeGone = await dropped(proxy);
    expectUndelayed(await latencies(port, 300), without);
    await until("gone: lines to be counted as dropped", async () => (await dropped(proxy)) >= beforeGone + 250);

    await startOnSocket(daemon);
    const lines = daemon.lines("out.log").length;
    await until(
      "lines to arrive again",
      async () => {
        await exchange(port, "x");
        return daemon.lines("out.log").length > lines;
      },
      { everyMs: 100 },
    );
  });
});

describe("a syslog that is not there", () => {
  test("from the start: traffic is not delayed, each lost line counted, one line says why", async () => {
    const echo = await serve({ kind: "echo" });
    const [port, quietPort] = [freePort(), freePort()];
    const nobody = freePort();
    await startProxy(toml({ port: quietPort, servers: [echo], log: null }));
    const proxy = await startProxy(
      toml({ port, servers: [echo], log: `address = "127.0.0.1:${nobody}"\nlevel = "info"` }),
    );
    const without = await latencies(quietPort, 300);
    expectUndelayed(await latencies(port, 300), without);
    // The kernel tells of a refusal with the next datagram; the last one's may be outstanding.
    await until("the drops to be counted", async () => (await dropped(proxy)) >= 290);
    const report = `Log target udp 127.0.0.1:${nobody}: messages are being lost (ECONNREFUSED, nobody listens there: is the syslog daemon running?).`;
    await proxy.process.waitFor(report);
    expect((await proxy.status()).stdout).toMatch(/^\d+ log lines dropped$/m);
    await proxy.stop();
  });
});

describe("a stdout that nobody reads", () => {
  test("delays nobody and holds a bounded amount; the rest is counted, and whoever reads at last is told", async () => {
    const echo = await serve({ kind: "echo" });
    const [port, quietPort] = [freePort(), freePort()];
    const quiet = await startProxy(toml({ port: quietPort, servers: [echo], log: null }));
    const without = await latencies(quietPort, 300);
    await quiet.stop();
    const fifo = join(tmpDir(), "stdout");
    await runOk(["mkfifo", fifo]);
    // Long names make long lines: what is held back is full sooner.
    const long = `l${"o".repeat(61)}ng`;
    const text = toml({ port, servers: [echo], more: '[[log]]\naddress = "stderr"\nlevel = "notice"' }).replaceAll(
      "listen.web",
      `listen.${long}`,
    );
    const unread = ["sh", "-c", `exec "$0" "$@" 3<>${fifo} >${fifo}`];
    const proxy = await startProxy(text.replace('name = "s1"', `name = "${long}"`), { inside: unread });
    const load = new Load(port, 16);
    await until("lines to be dropped", async () => (await dropped(proxy)) > 0, { timeoutMs: 25_000, everyMs: 200 });
    const { failed } = await load.stop();
    expect([...failed]).toEqual([]);
    expectUndelayed(await latencies(port, 300), without);
    const reader = start(["cat", fifo]);
    await until(
      "the reader to be told",
      async () => {
        await exchange(port, "x");
        return /^\d+ log lines dropped: nobody read them$/m.test(reader.stdout());
      },
      { timeoutMs: 10_000, everyMs: 50 },
    );
  });

  test("does not hold up the end", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const fifo = join(tmpDir(), "stdout");
    await runOk(["mkfifo", fifo]);
    const more = '[[log]]\naddress = "stderr"\nlevel = "notice"';
    const proxy = await startProxy(toml({ port, servers: [echo], more }), {
      inside: ["sh", "-c", `exec "$0" "$@" 3<>${fifo} >${fifo}`],
    });
    const load = new Load(port, 8);
    // More than a pipe holds.
    await until("lines enough", () => load.outcomes.served > 1500, { timeoutMs: 15_000 });
    await load.stop();
    expect(await proxy.stop({ timeoutMs: 3000 })).toEqual({ code: 0, signal: null });
  });
});

describe("a stdout whose reader goes away", () => {
  test("costs the lines, nothing else", async () => {
    const echo = await serve({ kind: "echo" });
    const port = freePort();
    const fifo = join(tmpDir(), "stdout");
    await runOk(["mkfifo", fifo]);
    const reader = start(["sh", "-c", `exec head -c 200 ${fifo}`]);
    const more = '[[log]]\naddress = "stderr"\nlevel = "notice"';
    const proxy = await startProxy(toml({ port, servers: [echo], more }), {
      inside: ["sh", "-c", `exec "$0" "$@" >${fifo}`],
    });
    for (let i = 0; i < 5; i++) expect(await exchange(port, "x")).toBe("served");
    await reader.exited;
    for (let i = 0; i < 20; i++) expect(await exchange(port, "x")).toBe("served");
    expect((await snapshot(proxy)).process.restarts).toBe(0);
    expect(await proxy.stop()).toEqual({ code: 0, signal: null });
    expect(sessionLines(proxy)).toEqual([]);
  });
});
