import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Socket } from "bun";
import { libc } from "../../../src/net/libc.ts";
import { atEnd } from "../../support/cleanup.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../support/until.ts";
import { startLite } from "./support/balancer.ts";
import { cpuMs, memoryMib, openFiles } from "./support/memory.ts";

const WANTED = 10_000;
/** Each connection costs this process two descriptors, its client's and its server's, and the proxy as many. */
const fileLimit = Number(/Max open files\s+(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]);
const COUNT = Math.min(WANTED, Math.floor((fileLimit - 1000) / 2));
const BATCH = 500;
const timeout = { client: 60_000, server: 60_000 };

/** An echo server that costs as little as can be: what is measured is the proxy. */
function echoServer(): number {
  const port = freePort();
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (socket, chunk) => void socket.write(chunk),
    },
  });
  atEnd(() => listener.stop(true));
  // Bun's 512 is too few for a loop that is busy with thousands of clients: the kernel would drop SYNs.
  libc.listen((listener as unknown as { fd: number }).fd, 4096);
  return port;
}

interface Visitor {
  heard: number;
  closed: boolean;
}

test(`${COUNT} clients at once are served, cost little while they are silent, and leave nothing behind`, async () => {
  if (COUNT < WANTED)
    console.error(`crowd.test.ts: ${COUNT} clients instead of ${WANTED}: the open file limit is ${fileLimit}`);
  const lite = await startLite([{ name: "crowd", timeout, servers: [{ address: `127.0.0.1:${echoServer()}` }] }], {
    threads: 2,
    global: `maxconn = ${COUNT}`,
  });
  const pid = await lite.proxyPid();
  const port = Number(lite.bind("crowd").split(":")[1]);
  const before = { files: openFiles(pid), memory: memoryMib(pid).now };
  const visitors: Socket<Visitor>[] = [];
  const events = {
    data(socket: Socket<Visitor>, chunk: Uint8Array) {
      socket.data.heard += chunk.length;
    },
    close(socket: Socket<Visitor>) {
      socket.data.closed = true;
    },
  };
  atEnd(() => {
    for (const visitor of visitors) visitor.terminate();
  });
  while (visitors.length < COUNT) {
    const batch = Array.from({ length: Math.min(BATCH, COUNT - visitors.length) }, () =>
      Bun.connect<Visitor>({ hostname: "127.0.0.1", port, data: { heard: 0, closed: false }, socket: events }),
    );
    visitors.push(...(await Promise.all(batch)));
  }
  const words = Buffer.alloc(100, "w");
  const talk = async (times: number): Promise<void> => {
    for (const visitor of visitors) visitor.write(words);
    const look = async (): Promise<boolean> => {
      const unheard = visitors.filter(({ data }) => data.heard !== times * words.length);
      if (unheard.length === 0) return true;
      const closed = unheard.filter(({ data }) => data.closed).length;
      const { servers, bytesIn, bytesOut, errors } = await lite.listen("crowd");
      const state = { bytesIn, bytesOut, errors, connects: servers[0]?.connects, established: servers[0]?.sessions };
      throw new Error(`${unheard.length} unheard, ${closed} of them closed; ${JSON.stringify(state)}`);
    };
    await until("everybody to be answered", look, { timeoutMs: 30_000, everyMs: 50 });
  };
  await talk(1);
  const { sessions } = await lite.listen("crowd");
  expect(sessions).toMatchObject({ current: COUNT, max: COUNT, total: COUNT });

  const cpuBefore = cpuMs(pid);
  await Bun.sleep(1000);
  const idleMs = cpuMs(pid) - cpuBefore;
  const full = memoryMib(pid).now;
  console.error(
    `crowd.test.ts: ${COUNT} connections: ${full.toFixed(0)} MiB (${before.memory.toFixed(0)} before), ${idleMs} ms CPU in an idle second`,
  );
  expect(idleMs).toBeLessThan(150);
  expect(full).toBeLessThan(200);

  await talk(2);
  for (const [i, visitor] of visitors.entries()) {
    if (i % 3 === 0) visitor.terminate();
    else if (i % 3 === 1) visitor.end();
    else visitor.shutdown();
  }
  await lite.quiet(20_000);
  await until("everybody to be gone", () => visitors.every(({ data }) => data.closed), { timeoutMs: 20_000 });
  await until("the descriptors to be closed", () => openFiles(pid) <= before.files);
  expect((await lite.listen("crowd")).bytesOut).toBe(COUNT * 200);
}, 90_000);
