import { describe, expect, test } from "bun:test";
import { Level } from "../../src/core/syslogCodes.ts";
import { noServerAvailable, proxyStopped, serverDown, serverUp } from "../../src/log/events.ts";
import { formatTcplog } from "../../src/log/record.ts";
import { freePort } from "../support/ports.ts";
import { tool } from "../support/tools.ts";
import { until } from "../support/until.ts";
import { logTo, Rsyslog, TEST_HOST, TEST_PID } from "./rsyslog.ts";
import { capturedSessions } from "./tcplogLine.ts";

const rsyslogd = tool("rsyslogd");

const name = { backend: "tcp_service_a", server: "tcp_service_a_01", backup: false };
const counts = { activeServers: 0, backupServers: 0, sessions: 1, requeued: 0, queued: 0 };
const refused = { status: "L4CON", code: null, info: "Connection refused", durationMs: 0 } as const;

describe.skipIf(rsyslogd === null)("a real rsyslogd", () => {
  const rsyslog = () => new Rsyslog(rsyslogd ?? "");

  test("with the classic drop-in splits connections and state changes into two files", async () => {
    const daemon = rsyslog();
    const port = freePort();
    const dropIn = `$ModLoad imudp
$UDPServerRun ${port}
$template Haproxy, "%msg%\\n"
local0.=info -${daemon.path("haproxy.log")};Haproxy
local0.notice -${daemon.path("haproxy-status.log")};Haproxy
local0.* ~
`;
    await daemon.start(`${dropIn}*.* ${daemon.path("rest.log")}\n`, { udpPort: port });
    const logger = logTo({ udpPort: port });
    const sessions = capturedSessions().map(formatTcplog);
    const events = [
      serverDown(name, refused, counts, false),
      noServerAvailable("tcp_service_a"),
      serverUp(name, { ...refused, status: "L7OK", code: 0, info: "a\nforged line" }, counts),
      proxyStopped("tcp_service_a", 3, 2),
    ];
    for (const session of sessions) logger.log(Level.info, session);
    for (const { level, text } of events) logger.log(level, text);

    const status = await daemon.linesWhen("haproxy-status.log", events.length);
    await daemon.linesWhen("haproxy.log", sessions.length);
    await daemon.stop();
    // The traditional layout has a blank between "tag:" and the text, which %msg% keeps.
    expect(daemon.lines("haproxy.log")).toEqual(sessions.map((line) => ` ${line}`));
    expect(status).toEqual(events.map(({ text }) => ` ${text.replace("\n", "#0A")}`));
    expect(daemon.lines("rest.log").filter((line) => line.includes("tcp_service_a"))).toEqual([]);
    expect(Object.fromEntries(logger.losses()[0]?.dropped ?? [])).toEqual({});
  });

  const fields = `template(name="fields" type="string" string="%hostname% %programname% %procid% %syslogpriority-text% %msg:::sp-if-no-1st-sp%%msg%\\n")`;

  test.each(["rfc3164", "rfc5424"] as const)(
    "finds host, program, pid, level and text in %s over UDP",
    async (format) => {
      const daemon = rsyslog();
      const port = freePort();
      const input = `module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="${port}")`;
      await daemon.start(`${input}\n${fields}\nlocal0.* ${daemon.path("out")};fields\n`, { udpPort: port });
      const logger = logTo({ udpPort: port }, { format });
      logger.log(Level.notice, "Server a/b is UP.");
      const lines = await daemon.linesWhen("out", 1);
      expect(lines).toEqual([`${TEST_HOST} haproxy ${TEST_PID} notice  Server a/b is UP.`]);
    },
  );

  test.each(["rfc3164", "rfc5424"] as const)("finds them on its unix socket too, %s asked for", async (format) => {
    const daemon = rsyslog();
    const unixPath = daemon.path("log");
    await daemon.start(unixInput(daemon, `${fields}\nlocal0.* ${daemon.path("out")};fields\n`), { unixPath });
    const logger = logTo({ unixPath }, { format });
    logger.log(Level.alert, "Server a/b is DOWN.");
    const lines = await daemon.linesWhen("out", 1);
    // The host is the daemon's own: it knows that the sender is local.
    expect(lines.map((line) => line.replace(/^\S+ /, ""))).toEqual([`haproxy ${TEST_PID} alert  Server a/b is DOWN.`]);
  });

  test("that is started late gets what comes then, and the rest is counted", async () => {
    const daemon = rsyslog();
    const port = freePort();
    const stderr: string[] = [];
    const logger = logTo({ udpPort: port }, {}, { write: (line) => stderr.push(line) });
    for (let i = 0; i < 5; i++) logger.log(Level.info, `early ${i}`);
    const input = `module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="${port}")`;
    await daemon.start(`${input}\nlocal0.* ${daemon.path("out")}\n`, { udpPort: port });
    logger.log(Level.info, "late");
    await until("the late line", () => daemon.lines("out").some((line) => line.endsWith(" late")));
    logger.close();
    expect(Object.fromEntries(logger.losses()[0]?.dropped ?? [])).toEqual({ ECONNREFUSED: 5 });
    expect(stderr).toHaveLength(2);
    expect(stderr[0]).toContain(
      " warning Log target syslog: messages are being lost (ECONNREFUSED, nobody listens there",
    );
    expect(stderr[1]).toContain("at least 5 messages were lost (ECONNREFUSED: 5)");
  });

  test("that was restarted is found again on its unix socket", async () => {
    const daemon = rsyslog();
    const unixPath = daemon.path("log");
    const config = unixInput(daemon, `local0.* ${daemon.path("out")}\n`);
    await daemon.start(config, { unixPath });
    const logger = logTo({ unixPath });
    logger.log(Level.info, "first");
    await daemon.linesWhen("out", 1);
    await daemon.stop();
    logger.log(Level.info, "nobody hears this");
    await daemon.start(config, { unixPath });
    // A daemon that was missing is looked for once a second.
    await until("a line after the restart", () => {
      logger.log(Level.info, "again");
      return daemon.lines("out").some((line) => line.endsWith(" again"));
    });
    expect(logger.losses()[0]?.dropped.size).toBeGreaterThan(0);
  });

  test("that hangs never holds us up", async () => {
    const daemon = rsyslog();
    const unixPath = daemon.path("log");
    const running = await daemon.start(unixInput(daemon, `local0.* ${daemon.path("out")}\n`), { unixPath });
    const logger = logTo({ unixPath });
    running.signal("SIGSTOP");
    const startMs = performance.now();
    for (let i = 0; i < 5000; i++) logger.log(Level.info, "x".repeat(200));
    const tookMs = performance.now() - startMs;
    running.signal("SIGCONT");
    expect(tookMs).toBeLessThan(1000);
    expect(logger.losses()[0]?.dropped.get("EAGAIN")).toBeGreaterThan(3000);
    await until("a line once it goes on", () => {
      logger.log(Level.info, "goes on");
      return daemon.lines("out").some((line) => line.endsWith(" goes on"));
    });
  });
});

function unixInput(daemon: Rsyslog, rest: string): string {
  return `module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="${daemon.path("log")}" RateLimit.Interval="0")
${rest}`;
}
