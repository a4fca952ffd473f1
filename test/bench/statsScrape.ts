/**
 * `bun test/bench/statsScrape.ts [ROUNDS]`: what looking at it costs. One listen of fifty with forty servers each takes wrk's
 * requests; slots in which somebody asks for CSV, metrics and page once a second take turns with slots in which nobody does.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { findTool } from "../support/packages.ts";
import { freePort } from "../support/ports.ts";
import { Children } from "./children.ts";
import { ADDRESSES, startOrigin } from "./contenders.ts";
import { runWrk, type WrkResult } from "./load.ts";
import { median } from "./stats.ts";
import { waitFor } from "./waitFor.ts";

const LISTENS = 50;
const SERVERS = 40;
const SLOT_S = 3;
const PATHS = { csv: "/haproxy.stats;csv", metrics: "/metrics", page: "/haproxy.stats" } as const;
type What = keyof typeof PATHS;

function configuration(dir: string, firstPort: number, originPort: number, statsPort: number): string {
  const listens = Array.from({ length: LISTENS }, (_, listen) => {
    const servers = Array.from({ length: SERVERS }, (_, server) => {
      const address = `${ADDRESSES[server % ADDRESSES.length]}:${originPort}`;
      return `[[listen.service_${listen}.server]]\nname = "server_${server}"\naddress = "${address}"\n`;
    });
    return `[listen.service_${listen}]\nbind = "127.0.0.1:${firstPort + listen}"\n${servers.join("")}`;
  });
  return `[global]
threads = 1
[admin]
socket = "${dir}/admin.sock"
[defaults]
log = "off"
check = { interval = "10s" }
[defaults.timeout]
connect = "5s"
client = "1m"
server = "1m"
[stats]
bind = "127.0.0.1:${statsPort}"
${listens.join("\n")}`;
}

/** CPU time of a thread so far, ms (proc_pid_schedstat). */
function threadCpuMs(pid: number, thread: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]) / 1e6;
}

async function main(rounds: number): Promise<void> {
  const [wrk, nginx] = [findTool("wrk"), findTool("nginx")];
  if (wrk === null || nginx === null) throw new Error("this needs wrk and nginx");
  const dir = mkdtempSync(join(tmpdir(), "haproxy-lite-scrape-"));
  const children = new Children(dir);
  try {
    const [origin, stats, first] = [freePort(), freePort(), 23_000];
    await startOrigin(children, nginx, dir, origin, 4096);
    const config = join(dir, "lite.toml");
    writeFileSync(config, configuration(dir, first, origin, stats));
    const binary = resolve(import.meta.dir, "../../dist/haproxy-lite");
    const child = children.start("haproxy-lite", [binary, "serve", "-c", config]);
    await waitFor(child, "to print ready", async () => /\bready\b/.test(child.output()));
    const proxy = Number(/proxy pid (\d+)/.exec(child.output())?.[1]);
    const took: Record<What, number[]> = { csv: [], metrics: [], page: [] };
    const cpu: Record<What, number[]> = { csv: [], metrics: [], page: [] };
    const scrape = async (what: What): Promise<void> => {
      const before = threadCpuMs(proxy, proxy);
      const startedMs = performance.now();
      const answer = await fetch(`http://127.0.0.1:${stats}${PATHS[what]}`, { keepalive: false });
      await answer.arrayBuffer();
      took[what].push(performance.now() - startedMs);
      cpu[what].push(threadCpuMs(proxy, proxy) - before);
    };
    const slot = async (scraped: boolean): Promise<WrkResult> => {
      let over = false;
      const load = runWrk(children, wrk, { address: "127.0.0.1", port: first, seconds: SLOT_S, close: false }).finally(
        () => {
          over = true;
        },
      );
      for (let second = 0; scraped && !over && second < SLOT_S; second++) {
        const dueMs = performance.now() + 1000;
        for (const what of Object.keys(PATHS) as What[]) await scrape(what);
        await Bun.sleep(Math.max(0, dueMs - performance.now()));
      }
      return await load;
    };
    await slot(true); // warm
    for (const what of Object.keys(PATHS) as What[]) took[what].length = cpu[what].length = 0;
    const without: WrkResult[] = [];
    const with_: WrkResult[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const scraped of round % 2 === 0 ? [false, true] : [true, false])
        (scraped ? with_ : without).push(await slot(scraped));
      process.stderr.write(".");
    }
    process.stderr.write("\n");
    const ratio = (value: (result: WrkResult) => number) =>
      median(with_.map((result, round) => value(result) / value(without[round] as WrkResult)));
    const show = (results: WrkResult[]) =>
      `p50 ${median(results.map(({ p50Ms }) => p50Ms)).toFixed(2)} ms, p99 ${median(results.map(({ p99Ms }) => p99Ms)).toFixed(2)} ms, ${Math.round(median(results.map(({ requests, durationS }) => requests / durationS)))} requests/s`;
    console.log(`without: ${show(without)}\nwith:    ${show(with_)}`);
    console.log(
      `round by round: p99 ×${ratio(({ p99Ms }) => p99Ms).toFixed(3)}, requests ×${ratio(({ requests, durationS }) => requests / durationS).toFixed(3)}`,
    );
    for (const what of Object.keys(PATHS) as What[])
      console.log(
        `${what}: ${median(cpu[what]).toFixed(1)} ms of control's CPU (least ${Math.min(...cpu[what]).toFixed(1)}), ${median(took[what]).toFixed(1)} ms until read`,
      );
  } finally {
    await children.stopAll();
    rmSync(dir, { recursive: true, force: true });
  }
}

await main(Number(process.argv[2] ?? 10));
