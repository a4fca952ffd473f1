import { expect, test } from "bun:test";
import { Level } from "../../src/core/syslogCodes.ts";
import type { JournalEvent } from "../../src/stats/event.ts";
import { eventText, renderEvents } from "../../src/stats/eventText.ts";
import { WALL_MS } from "./vrrpCases.ts";

const DOWN: JournalEvent = {
  id: 4,
  wallMs: WALL_MS + 73,
  level: Level.alert,
  subject: { kind: "server", listen: "web", server: "s1" },
  change: "down",
  text: 'Server web/s1 is DOWN, reason: Layer4 timeout, info: "\u001b[31mx\n"',
  cause: "check failed at 192.0.2.1:80",
  because: null,
};
const NOBODY: JournalEvent = {
  ...DOWN,
  id: 5,
  level: Level.emerg,
  subject: { kind: "listen", listen: "web" },
  change: "noServer",
  text: "proxy web has no server available!",
  cause: null,
  because: 4,
};

test("for programs: one line an event, whatever is in it", () => {
  expect(eventText(DOWN)).toBe(
    '#4 2026-11-22T16:05:09.073 alert web/s1 down: Server web/s1 is DOWN, reason: Layer4 timeout, info: "?[31mx?" (cause: check failed at 192.0.2.1:80)',
  );
  expect(eventText(NOBODY)).toBe(
    "#5 2026-11-22T16:05:09.073 emerg web noServer because=#4: proxy web has no server available!",
  );
  const [process, router] = [{ kind: "process" } as const, { kind: "instance", instance: "VI_1" } as const];
  expect(eventText({ ...NOBODY, subject: process })).toContain(" emerg process noServer ");
  expect(eventText({ ...NOBODY, subject: router, because: null })).toContain(" emerg VI_1 noServer: ");
});

test("for people: what led to each below it, in the width of their terminal, coloured by severity", () => {
  const plain = renderEvents([DOWN, NOBODY], { colour: false, width: 80 });
  expect(plain).toBe(`2026-11-22 16:05:09.073     #4  Server web/s1 is DOWN, reason: Layer4 timeout,
                                info: "?[31mx?"
                                  cause: check failed at 192.0.2.1:80
2026-11-22 16:05:09.073     #5  proxy web has no server available!
                                  because of #4: Server web/s1 is DOWN, reason:
                                  Layer4 timeout, info: "?[31mx?"
`);
  const red = renderEvents([NOBODY, { ...NOBODY, level: Level.warning }, { ...NOBODY, level: Level.notice }], {
    colour: true,
    width: 100,
  });
  expect(red.split("\n").map((line) => line.split("\u001b[")[1]?.split("m")[0])).toEqual([
    "31",
    "33",
    undefined,
    undefined,
  ]);
  expect(renderEvents([], { colour: false, width: 80 })).toBe("nothing has happened yet\n");
});
