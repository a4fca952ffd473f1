import { describe, expect, test } from "bun:test";
import { Level } from "../../src/core/syslogCodes.ts";
import type { DatagramTarget } from "../../src/log/datagramSink.ts";
import type { LineTarget } from "../../src/log/lineSink.ts";
import { utcOffset } from "../../src/log/localTime.ts";
import { Logger, type Target } from "../../src/log/logger.ts";
import { FakeClock } from "../support/fakeClock.ts";
import { EAGAIN, FakeDatagramPort, FakeLinePort } from "./fakes.ts";

const frame = { framing: "local", facility: 16, tag: "t", hostname: "h", pid: 1, maxLengthBytes: 1024 } as const;
const udp = (port: FakeDatagramPort, name = "udp a", level: number = Level.info): DatagramTarget => ({
  kind: "udp",
  name,
  level,
  frame,
  port,
});
const lines = (port: FakeLinePort, level: number = Level.info, maxLengthBytes = 1024): LineTarget => ({
  kind: "line",
  name: "stdout",
  level,
  maxLengthBytes,
  port,
});

function setUp(...targets: Target[]) {
  const clock = new FakeClock();
  const stderr = new FakeLinePort();
  return { clock, stderr, logger: new Logger(targets, clock, stderr) };
}

const text = (line: string) => line.trim().replace(/^.*\]: /, "");

describe("targets", () => {
  test("each gets what its own level lets pass", () => {
    const [all, changes] = [new FakeDatagramPort(), new FakeDatagramPort()];
    const { logger } = setUp(udp(all, "udp a", Level.info), udp(changes, "udp b", Level.notice));
    logger.log(Level.debug, "debug");
    logger.log(Level.info, "session");
    logger.log(Level.notice, "change");
    logger.log(Level.emerg, "nothing left");
    expect(all.delivered.map(text)).toEqual(["session", "change", "nothing left"]);
    expect(changes.delivered.map(text)).toEqual(["change", "nothing left"]);
  });

  test("a caller can ask whether a level is wanted before it formats", () => {
    const { logger } = setUp(lines(new FakeLinePort(), Level.alert), lines(new FakeLinePort(), Level.notice));
    expect([Level.emerg, Level.notice, Level.info].map((level) => logger.wants(level))).toEqual([true, true, false]);
    expect(setUp().logger.wants(Level.emerg)).toBe(false);
  });
});

describe("lines for people", () => {
  test("begin with time, offset and level", () => {
    const port = new FakeLinePort();
    const { clock, logger } = setUp(lines(port));
    const wallMs = clock.wallMs();
    logger.log(Level.notice, "Server b/s is UP.");
    const time = new Date(wallMs - new Date(wallMs).getTimezoneOffset() * 60_000).toISOString().slice(0, 23);
    expect(port.lines).toEqual([`${time}${utcOffset(wallMs)} notice Server b/s is UP.`]);
  });

  test("the time goes on", () => {
    const port = new FakeLinePort();
    const { clock, logger } = setUp(lines(port));
    for (const ms of [0, 876, 1, 60_000]) {
      clock.pass(ms);
      logger.log(Level.info, "x");
    }
    expect(port.lines.map((line) => line.slice(17, 23))).toEqual(["00.123", "00.999", "01.000", "01.000"]);
  });

  test("control characters are escaped and the length is bounded", () => {
    const port = new FakeLinePort();
    const { logger } = setUp(lines(port, Level.info, 100));
    logger.log(Level.info, "\x1b[2J\nforged");
    logger.log(Level.info, "£".repeat(1_000_000));
    expect(port.lines[0]).toEndWith(" info #1B[2J#0Aforged");
    expect(Buffer.byteLength(port.lines[1] ?? "")).toBeWithin(98, 101);
  });
});

describe("what a target lost", () => {
  const losing = "Log target udp a: messages are being lost (EAGAIN, the syslog daemon does not keep up).";

  test("is told on the others, not on itself", () => {
    const [a, b, out] = [new FakeDatagramPort(), new FakeDatagramPort(), new FakeLinePort()];
    const { logger, stderr } = setUp(udp(a, "udp a"), udp(b, "udp b"), lines(out));
    a.answers = [EAGAIN];
    logger.log(Level.info, "x");
    expect(a.delivered).toEqual([]);
    expect(b.delivered.map(text)).toEqual([losing, "x"]);
    expect(b.delivered[0]).toStartWith("<132>");
    expect(out.lines.map((line) => line.slice(30))).toEqual([`warning ${losing}`, "info x"]);
    expect(stderr.lines).toEqual([]);
  });

  test("goes to stderr when no line target would show it", () => {
    const [a, b] = [new FakeDatagramPort(), new FakeDatagramPort()];
    const { logger, stderr } = setUp(udp(a, "udp a"), udp(b, "udp b"), lines(new FakeLinePort(), Level.err));
    a.answers = [EAGAIN];
    logger.log(Level.info, "x");
    expect(stderr.lines.map((line) => line.slice(30))).toEqual([`warning ${losing}`]);
  });

  test("is counted by target and cause", () => {
    const [a, b] = [new FakeDatagramPort(), new FakeDatagramPort()];
    const { logger } = setUp(udp(a, "udp a"), udp(b, "udp b"));
    a.answers = [EAGAIN, EAGAIN];
    for (let i = 0; i < 3; i++) logger.log(Level.info, "x");
    const losses = logger.losses().map(({ name, dropped }) => [name, Object.fromEntries(dropped)]);
    expect(losses).toEqual([
      ["udp a", { EAGAIN: 2 }],
      ["udp b", {}],
    ]);
  });

  test("two targets that fail together do not talk in circles", () => {
    const [a, b] = [new FakeDatagramPort(), new FakeDatagramPort()];
    const { logger, stderr } = setUp(udp(a, "udp a"), udp(b, "udp b"));
    a.always = b.always = EAGAIN;
    for (let i = 0; i < 100; i++) logger.log(Level.info, "x");
    expect(stderr.lines).toHaveLength(2);
    expect(a.sends + b.sends).toBeLessThanOrEqual(204);
  });

  test("a report that comes back cannot garble the message that is being sent again", () => {
    const [a, b] = [new FakeDatagramPort(), new FakeDatagramPort()];
    const { logger } = setUp(udp(a, "udp a"), udp(b, "udp b"));
    const refused = 111;
    a.answers = [refused];
    b.always = EAGAIN;
    logger.log(Level.info, "the message");
    expect(a.delivered.map(text)).toContain("the message");
  });

  test("is told on closing without opening a closed target again", () => {
    const [a, b] = [new FakeDatagramPort(), new FakeDatagramPort()];
    const { clock, logger, stderr } = setUp(udp(b, "udp b"), udp(a, "udp a"));
    a.answers = [EAGAIN];
    logger.log(Level.info, "x");
    const sends = b.sends;
    logger.close();
    expect(stderr.lines.at(-1)).toEndWith("Log target udp a: closed, at least 1 messages were lost (EAGAIN: 1).");
    expect([b.sends - sends, a.closed, b.closed, clock.pendingMs.length]).toEqual([0, true, true, 0]);
  });
});
