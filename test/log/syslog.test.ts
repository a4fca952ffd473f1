import { describe, expect, test } from "bun:test";
import { Level } from "../../src/core/syslogCodes.ts";
import { utcOffset } from "../../src/log/localTime.ts";
import { type FrameOptions, SyslogFramer, syslogHostname } from "../../src/log/syslog.ts";

const at = (...time: [number, number, number, number, number, number, number?]) => new Date(...time).getTime();
const NOON = at(2026, 10, 22, 12, 0, 5, 7);

const options: FrameOptions = {
  framing: "rfc3164",
  facility: 16,
  tag: "haproxy",
  hostname: "lb01",
  pid: 4711,
  maxLengthBytes: 1024,
};

function frame(changes: Partial<FrameOptions>, message: string, level: Level = Level.info, wallMs = NOON): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(
    new SyslogFramer({ ...options, ...changes }).frame(level, message, wallMs),
  );
}

describe("framing", () => {
  test("rfc3164 has the host before the tag", () => {
    expect(frame({}, "hello")).toBe("<134>Nov 22 12:00:05 lb01 haproxy[4711]: hello\n");
  });

  test("local leaves the host out, as HAProxy and syslog(3) do", () => {
    expect(frame({ framing: "local" }, "hello")).toBe("<134>Nov 22 12:00:05 haproxy[4711]: hello\n");
  });

  test("rfc5424 has milliseconds, the offset and no structured data", () => {
    const time = `2026-11-22T12:00:05.007${utcOffset(NOON)}`;
    expect(frame({ framing: "rfc5424" }, "hello")).toBe(`<134>1 ${time} lb01 haproxy 4711 - - hello\n`);
  });

  test("the day of the month is padded with a blank", () => {
    expect(frame({}, "x", Level.info, at(2026, 1, 3, 4, 5, 6))).toStartWith("<134>Feb  3 04:05:06 ");
  });

  test.each([
    ["emerg", Level.emerg, 16, "<128>"],
    ["alert", Level.alert, 16, "<129>"],
    ["notice", Level.notice, 16, "<133>"],
    ["debug of local7", Level.debug, 23, "<191>"],
    ["emerg of kern", Level.emerg, 0, "<0>"],
  ])("%s has its priority", (_, level, facility, start) => {
    expect(frame({ facility }, "x", level)).toStartWith(`${start}Nov `);
  });

  test("the header moves on with the second and the milliseconds with the message", () => {
    const framer = new SyslogFramer({ ...options, framing: "rfc5424" });
    const stamps = [7, 8, 999, 1000, 61_000].map((ms) => {
      const text = new TextDecoder().decode(framer.frame(Level.info, "x", NOON - 7 + ms));
      return text.slice(text.indexOf("T") + 1).slice(0, 12);
    });
    expect(stamps).toEqual(["12:00:05.007", "12:00:05.008", "12:00:05.999", "12:00:06.000", "12:01:06.000"]);
  });
});

describe("length", () => {
  // HAProxy 2.6.12 with "len 80": 80 bytes and the newline.
  test("a long line is cut where HAProxy cuts it", () => {
    const text = "127.0.0.1:40834 [22/Nov/2026:13:51:25.253] a a/srv1 1/0/0 5 -- 1/1/0/0/0 0/0";
    const cut = frame(
      { framing: "local", pid: 3819, maxLengthBytes: 80 },
      text,
      Level.info,
      at(2026, 10, 22, 13, 51, 25),
    );
    expect(cut).toBe("<134>Nov 22 13:51:25 haproxy[3819]: 127.0.0.1:40834 [22/Nov/2026:13:51:25.253] a\n");
  });

  test.each(["£", "日", "😀", "e\u0301"])("never cuts through %s", (character) => {
    for (let maxLengthBytes = 80; maxLengthBytes < 90; maxLengthBytes++) {
      const text = frame({ maxLengthBytes }, character.repeat(100));
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxLengthBytes + 1);
      expect(Buffer.byteLength(text)).toBeGreaterThan(maxLengthBytes - 3);
      expect(text).toEndWith("\n");
      expect(text).not.toContain("\ufffd");
    }
  });

  test("a long message does not leak into the next, shorter one", () => {
    const framer = new SyslogFramer(options);
    framer.frame(Level.info, "x".repeat(5000), NOON);
    expect(new TextDecoder().decode(framer.frame(Level.info, "short", NOON))).toEndWith("]: short\n");
  });

  test("megabytes of control characters are cut before they are escaped", () => {
    const startMs = performance.now();
    expect(Buffer.byteLength(frame({}, "\n".repeat(50_000_000)))).toBe(1025);
    expect(performance.now() - startMs).toBeLessThan(1000);
  });
});

describe("forgery", () => {
  test("a newline in a message does not start another line", () => {
    expect(frame({}, "banner\n<128>Nov 22 12:00:05 lb01 haproxy[1]: proxy a has no server available!")).toBe(
      "<134>Nov 22 12:00:05 lb01 haproxy[4711]: banner#0A<128>Nov 22 12:00:05 lb01 haproxy[1]: proxy a has no server available!\n",
    );
  });

  test("blanks, newlines and delimiters cannot break out of tag and host name", () => {
    expect(frame({ tag: "a b]: c\n", hostname: "h\0 x" }, "m")).toBe("<134>Nov 22 12:00:05 h__x a_b___c_[4711]: m\n");
    expect(frame({ framing: "rfc5424", tag: "a b", hostname: "" }, "m")).toContain(" - a_b 4711 - - m");
  });
});

describe("host name", () => {
  test.each([
    ["a configured name as it is", "edge.example.com", "box", "rfc3164", "edge.example.com"],
    ["the machine's name without its domain for rfc3164", null, "box.example.com", "rfc3164", "box"],
    ["the whole machine's name for rfc5424", null, "box.example.com", "rfc5424", "box.example.com"],
    ["localhost when the machine has none", null, "", "rfc3164", "localhost"],
  ] as const)("%s", (_, configured, machine, framing, expected) => {
    expect(syslogHostname(configured, machine, framing)).toBe(expected);
  });
});
