import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { Level } from "../../src/core/syslogCodes.ts";
import { DatagramSink } from "../../src/log/datagramSink.ts";
import { FakeClock } from "../support/fakeClock.ts";
import { EAGAIN, ECONNREFUSED, ENOENT, FakeDatagramPort } from "./fakes.ts";

function setUp(kind: "udp" | "unix" = "udp") {
  const clock = new FakeClock();
  const port = new FakeDatagramPort();
  const reports: string[] = [];
  const name = kind === "udp" ? "udp 127.0.0.1:514" : "unix /dev/log";
  const frame = {
    framing: "local" as const,
    facility: 16,
    tag: "t",
    hostname: "h",
    pid: 1,
    maxLengthBytes: 1024,
  };
  const target = { kind, name, level: Level.info, frame, port };
  const sink = new DatagramSink(target, clock, (sentence) => reports.push(sentence));
  const write = (message: string) => sink.write(Level.info, message);
  const delivered = () => port.delivered.map((line) => line.slice(line.indexOf("]: ") + 3).trim());
  return { clock, port, reports, sink, write, delivered };
}

describe("a daemon that does not keep up", () => {
  test("costs the message, is counted and is reported once", () => {
    const { port, reports, sink, write, delivered } = setUp();
    write("a");
    port.answers = [EAGAIN, EAGAIN, EAGAIN];
    for (const message of ["b", "c", "d", "e"]) write(message);
    expect(delivered()).toEqual(["a", "e"]);
    expect([...sink.dropped]).toEqual([["EAGAIN", 3]]);
    expect(reports).toEqual([
      "Log target udp 127.0.0.1:514: messages are being lost (EAGAIN, the syslog daemon does not keep up).",
    ]);
  });

  test("is not connected anew and each message is tried once", () => {
    for (const errno of [EAGAIN, constants.errno.ENOBUFS, constants.errno.EMSGSIZE]) {
      const { port, write } = setUp("unix");
      port.always = errno;
      for (let i = 0; i < 10; i++) write("x");
      expect([port.sends, port.reopened]).toEqual([10, 0]);
    }
  });
});

describe("reports", () => {
  const total = "Log target udp 127.0.0.1:514: sending works again, at least";

  test("the total comes when sending works again, a minute after the first report", () => {
    const { clock, port, reports, write } = setUp();
    port.answers = [EAGAIN, EAGAIN];
    for (const message of ["a", "b", "c"]) write(message);
    clock.pass(59_999);
    expect(reports).toHaveLength(1);
    clock.pass(1);
    expect(reports.slice(1)).toEqual([`${total} 2 messages were lost (EAGAIN: 2).`]);
    clock.pass(3_600_000);
    write("d");
    expect(reports).toHaveLength(2);
  });

  test("a target that stays dead is reported once, however long", () => {
    const { clock, port, reports, sink, write } = setUp();
    port.always = EAGAIN;
    for (let minute = 0; minute < 100; minute++) {
      write("x");
      clock.pass(60_000);
    }
    expect(reports).toHaveLength(1);
    port.always = 0;
    write("x");
    expect(reports.slice(1)).toEqual([`${total} 100 messages were lost (EAGAIN: 100).`]);
    expect([...sink.dropped]).toEqual([["EAGAIN", 100]]);
  });

  test("a target that fails and works by turns gets at most one report a minute, and every loss is in a total", () => {
    const { clock, port, reports, sink, write } = setUp();
    for (let second = 0; second < 600; second++) {
      port.answers = second % 3 === 0 ? [EAGAIN] : [];
      write("x");
      clock.pass(1_000);
    }
    clock.pass(120_000);
    expect(reports.length).toBeGreaterThan(5);
    expect(reports.length).toBeLessThanOrEqual(12);
    const told = reports.map((report) => Number(/at least (\d+)/.exec(report)?.[1] ?? 0));
    expect(told.reduce((sum, count) => sum + count)).toBe(200);
    expect(sink.dropped.get("EAGAIN")).toBe(200);
  });

  test("one good send between refusals is not yet a recovery", () => {
    const { clock, port, reports, write } = setUp();
    port.answers = [EAGAIN];
    write("x");
    clock.pass(120_000);
    for (const answer of [EAGAIN, 0, EAGAIN, 0]) {
      port.answers = [answer];
      write("x");
      clock.pass(100);
    }
    expect(reports).toHaveLength(1);
    clock.pass(2_000);
    expect(reports.slice(1)).toEqual([`${total} 3 messages were lost (EAGAIN: 3).`]);
  });

  test("a target that dies again right after a good send is not said to work", () => {
    const { clock, port, reports, write } = setUp();
    port.answers = [EAGAIN, 0];
    port.always = EAGAIN;
    for (const message of ["a", "b", "c"]) write(message);
    clock.pass(600_000);
    expect(reports).toHaveLength(1);
  });

  test("a new loss after a total is reported as a new one", () => {
    const { clock, port, reports, write } = setUp();
    for (let hour = 0; hour < 2; hour++) {
      port.answers = [EAGAIN];
      write("a");
      write("b");
      clock.pass(3_600_000);
    }
    expect(reports.map((report) => report.slice(30).replace(/,.*| \(.*/, ""))).toEqual([
      "messages are being lost",
      "sending works again",
      "messages are being lost",
      "sending works again",
    ]);
  });

  test("closing tells what was not yet told and leaves no timer", () => {
    const { clock, port, reports, sink, write } = setUp();
    port.answers = [EAGAIN, EAGAIN];
    for (const message of ["a", "b", "c"]) write(message);
    sink.close();
    expect(reports.slice(1)).toEqual([
      "Log target udp 127.0.0.1:514: closed, at least 2 messages were lost (EAGAIN: 2).",
    ]);
    expect([clock.pendingMs.length, port.closed]).toEqual([0, true]);
  });

  test("closing a target that lost nothing is silent", () => {
    const { reports, sink, write } = setUp();
    write("a");
    sink.close();
    expect(reports).toEqual([]);
  });
});

describe("connected UDP", () => {
  test("a refusal belongs to the earlier datagram: this one is sent again, the earlier one counted", () => {
    const { port, sink, write, delivered } = setUp();
    write("a");
    port.answers = [ECONNREFUSED];
    write("b");
    expect(delivered()).toEqual(["a", "b"]);
    expect([...sink.dropped]).toEqual([["ECONNREFUSED", 1]]);
    expect(port.reopened).toBe(0);
  });

  test("a second failure in a row loses this one too", () => {
    const { port, sink, write } = setUp();
    port.answers = [ECONNREFUSED, EAGAIN];
    write("b");
    expect([...sink.dropped]).toEqual([
      ["ECONNREFUSED", 1],
      ["EAGAIN", 1],
    ]);
    expect(port.sends).toBe(2);
  });

  test("the second try does not count as working again: its refusal is still to come", () => {
    const { clock, port, reports, write } = setUp();
    for (let minute = 0; minute < 10; minute++) {
      port.answers = [ECONNREFUSED];
      write("x");
      clock.pass(60_000);
    }
    expect(reports).toEqual([
      "Log target udp 127.0.0.1:514: messages are being lost (ECONNREFUSED, nobody listens there: is the syslog daemon running?).",
    ]);
  });
});

describe("a unix socket whose daemon went away", () => {
  test("is connected anew at once when the daemon was only restarted, and nothing is lost", () => {
    const { port, reports, sink, write, delivered } = setUp("unix");
    write("a");
    port.always = ECONNREFUSED;
    port.onReopen = () => {
      port.always = 0;
    };
    write("b");
    write("c");
    expect(delivered()).toEqual(["a", "b", "c"]);
    expect([port.reopened, sink.dropped.size, reports.length]).toEqual([1, 0, 0]);
  });

  test("is looked for once a second, and costs no system call in between", () => {
    const { clock, port, sink, write } = setUp("unix");
    port.always = ENOENT;
    for (let i = 0; i < 1000; i++) write("x");
    expect([port.reopened, port.sends]).toEqual([1, 2]);
    expect([...sink.dropped]).toEqual([["ENOENT", 1000]]);
    clock.pass(999);
    write("x");
    expect(port.sends).toBe(2);
    clock.pass(1);
    write("x");
    expect([port.reopened, port.sends]).toEqual([2, 4]);
  });

  test("is used again with the first message a second after it is back", () => {
    const { clock, port, write, delivered } = setUp("unix");
    port.always = ENOENT;
    write("lost");
    port.always = 0;
    clock.pass(1_000);
    write("a");
    write("b");
    expect(delivered()).toEqual(["a", "b"]);
  });
});

describe("a socket that works again once connected anew", () => {
  test("takes the messages that follow at once", () => {
    const { clock, port, write, delivered } = setUp("unix");
    port.always = ENOENT;
    write("lost");
    clock.pass(1_000);
    port.onReopen = () => {
      port.always = 0;
    };
    for (const message of ["a", "b", "c"]) write(message);
    expect(delivered()).toEqual(["a", "b", "c"]);
  });

  test("but breaks at every turn is connected anew once a second all the same", () => {
    const { port, sink, write } = setUp("unix");
    port.answers = [ECONNREFUSED, 0, ECONNREFUSED, 0, ECONNREFUSED, 0];
    for (let i = 0; i < 5; i++) write("x");
    expect(port.reopened).toBe(1);
    expect(sink.dropped.get("ECONNREFUSED")).toBe(4);
  });
});

test("an errno without a name is counted by its number", () => {
  const { port, sink, write } = setUp();
  port.always = 7777;
  write("x");
  expect([...sink.dropped.keys()]).toEqual(["E7777"]);
});
