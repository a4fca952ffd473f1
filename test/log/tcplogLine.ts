import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SessionRecord } from "../../src/log/record.ts";

/** Lines of a captured file below test/fixtures/haproxy, without its header. */
export function capturedLines(name: string): string[] {
  const text = readFileSync(join(import.meta.dir, "../fixtures/haproxy", name), "utf8");
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

const TCPLOG =
  /^(?<ci>\S+):(?<cp>\d+) \[(?<t>[^\]]+)\] (?<ft>\S+) (?<b>[^/ ]+)\/(?<s>\S+) (?<tw>-?\d+)\/(?<tc>-?\d+)\/(?<tt>\d+) (?<B>\d+) (?<ts>\S\S) (?<ac>\d+)\/(?<fc>\d+)\/(?<bc>\d+)\/(?<sc>\d+)\/(?<rd>\+?)(?<rc>\d+) (?<sq>\d+)\/(?<bq>\d+)$/;

/** The session behind a tcplog line, read field by field as HAProxy's manual names them. */
export function readTcplog(line: string): SessionRecord {
  const f = TCPLOG.exec(line)?.groups;
  if (f === undefined) throw new Error(`not a tcplog line: ${line}`);
  const text = (name: string) => f[name] ?? "";
  const number = (name: string) => Number(f[name]);
  const [day, month, year, hour, minute, second] = text("t").split(/[/:]/);
  return {
    clientHost: text("ci"),
    clientPort: number("cp"),
    acceptWallMs: new Date(`${day} ${month} ${year} ${hour}:${minute}:${second}`).getTime(),
    frontend: text("ft"),
    backend: text("b"),
    server: text("s") === "<NOSRV>" ? null : text("s"),
    twMs: number("tw"),
    tcMs: number("tc"),
    ttMs: number("tt"),
    bytesOut: number("B"),
    bytesIn: 0,
    termination: text("ts"),
    actconn: number("ac"),
    feconn: number("fc"),
    beconn: number("bc"),
    srvConn: number("sc"),
    retries: number("rc"),
    redispatched: text("rd") === "+",
    srvQueue: number("sq"),
    backendQueue: number("bq"),
  };
}

/** Sessions of every kind that the captures know. */
export function capturedSessions(): SessionRecord[] {
  return capturedLines("session-lines.txt").map((line) => readTcplog(line.slice(line.indexOf("]: ") + 3)));
}
