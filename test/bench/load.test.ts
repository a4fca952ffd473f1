import { expect, test } from "bun:test";
import { BenchError } from "./children.ts";
import { parseIperf, parseWrk } from "./load.ts";

const wrk = (errors: string): string =>
  `Running 2s test @ http://127.0.0.1:7000/\n  2 requests in 2.00s\n{"requests":3000,"durationUs":2000000,"p50Us":410,"p99Us":1200,${errors}}\n`;

test("wrk's result is read from its last line, in seconds and milliseconds", () => {
  const quiet = '"connectErrors":0,"readErrors":0,"writeErrors":0,"statusErrors":0,"timeouts":0';
  expect(parseWrk(wrk(quiet))).toEqual({ requests: 3000, durationS: 2, p50Ms: 0.41, p99Ms: 1.2, errors: {} });
});

test("only the kinds of errors that happened are named", () => {
  expect(
    parseWrk(wrk('"connectErrors":0,"readErrors":7,"writeErrors":0,"statusErrors":0,"timeouts":2')).errors,
  ).toEqual({ readErrors: 7, timeouts: 2 });
});

test("wrk without a result is an error", () => {
  expect(() => parseWrk("unable to connect")).toThrow(BenchError);
  expect(() => parseWrk('{"requests":1}')).toThrow("half a result");
});

test("iperf3's result is what the receiver counted", () => {
  const report = {
    end: { sum_sent: { bytes: 9, bits_per_second: 72 }, sum_received: { bytes: 8, bits_per_second: 64 } },
  };
  expect(parseIperf(JSON.stringify(report))).toEqual({ bytes: 8, bitsPerSecond: 64 });
});

test("an iperf3 report with an error is an error with its words", () => {
  expect(() => parseIperf('{"error":"control socket has closed unexpectedly","end":{}}')).toThrow(
    "control socket has closed unexpectedly",
  );
});
