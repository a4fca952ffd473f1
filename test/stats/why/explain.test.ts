import { describe, expect, test } from "bun:test";
import { Level } from "../../../src/core/syslogCodes.ts";
import { Journal } from "../../../src/stats/journal.ts";
import { eventsAbout, explain } from "../../../src/stats/why/explain.ts";
import { listenWith, serverWith } from "../tableCases.ts";
import { instanceWith, vrrpWith, WALL_MS } from "../vrrpCases.ts";
import { told, whyOf, worldWith } from "./cases.ts";

const web = listenWith({ name: "web", servers: [serverWith({ name: "s1" }), serverWith({ name: "lone" })] });
const api = listenWith({ name: "api", servers: [serverWith({ name: "s1" })] });
const base = worldWith({ listens: [web, api] });
const world = { ...base, snapshot: { ...base.snapshot, vrrp: { ...vrrpWith(instanceWith()), ageMs: 0 } } };

describe("a name", () => {
  test.each([
    ["web/s1", "server", "web/s1"],
    ["api/s1", "server", "api/s1"],
    ["lone", "server", "web/lone"],
    ["web", "listen", "web"],
    ["VI_1", "instance", "VI_1"],
    ["192.0.2.100", "instance", "VI_1"],
    ["process", "process", "process"],
  ])("%s is a %s", (name, kind, full) => {
    expect(whyOf(name, world)).toMatchObject({ kind, name: full });
  });

  test.each([
    ["wbe", 'there is no "wbe"; did you mean "web"?'],
    ["web/s9", 'there is no "web/s9"; did you mean "web/s1"?'],
    ["VI_2", 'there is no "VI_2"; did you mean "VI_1"?'],
    ["nothing-like-it", 'there is no "nothing-like-it"'],
    ["", 'there is no ""'],
    ["s1", '"s1" may be web/s1 or api/s1: say which'],
  ])("%p is nobody's, or too many's", (name, unknown) => {
    expect(explain(name, world)).toEqual({ unknown });
  });
});

describe("what has happened", () => {
  const journal = new Journal();
  const draft = { wallMs: WALL_MS - 60_000, level: Level.notice, cause: null, because: [] };
  const server = (name: string) => ({ kind: "server", listen: "web", server: name }) as const;
  journal.add({ ...draft, subject: { kind: "process" }, change: "reload", text: "applied" });
  journal.add({
    ...draft,
    subject: server("old"),
    change: "removed",
    text: "server web/old removed",
    because: [{ subject: { kind: "process" }, changes: ["reload"] }],
  });
  for (let i = 0; i < 30; i++) journal.add({ ...draft, subject: server("s1"), change: "down", text: `fall ${i}` });

  test("the last events about it and whatever led to them, oldest first", () => {
    const about = eventsAbout(server("s1"), journal.events);
    expect([about.length, about[0]?.text, about.at(-1)?.text]).toEqual([10, "fall 20", "fall 29"]);
    expect(eventsAbout({ kind: "listen", listen: "web" }, journal.events).at(-1)?.text).toBe("fall 29");
    expect(eventsAbout(server("old"), journal.events).map(({ text }) => text)).toEqual([
      "applied",
      "server web/old removed",
    ]);
    expect(eventsAbout(server("other"), journal.events)).toEqual([]);
  });

  test("is all that is known of who is gone", () => {
    const why = whyOf("web/old", { ...world, events: journal.events });
    expect(why).toMatchObject({
      kind: "server",
      state: "GONE",
      healthy: false,
      summary: "web/old is not there any more",
    });
    expect(why.reasons.map(({ text }) => text)).toEqual([
      "16:04:09.000: server web/old removed",
      "16:04:09.000: applied",
    ]);
  });

  test("control characters of whatever was said stay out of a terminal", () => {
    journal.add({ ...draft, subject: server("s1"), change: "down", text: "evil\u001b[2J\n", cause: "\u0007" });
    expect(told("web/s1", { ...world, events: journal.events })).not.toMatch(/[^\P{Cc}\n]/u);
  });
});
