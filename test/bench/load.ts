import { resolve } from "node:path";
import { BenchError, type Children } from "./children.ts";
import { waitFor } from "./waitFor.ts";

const WRK_SCRIPT = resolve(import.meta.dir, "wrk.lua");

/** How long a load tool may need on top of its slot. */
const TOOL_GRACE_MS = 15_000;

/** Client connections that wrk keeps busy. Moderate: enough to fill one proxy thread, few enough for a p99 that is not all queue. */
export const CLIENTS = 32;

/** What a wrk run saw. */
export interface WrkResult {
  requests: number;
  durationS: number;
  p50Ms: number;
  p99Ms: number;
  /** Connect, read and write errors, answers that are not 2xx, and timeouts; empty when all went well. */
  errors: Record<string, number>;
}

/** Reads the JSON line of `wrk.lua` out of wrk's output. */
export function parseWrk(output: string): WrkResult {
  const line = output.split("\n").findLast((each) => each.startsWith("{"));
  if (line === undefined) throw new BenchError(`wrk printed no result: ${output.trim()}`);
  const { requests, durationUs, p50Us, p99Us, ...counts } = JSON.parse(line) as Record<string, number>;
  if (requests === undefined || durationUs === undefined || p50Us === undefined || p99Us === undefined) {
    throw new BenchError(`wrk printed half a result: ${line}`);
  }
  const errors = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  return { requests, durationS: durationUs / 1e6, p50Ms: p50Us / 1e3, p99Ms: p99Us / 1e3, errors };
}

/** Small HTTP requests to `address:port` for `seconds`; with `close`, each on a connection of its own. */
export async function runWrk(
  children: Children,
  wrk: string,
  at: { address: string; port: number; seconds: number; close: boolean },
): Promise<WrkResult> {
  const header = at.close ? ["-H", "Connection: close"] : [];
  const command = [
    wrk,
    "-t1",
    `-c${CLIENTS}`,
    `-d${at.seconds}`,
    "-s",
    WRK_SCRIPT,
    ...header,
    `http://${at.address}:${at.port}/`,
  ];
  return parseWrk(await children.run(command, at.seconds * 1000 + TOOL_GRACE_MS));
}

/** What one bulk transfer moved, as its receiver counted it. */
export interface BulkResult {
  bytes: number;
  bitsPerSecond: number;
}

/** Reads iperf3's JSON report. */
export function parseIperf(output: string): BulkResult {
  const report = JSON.parse(output) as {
    error?: string;
    end?: { sum_received?: { bytes: number; bits_per_second: number } };
  };
  const received = report.end?.sum_received;
  if (report.error !== undefined || received === undefined)
    throw new BenchError(`iperf3: ${report.error ?? "no result"}`);
  return { bytes: received.bytes, bitsPerSecond: received.bits_per_second };
}

/** One TCP stream as fast as it goes for `seconds` to a one-off iperf3 server on `originPort`; `download` is from the server to the client. */
export async function runBulk(
  children: Children,
  iperf3: string,
  at: { port: number; originPort: number; seconds: number; download: boolean },
): Promise<BulkResult> {
  // A server for one test: what a broken proxy leaves hanging there cannot spoil the next contender's turn.
  const server = children.start("iperf3", [
    iperf3,
    "-s",
    "-1",
    "--forceflush",
    "-B",
    "127.0.0.1",
    "-p",
    `${at.originPort}`,
  ]);
  try {
    await waitFor(server, "to listen", async () => server.output().includes("Server listening"));
    const command = [
      iperf3,
      "-J",
      "-c",
      "127.0.0.1",
      "-p",
      `${at.port}`,
      "-t",
      `${at.seconds}`,
      ...(at.download ? ["-R"] : []),
    ];
    return parseIperf(await children.run(command, at.seconds * 1000 + TOOL_GRACE_MS));
  } finally {
    await children.stop(server);
  }
}
