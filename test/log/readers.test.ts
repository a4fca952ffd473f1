import { beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Level } from "../../src/core/syslogCodes.ts";
import { healthCheck, noServerAvailable, serverDown, serverUp } from "../../src/log/events.ts";
import { formatHalog, formatTcplog, type SessionRecord } from "../../src/log/record.ts";
import { freePort } from "../support/ports.ts";
import { run, runOk } from "../support/process.ts";
import { tool } from "../support/tools.ts";
import { logTo, Rsyslog } from "./rsyslog.ts";
import { capturedLines, capturedSessions } from "./tcplogLine.ts";

const rsyslogd = tool("rsyslogd");
const [halog, mtail, lnav] = [tool("halog"), tool("mtail"), tool("lnav")];

const unixClient: Partial<SessionRecord> = { clientHost: "unix", clientPort: 2 };
const sessions: SessionRecord[] = [
  ...capturedSessions(),
  ...capturedSessions().map((session, i) => ({ ...session, clientHost: `2001:db8::${i}`, clientPort: 1000 + i })),
  ...capturedSessions()
    .slice(0, 3)
    .map((session) => ({ ...session, ...unixClient })),
];

const name = { backend: "be_tcp", server: "srv1", backup: false };
const counts = { activeServers: 0, backupServers: 0, sessions: 1, requeued: 0, queued: 0 };
const passed = { status: "L7OK", code: 0, info: "(tcp-check)", durationMs: 1 } as const;
const events = [
  serverDown(name, { ...passed, status: "L7TOUT", code: null }, counts, false),
  noServerAvailable("be_tcp"),
  healthCheck(name, "succeeded", passed, { health: 4, rise: 2, fall: 3, drained: false }),
  serverUp(name, passed, { ...counts, activeServers: 1 }),
];

/** How often each value occurs. */
function tally(values: readonly string[]): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const value of values) counted[value] = (counted[value] ?? 0) + 1;
  return counted;
}

const serverOf = ({ backend, server }: SessionRecord) => `${backend}/${server ?? "<NOSRV>"}`;

/** Files as a rsyslogd wrote them: traditional layout, and the classic drop-in's bare text. */
const files = { tcplog: "", mixed: "", bare: "", halog: "" };

beforeAll(async () => {
  if (rsyslogd === null) return;
  const daemon = new Rsyslog(rsyslogd);
  const port = freePort();
  const traditional = (file: string) => `${daemon.path(file)};RSYSLOG_TraditionalFileFormat`;
  const config = `module(load="imudp")
input(type="imudp" address="127.0.0.1" port="${port}")
$template Haproxy, "%msg%\\n"
local0.* ${traditional("mixed")}
local0.=info ${daemon.path("bare")};Haproxy
:msg, contains, "TCP " ${traditional("halog")}
& ~
local0.=info ${traditional("tcplog")}
`;
  await daemon.start(config, { udpPort: port });
  const logger = logTo({ udpPort: port });
  // A file that begins with anything but a session is none of HAProxy's to lnav.
  for (const session of sessions) logger.log(Level.info, formatTcplog(session));
  for (const { level, text } of events) logger.log(level, text);
  for (const session of sessions) logger.log(Level.info, formatHalog(session));
  await daemon.linesWhen("mixed", 2 * sessions.length + events.length);
  await daemon.stop();
  for (const file of ["tcplog", "mixed", "bare", "halog"] as const) files[file] = daemon.path(file);
});

const read = (file: string) => readFileSync(file, "utf8");

describe.skipIf(rsyslogd === null || halog === null)("halog on tcplog", () => {
  const count = async (file: string, ...options: string[]) =>
    Number(await runOk([halog ?? "", ...options], { stdin: read(file) }));

  test("-c counts every line and -v -c finds none that it cannot take", async () => {
    expect(await count(files.tcplog, "-c")).toBe(sessions.length);
    expect(await count(files.tcplog, "-v", "-c")).toBe(0);
  });

  test("-c and -v -c do so in the classic drop-in's file, where nothing stands before the line", async () => {
    expect(await count(files.bare, "-c")).toBe(2 * sessions.length);
    expect(await count(files.bare, "-v", "-c")).toBe(0);
  });

  test("every accept date and time is understood", async () => {
    for (const [file, skip] of [
      [files.tcplog, []],
      [files.bare, ["-s", "-4"]],
    ] as const) {
      const { stderr } = await run([halog ?? "", ...skip, "-ad", "1", "-ac", "1"], { stdin: read(file) });
      expect(stderr).toContain(" 0 parsing errors");
    }
  });
});

describe.skipIf(rsyslogd === null || halog === null)("halog on log = halog", () => {
  const statusOf = ({ tcMs, termination }: SessionRecord) =>
    tcMs >= 0 ? "200" : termination.startsWith("C") ? "400" : "503";
  const report = async (...options: string[]) => {
    const { code, stdout, stderr } = await run([halog ?? "", ...options], { stdin: read(files.halog) });
    expect(code).toBe(0);
    expect(stderr).not.toContain("ERR");
    expect(stderr).not.toContain("Truncated");
    if (!options.includes("-c")) expect(stderr).toContain(`${sessions.length} lines in, `);
    if (!options.includes("-c")) expect(stderr).toContain(" 0 parsing errors");
    return stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  };
  const pairs = (lines: string[], key = 0, value = 1) =>
    Object.fromEntries(lines.map((line) => [line.split(/\s+/)[key], Number(line.split(/\s+/)[value])]));

  test("-st counts by status", async () => {
    expect(pairs(await report("-st"))).toEqual(tally(sessions.map(statusOf)));
  });

  test("-tc counts by termination code", async () => {
    expect(pairs(await report("-tc"))).toEqual(tally(sessions.map(({ termination }) => termination)));
  });

  test("-srv counts by server: all, and those that were connected", async () => {
    const lines = await report("-srv");
    expect(pairs(lines, 0, 7)).toEqual(tally(sessions.map(serverOf)));
    const connected = pairs(
      lines.filter((line) => !line.split(" ").at(8)?.match(/^0$/)),
      0,
      8,
    );
    expect(connected).toEqual(tally(sessions.filter(({ tcMs }) => tcMs >= 0).map(serverOf)));
  });

  test("-e and -E part failed sessions from good ones", async () => {
    const failed = sessions.filter((session) => statusOf(session) === "503").length;
    expect(await report("-e", "-c")).toEqual([String(failed)]);
    expect(await report("-E", "-c")).toEqual([String(sessions.length - failed)]);
  });

  test("-tcn selects a termination code, -Q queued sessions, -hs a status", async () => {
    const count = (matches: (session: SessionRecord) => boolean) => [String(sessions.filter(matches).length)];
    expect(await report("-tcn", "CD", "-c")).toEqual(count(({ termination }) => termination === "CD"));
    expect(await report("-Q", "-c")).toEqual(count(({ srvQueue, backendQueue }) => srvQueue + backendQueue > 0));
    expect(await report("-hs", "400", "-c")).toEqual(count((session) => statusOf(session) === "400"));
    expect(await report("-H", "-c")).toEqual(count(() => true));
  });

  test("-u and -ic count by backend/server and by client", async () => {
    expect(pairs(await report("-u"), 8, 0)).toEqual(tally(sessions.map(serverOf)));
    const clients = tally(sessions.map(({ clientHost }) => clientHost));
    expect(pairs(await report("-ic"), 8, 0)["127.0.0.1"]).toBe(clients["127.0.0.1"] ?? 0);
  });

  test("-pct, -gt and -ad read every time", async () => {
    expect((await report("-pct")).length).toBeGreaterThan(50);
    expect((await report("-gt")).length).toBeGreaterThan(5);
    expect((await report("-ad", "100", "-ac", "1")).length).toBeGreaterThan(0);
    expect(await report("-cc")).toEqual([`-- ${sessions.length}`]);
  });
});

test.skipIf(rsyslogd === null || mtail === null)(
  "mtail counts our sessions as an operator's program counts HAProxy's",
  async () => {
    const dir = join(files.tcplog, "../mtail");
    mkdirSync(dir);
    copyFileSync(join(import.meta.dir, "../fixtures/haproxy/tcplog.mtail"), join(dir, "tcplog.mtail"));
    const out = await runOk([
      mtail ?? "",
      "-progs",
      dir,
      "-logs",
      files.tcplog,
      "-one_shot",
      "-one_shot_format",
      "prometheus",
    ]);
    const counted = [...out.matchAll(/^sessions\{be="(.*?)",prog=".*?",srv="(.*?)",term="(.*?)"\} (\d+)$/gm)];
    expect(
      Object.fromEntries(counted.map(([, be, srv, term, count]) => [`${be}/${srv} ${term}`, Number(count)])),
    ).toEqual(tally(sessions.map((session) => `${serverOf(session)} ${session.termination}`)));
  },
);

test.skipIf(rsyslogd === null || lnav === null)("lnav reads our lines exactly as it reads HAProxy's", async () => {
  const query = `;SELECT backend_name || '/' || server_name || ' ' || termination_state, count(*), sum(bytes_read)
    FROM haproxy_log GROUP BY 1`;
  const readWithLnav = async (file: string, lines: string[]) => {
    const path = join(files.tcplog, "..", file);
    writeFileSync(path, `${lines.join("\n")}\n`);
    const env = { HOME: join(files.tcplog, ".."), TERM: "dumb" };
    return (await runOk([lnav ?? "", "-n", "-c", query, path], { env })).trim().split("\n");
  };
  // What HAProxy sent, with the host name that its daemon adds.
  const haproxys = capturedLines("session-lines.txt").map((line) =>
    line.slice(5).replace(" haproxy[", " lb01 haproxy["),
  );
  const ours = await readWithLnav("ours.log", read(files.tcplog).split("\n").slice(0, haproxys.length));
  expect(ours).toEqual(await readWithLnav("haproxys.log", haproxys));
  // lnav 0.11 leaves out lines with a time of -1, a redispatch or an IPv6 client, whoever wrote them.
  const known = sessions
    .slice(0, haproxys.length)
    .filter(({ tcMs, redispatched, clientHost }) => tcMs >= 0 && !redispatched && !clientHost.includes(":"));
  expect(ours).toHaveLength(1 + new Set(known.map((session) => `${serverOf(session)} ${session.termination}`)).size);
});
