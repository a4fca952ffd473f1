import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { atEnd } from "../../support/cleanup.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePort } from "../../support/ports.ts";
import { seeded } from "../../support/random.ts";
import { until } from "../../support/until.ts";
import { Load } from "../process/load.ts";
import { procStatus, proxyPid, toml } from "../process/stand.ts";
import { ctl } from "../reload/reloading.ts";
import { say } from "./haproxy.ts";
import { VERBS_AND_NAMES } from "./vocabulary.ts";

/** What the proxy process may grow by, whatever is done to its runtime API. */
const MOST_MB = 80;

const echo = await serve({ kind: "echo" });

async function stand() {
  const [port, tcp] = [freePort(), freePort()];
  const file = toml({ port, servers: [echo, echo], threads: 2, log: null, more: `[admin]\nbind = "127.0.0.1:${tcp}"` });
  const proxy = await startProxy(file);
  const pid = proxyPid(proxy);
  const residentMb = (): number => Number.parseInt(procStatus(pid, "VmRSS"), 10) / 1024;
  const files = (): number => readdirSync(`/proc/${pid}/fd`).length;
  return { proxy, port, tcp, residentMb, files };
}

/** A connection that is left to itself. */
function intruder(to: { path: string } | { port: number }, { reads = true } = {}): Socket {
  const socket = connect("path" in to ? to : { ...to, host: "127.0.0.1" });
  socket.on("error", () => {});
  if (reads) socket.on("data", () => {});
  else socket.pause();
  atEnd(() => {
    socket.destroy();
  });
  return socket;
}

test("whatever clients of the runtime API do, traffic goes on, others are answered, and memory stays", async () => {
  const { proxy, port, tcp, residentMb, files } = await stand();
  const places = [{ path: proxy.adminSocket }, { port: tcp }];
  const load = new Load(port, 4);
  await until("some traffic", () => load.outcomes.served > 200, { timeoutMs: 10_000 });
  const [residentBefore, filesBefore] = [residentMb(), files()];
  let highestMb = 0;
  const watching = setInterval(() => {
    highestMb = Math.max(highestMb, residentMb());
  }, 20);
  atEnd(() => clearInterval(watching));
  /** Somebody who means well is answered, on every address, within a second or so. */
  const others = async (): Promise<void> => {
    const startedMs = performance.now();
    const answers = await Promise.all([ctl(proxy, "get weight web/s1"), ctl(proxy, "show info")]);
    expect(answers.map(({ code }) => code)).toEqual([0, 0]);
    expect(performance.now() - startedMs).toBeLessThan(5000);
  };

  const megabyte = Buffer.alloc(1024 * 1024, "x");
  for (const place of places) {
    const garbage = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 256));
    intruder(place).write(garbage);
    const endless = intruder(place);
    for (let i = 0; i < 10; i++) endless.write(megabyte);
    // Commands without end whose answers nobody reads, each an answer much longer than the question.
    const deaf = intruder(place, { reads: false });
    deaf.write(`prompt\n${"show stat;show info;help\n".repeat(100_000)}`);
    const slow = intruder(place);
    const drip = setInterval(() => slow.write("s"), 1000);
    atEnd(() => clearInterval(drip));
  }
  await others();
  // Far more than there are places for; some with a prompt that they mean to keep.
  const crowd = places.flatMap((place) => Array.from({ length: 500 }, () => intruder(place)));
  for (const [index, socket] of crowd.entries()) if (index % 10 === 0) socket.write("prompt;set timeout cli 100000\n");
  await others();
  await others();
  for (const socket of crowd) socket.destroy();
  const served = load.outcomes.served;
  await until("traffic to go on", () => load.outcomes.served > served + 100, { timeoutMs: 10_000 });
  expect([...(await load.stop()).failed]).toEqual([]);
  clearInterval(watching);
  expect(highestMb - residentBefore).toBeLessThan(MOST_MB);
  await until("their descriptors to be free", () => files() <= filesBefore + 8, { timeoutMs: 15_000 });
}, 60_000);

test("lines made of commands, names and rubbish change nothing that must not change, and nothing fails", async () => {
  const { proxy, port } = await stand();
  const random = seeded(5);
  const load = new Load(port, 2);
  for (let round = 0; round < 60; round++) {
    const lines = Array.from({ length: 100 }, () =>
      Array.from({ length: 1 + random(7) }, () => VERBS_AND_NAMES[random(VERBS_AND_NAMES.length)]).join(" "),
    );
    const said = await say(proxy.adminSocket, `${lines.join("\n")}\n`);
    expect(said).not.toContain("Internal error");
    expect(said).not.toContain("undefined");
  }
  await load.stop();
  expect(proxy.process.alive()).toBe(true);
  expect(proxy.output()).not.toMatch(
    /\b(alert|err|emerg) (?!.*(has no server available|maintenance|is DOWN, changed from CLI))/,
  );
  for (const order of ["enable frontend web", "set maxconn global 0", "set server web/s1 addr 127.0.0.1 port 1"])
    await say(proxy.adminSocket, `${order}\n`);
  await say(
    proxy.adminSocket,
    `set server web/s1 addr 127.0.0.1 port ${echo.port}\nenable server web/s1\nset server web/s1 health up\n`,
  );
  expect((await ctl(proxy, "get weight web/s1")).code).toBe(0);
}, 60_000);
