import { describe, expect, test } from "bun:test";
import { formatHalog, formatTcplog, type SessionRecord } from "../../src/log/record.ts";
import { capturedLines, readTcplog } from "./tcplogLine.ts";

const session: SessionRecord = {
  clientHost: "192.0.2.7",
  clientPort: 40000,
  acceptWallMs: new Date(2026, 10, 2, 3, 4, 5, 6).getTime(),
  frontend: "fe",
  backend: "be",
  server: "s1",
  twMs: 1,
  tcMs: 2,
  ttMs: 30,
  bytesOut: 4,
  bytesIn: 5,
  termination: "--",
  actconn: 6,
  feconn: 7,
  beconn: 8,
  srvConn: 9,
  retries: 10,
  redispatched: false,
  srvQueue: 11,
  backendQueue: 12,
};

describe("tcplog", () => {
  test.each(capturedLines("session-lines.txt").map((line) => line.slice(line.indexOf("]: ") + 3)))(
    "is HAProxy's line field for field: %s",
    (line) => expect(formatTcplog(readTcplog(line))).toBe(line),
  );

  test("puts every number in its own place", () => {
    expect(formatTcplog(session)).toBe(
      "192.0.2.7:40000 [02/Nov/2026:03:04:05.006] fe be/s1 1/2/30 4 -- 6/7/8/9/10 11/12",
    );
  });

  test("a unix listener's client is its listener id", () => {
    const line = formatTcplog({ ...session, clientHost: "unix", clientPort: 3 });
    expect(line).toStartWith("unix:3 [02/Nov/2026:03:04:05.006] fe ");
  });

  test("a redispatched session shows its retries with a plus", () => {
    expect(formatTcplog({ ...session, retries: 1, redispatched: true })).toContain(" 6/7/8/9/+1 ");
  });

  test("fractions of a millisecond in the accept time are cut off", () => {
    expect(formatTcplog({ ...session, acceptWallMs: session.acceptWallMs + 0.9 })).toContain(":03:04:05.006]");
  });
});

describe("halog", () => {
  test.each(capturedLines("halog-lines.txt").map((line) => line.slice(line.indexOf("]: ") + 3)))(
    "is the line HAProxy writes with a custom log-format: %s",
    (line) => {
      const httpOnly = / 0\/(\d+)\/(\d+)\/0\/(\d+) 200 (\d+) - - (..)-- /;
      const tcplog = line.replace(httpOnly, " $1/$2/$3 $4 $5 ").replace(/ \{\}.*/, "");
      // HAProxy rounds each time on its own; in ours the total is never less than its parts.
      expect(formatHalog(readTcplog(tcplog))).toBe(line.replace(" 0/1/0/0/0 ", " 0/1/0/0/1 "));
    },
  );

  test("puts every number in its own place", () => {
    expect(formatHalog(session)).toBe(
      '192.0.2.7:40000 [02/Nov/2026:03:04:05.006] fe be/s1 0/1/2/0/30 200 4 - - ---- 6/7/8/9/10 11/12 {} {} "TCP be/s1 -"',
    );
  });

  test.each([
    ["refused", "SC", 503],
    ["connect timeout", "sC", 503],
    ["queue timeout", "sQ", 503],
    ["the client left while connecting", "CC", 400],
  ])("%s is an error of its own kind", (_, termination, status) => {
    const line = formatHalog({ ...session, server: null, tcMs: -1, termination });
    expect(line).toContain(` be/<NOSRV> 0/1/-1/-1/30 ${status} 4 - - ${termination}-- `);
    expect(line).toEndWith('"TCP be/<NOSRV> -"');
  });
});
