import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "../../../src/admin/client.ts";
import { serve } from "../../support/echo.ts";
import { startProxy } from "../../support/instance.ts";
import { freePorts } from "../../support/ports.ts";
import { Load } from "../process/load.ts";
import { parseCsv } from "./csv.ts";

const LISTENS = 50;
const SERVERS = 40;
/** Scrapes until the code that they take is compiled, and those that count. */
const WARM_UP = 15;
const ROUNDS = 40;
const LIMIT_MS = 20;
const EVERYTHING = "show info;show stat";

/** CPU time that each thread of a process has used, ms. */
function cpuOfThreads(pid: number): Map<string, number> {
  const threads = readdirSync(`/proc/${pid}/task`).map(
    (thread) =>
      [thread, Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]) / 1e6] as const,
  );
  return new Map(threads);
}

test(`a scrape of everything at ${LISTENS} listens with ${SERVERS} servers each, under load, costs less than ${LIMIT_MS} ms`, async () => {
  const echo = await serve({ kind: "echo" });
  const ports = freePorts(LISTENS);
  const proxy = await startProxy(
    [
      "[global]\nthreads = 2",
      '[[log]]\naddress = "stdout"\nfacility = "local0"\nlevel = "notice"',
      '[defaults.timeout]\nconnect = "5s"\nclient = "60s"\nserver = "60s"',
      ...ports.flatMap((port, l) => [
        `[listen.listen_${l}]\nbind = "127.0.0.1:${port}"\n[listen.listen_${l}.check]\ninterval = "30s"`,
        ...Array.from(
          { length: SERVERS },
          (_, s) => `[[listen.listen_${l}.server]]\nname = "server_${s}"\naddress = "${echo.address}"\nmaxconn = 100`,
        ),
      ]),
    ].join("\n"),
    { timeoutMs: 20_000 },
  );
  const ask = (): Promise<string> => request(proxy.adminSocket, EVERYTHING, 20_000);
  const info = await ask();
  const pid = Number(/^Pid: (\d+)$/m.exec(info)?.[1]);
  const load = new Load(ports[0] as number, 8);
  const costsMs: number[] = [];
  // The promise is for what the control thread spends on it. A machine that others use charges more for the same work, so
  // the best round counts, and the ones before it tell of how good it is.
  for (let round = 0; round < WARM_UP + ROUNDS && !(round >= WARM_UP && Math.min(...costsMs) < LIMIT_MS); round++) {
    const before = cpuOfThreads(pid).get(String(pid)) as number;
    const text = await ask();
    const costMs = (cpuOfThreads(pid).get(String(pid)) as number) - before;
    if (round >= WARM_UP) costsMs.push(costMs);
    const csv = text.slice(text.indexOf("\n\n") + 2);
    if (round === 0) expect(parseCsv(csv)).toHaveLength(LISTENS * (SERVERS + 2));
  }
  const { served, failed } = await load.stop();
  expect(served).toBeGreaterThan(0);
  expect([...failed]).toEqual([]);
  expect(Math.min(...costsMs)).toBeLessThan(LIMIT_MS);
}, 60_000);
